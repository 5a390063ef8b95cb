//! How long ticks take and how late they are, for `/metrics`.
//!
//! Thousands of rooms say so sixty times a second. The recorder behind the other histograms keeps every sample until
//! somebody asks; here a sample is two additions.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::BUCKETS_S;

/// The histograms of all rooms.
#[derive(Debug, Default)]
pub struct Ticks {
    /// From a tick's beginning to its end.
    pub took: Histogram,
    /// From the moment when a tick was due to its beginning.
    pub late: Histogram,
}

/// Durations, counted.
#[derive(Debug, Default)]
pub struct Histogram {
    /// By the bound that they do not exceed. The last: none.
    counts: [AtomicU64; BUCKETS_S.len() + 1],
    sum_ns: AtomicU64,
}

impl Histogram {
    /// Counts one.
    pub fn record(&self, duration: Duration) {
        let seconds = duration.as_secs_f64();
        let bucket = BUCKETS_S.partition_point(|bound| *bound < seconds);
        let ns = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        self.counts[bucket].fetch_add(1, Ordering::Relaxed);
        self.sum_ns.fetch_add(ns, Ordering::Relaxed);
    }

    fn render(&self, name: &str, text: &mut String) {
        let bounds = BUCKETS_S.iter().map(f64::to_string).chain(["+Inf".to_owned()]);
        let mut count = 0;
        // Writing to a string does not fail.
        writeln!(text, "# TYPE {name} histogram").ok();
        for (bound, of_bucket) in bounds.zip(&self.counts) {
            count += of_bucket.load(Ordering::Relaxed);
            writeln!(text, "{name}_bucket{{le=\"{bound}\"}} {count}").ok();
        }
        let sum = Duration::from_nanos(self.sum_ns.load(Ordering::Relaxed)).as_secs_f64();
        writeln!(text, "{name}_sum {sum}\n{name}_count {count}").ok();
    }
}

impl Ticks {
    /// Both in Prometheus' text format.
    pub(super) fn render(&self, text: &mut String) {
        self.took.render("pushback_tick_seconds", text);
        self.late.render("pushback_tick_late_seconds", text);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Ticks;

    #[test]
    fn a_bucket_counts_what_does_not_exceed_its_bound() {
        let ticks = Ticks::default();
        for ms in [1, 2, 3, 90_000] {
            ticks.took.record(Duration::from_millis(ms));
        }

        let mut text = String::new();
        ticks.render(&mut text);

        for line in [
            "pushback_tick_seconds_bucket{le=\"0.0005\"} 0",
            "pushback_tick_seconds_bucket{le=\"0.001\"} 1",
            "pushback_tick_seconds_bucket{le=\"0.003\"} 3",
            "pushback_tick_seconds_bucket{le=\"5\"} 3",
            "pushback_tick_seconds_bucket{le=\"+Inf\"} 4",
            "pushback_tick_seconds_sum 90.006",
            "pushback_tick_seconds_count 4",
            "pushback_tick_late_seconds_count 0",
        ] {
            assert!(text.lines().any(|known| known == line), "{line} in\n{text}");
        }
    }
}
