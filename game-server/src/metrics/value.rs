//! The kinds of metrics. Handles are cheap to clone, and clones count together.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::sync::lock;

/// Upper bounds in seconds, for every duration: the head of a response, a tick, the lateness of a tick.
pub(super) const BUCKETS_S: [f64; 23] = [
    0.000_05, 0.000_1, 0.000_2, 0.000_5, 0.001, 0.001_25, 0.001_5, 0.001_75, 0.002, 0.003, 0.005,
    0.008, 0.010, 0.012, 0.013, 0.014, 0.015, 0.016, 0.033, 0.1, 0.25, 1.0, 5.0,
];

/// Only grows.
#[derive(Debug, Clone, Default)]
pub struct Counter(Arc<AtomicU64>);

impl Counter {
    /// Adds to the count.
    pub fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    pub(super) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// How many of something exist now.
#[derive(Debug, Clone, Default)]
pub struct Gauge(Arc<AtomicUsize>);

/// One of them, from [`Gauge::enter`] until it is dropped.
#[derive(Debug)]
pub struct Counted(Gauge);

impl Gauge {
    /// Counts one more, until the guard is dropped.
    #[must_use]
    pub fn enter(&self) -> Counted {
        self.0.fetch_add(1, Ordering::Relaxed);
        Counted(self.clone())
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Durations, by bucket.
#[derive(Debug, Clone, Default)]
pub struct Histogram(Arc<Buckets>);

#[derive(Debug, Default)]
struct Buckets {
    /// By the smallest bound that is not exceeded. The last has no bound.
    counts: [AtomicU64; BUCKETS_S.len() + 1],
    sum_ns: AtomicU64,
}

impl Histogram {
    /// Adds a duration.
    pub fn record(&self, duration: Duration) {
        let seconds = duration.as_secs_f64();
        let bucket = BUCKETS_S.partition_point(|bound| *bound < seconds);
        let ns = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        self.0.counts[bucket].fetch_add(1, Ordering::Relaxed);
        self.0.sum_ns.fetch_add(ns, Ordering::Relaxed);
    }

    /// The count of each bucket.
    pub(super) fn counts(&self) -> impl Iterator<Item = u64> {
        self.0.counts.iter().map(|count| count.load(Ordering::Relaxed))
    }

    pub(super) fn sum(&self) -> Duration {
        Duration::from_nanos(self.0.sum_ns.load(Ordering::Relaxed))
    }
}

/// A metric for each set of labels. Labels are the server's own words, of which there are few.
#[derive(Debug)]
pub struct Family<L, M>(Mutex<BTreeMap<L, M>>);

impl<L: Ord, M: Clone + Default> Family<L, M> {
    /// The metric with these labels.
    #[must_use]
    pub fn of(&self, labels: L) -> M {
        lock(&self.0).entry(labels).or_default().clone()
    }
}

impl<L: Ord + Clone, M: Clone> Family<L, M> {
    pub(super) fn all(&self) -> Vec<(L, M)> {
        lock(&self.0).iter().map(|(labels, metric)| (labels.clone(), metric.clone())).collect()
    }
}

impl<L, M> Default for Family<L, M> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}
