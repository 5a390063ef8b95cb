//! The engines beside the server: its database, its bucket and NATS. Of each: whether it answers and since when, how long an answer
//! takes, and how much waits for it, for `/metrics` and the log.

use std::error::Error;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::text::{Labels, Text};
use super::value::Histogram;
use crate::clock::now_ms;
use crate::sync::lock;

/// The engines of one server.
#[derive(Debug, Clone)]
pub struct Engines {
    /// SQLite or PostgreSQL.
    pub database: Engine,
    /// The store of the recordings.
    pub bucket: Engine,
    /// What the nodes of one lobby share.
    pub nats: Engine,
}

/// What is known of an engine. Cheap to clone; clones are the same engine.
#[derive(Debug, Clone)]
pub struct Engine(Arc<State>);

#[derive(Debug)]
struct State {
    name: &'static str,
    /// `None`: the server does not use it, or has not asked it yet.
    link: Mutex<Option<Link>>,
    round_trip: Histogram,
    waiting: AtomicU64,
}

/// Whether an engine answers.
#[derive(Debug, Clone, Copy)]
struct Link {
    is_connected: bool,
    /// Since when, in milliseconds since 1970.
    since_ms: u64,
    /// The same on a clock that nobody sets.
    since: Instant,
}

/// One thing that waits for an engine, until this is dropped.
#[derive(Debug)]
pub struct Waits(Engine);

impl Engine {
    fn new(name: &'static str) -> Self {
        let (round_trip, waiting) = (Histogram::default(), AtomicU64::new(0));
        Self(Arc::new(State { name, link: Mutex::new(None), round_trip, waiting }))
    }

    /// It answered, after this time.
    pub fn answered(&self, after: Duration) {
        self.0.round_trip.record(after);
        if let Some(away) = self.change(true) {
            let away_s = away.as_secs();
            tracing::info!(engine = self.0.name, away_s, "the engine answers again");
        }
    }

    /// It did not. The log has the first failure of a row.
    pub fn failed(&self, error: &(dyn Error + 'static)) {
        if self.change(false).is_some() {
            tracing::error!(engine = self.0.name, error, "the engine does not answer");
        }
    }

    /// How much waits for it.
    pub fn set_waiting(&self, count: u64) {
        self.0.waiting.store(count, Ordering::Relaxed);
    }

    /// One more thing waits for it, until the guard is dropped.
    #[must_use]
    pub fn wait(&self) -> Waits {
        self.0.waiting.fetch_add(1, Ordering::Relaxed);
        Waits(self.clone())
    }

    /// How long the state before lasted, if this ends it.
    fn change(&self, is_connected: bool) -> Option<Duration> {
        let mut link = lock(&self.0.link);
        if link.is_some_and(|link| link.is_connected == is_connected) {
            return None;
        }
        let now = Link { is_connected, since_ms: now_ms(), since: Instant::now() };
        let before = link.replace(now);
        match before {
            Some(before) => Some(before.since.elapsed()),
            // The first answer is no news, the first failure is.
            None if is_connected => None,
            None => Some(Duration::ZERO),
        }
    }
}

impl Drop for Waits {
    fn drop(&mut self) {
        self.0.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Default for Engines {
    fn default() -> Self {
        Self {
            database: Engine::new("database"),
            bucket: Engine::new("bucket"),
            nats: Engine::new("nats"),
        }
    }
}

impl Engines {
    /// Only those that the server uses.
    pub(super) fn render(&self, text: &mut Text) {
        let of = |engine: &'_ Engine| {
            let link = (*lock(&engine.0.link))?;
            Some((Labels::of("engine", engine.0.name), engine.clone(), link))
        };
        let used: Vec<_> =
            [&self.database, &self.bucket, &self.nats].into_iter().filter_map(of).collect();

        let name = "pushback_engine_connected";
        text.begin(name, "gauge");
        for (labels, _, link) in &used {
            text.sample(name, labels, u8::from(link.is_connected));
        }
        let name = "pushback_engine_since_timestamp_seconds";
        text.begin(name, "gauge");
        for (labels, _, link) in &used {
            text.sample(name, labels, link.since_ms / 1_000);
        }
        let name = "pushback_engine_waiting";
        text.begin(name, "gauge");
        for (labels, engine, _) in &used {
            text.sample(name, labels, engine.0.waiting.load(Ordering::Relaxed));
        }
        let name = "pushback_engine_round_trip_seconds";
        text.begin(name, "histogram");
        for (labels, engine, _) in &used {
            text.buckets(name, labels, &engine.0.round_trip);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::time::Duration;

    use super::Engines;
    use crate::metrics::Metrics;

    #[test]
    fn an_engine_is_shown_once_it_was_asked() {
        let metrics = Metrics::new(false);
        let Engines { database, bucket, .. } = &metrics.engines;
        assert!(!metrics.render().contains("{engine="));

        database.answered(Duration::from_millis(3));
        bucket.failed(&io::Error::other("away"));
        bucket.set_waiting(7);
        let _waits = database.wait();

        let text = metrics.render();
        for line in [
            "pushback_engine_connected{engine=\"database\"} 1\n",
            "pushback_engine_connected{engine=\"bucket\"} 0\n",
            "pushback_engine_waiting{engine=\"database\"} 1\n",
            "pushback_engine_waiting{engine=\"bucket\"} 7\n",
            "pushback_engine_round_trip_seconds_count{engine=\"database\"} 1\n",
        ] {
            assert!(text.contains(line), "{line} in {text}");
        }
    }

    #[test]
    fn only_a_change_is_news() {
        let bucket = Engines::default().bucket;
        assert_eq!(bucket.change(true), None, "the first answer");
        assert_eq!(bucket.change(true), None);
        assert!(bucket.change(false).is_some());
        assert_eq!(bucket.change(false), None);
        assert!(bucket.change(true).is_some());
        assert!(Engines::default().bucket.change(false).is_some(), "the first failure");
    }
}
