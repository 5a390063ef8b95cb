//! How a server drains: what is ended when, and when nothing is left.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::drain::{Drain, SHARES};
use crate::feeds::Feeds;
use crate::http::state::HttpParts;
use crate::metrics::Metrics;
use crate::readiness::{Readiness, Unready};

/// Streams and chat connections are ended until then.
const STREAMS_END_WITHIN: Duration = Duration::from_secs(10);
/// And not before this part of that time: until a balancer has noticed, it would send their clients back here. The server goes on
/// for as long even if nobody is there.
const UNNOTICED: f64 = 0.3;
/// How often some are ended.
const STEP: Duration = Duration::from_millis(100);

/// The parts that a drain needs.
pub(super) struct Draining {
    drain: Drain,
    readiness: Readiness,
    feeds: Arc<Feeds>,
    metrics: Arc<Metrics>,
}

impl Draining {
    pub(super) fn new(parts: &HttpParts) -> Self {
        Self {
            drain: parts.drain.clone(),
            readiness: parts.readiness.clone(),
            feeds: parts.feeds.clone(),
            metrics: parts.metrics.clone(),
        }
    }

    /// Drains until nothing is left, at most for `within`.
    pub(super) async fn run(self, within: Duration) {
        if within.is_zero() {
            return;
        }
        tracing::info!(?within, "draining");
        self.readiness.add(Unready::Draining);
        // Rooms and the steward follow it by themselves.
        self.drain.begin();
        let (began, window) = (Instant::now(), within.min(STREAMS_END_WITHIN));
        let mut steps = interval(STEP);
        steps.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            steps.tick().await;
            let elapsed = began.elapsed();
            let ended = shares_at(elapsed, window);
            self.drain.end_shares(ended);
            self.feeds.end_shares(ended);
            let is_noticed = elapsed >= window.mul_f64(UNNOTICED);
            let is_empty =
                self.metrics.rooms.open.count() == 0 && (ended == SHARES || self.streams() == 0);
            if is_noticed && is_empty {
                return;
            }
            if elapsed >= within {
                let rooms = self.metrics.rooms.open.count();
                tracing::warn!(rooms, "the time to drain is over");
                return;
            }
        }
    }

    /// What is open beside rooms.
    fn streams(&self) -> usize {
        let feeds = &self.metrics.feeds;
        let gauges = [&feeds.sse, &feeds.ndjson, &feeds.sockets, &self.metrics.chat.sockets];
        gauges.into_iter().map(|open| open.count()).sum()
    }
}

/// How many shares of the streams are ended so long after the beginning.
fn shares_at(elapsed: Duration, window: Duration) -> u16 {
    let unnoticed = window.mul_f64(UNNOTICED);
    let passed = elapsed.saturating_sub(unnoticed).as_millis();
    let shares = passed * u128::from(SHARES) / (window - unnoticed).as_millis().max(1);
    u16::try_from(shares).unwrap_or(SHARES).min(SHARES)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::shares_at;
    use crate::drain::SHARES;

    #[test]
    fn streams_are_ended_evenly_after_a_balancer_has_noticed() {
        let at = |ms| shares_at(Duration::from_millis(ms), Duration::from_secs(10));
        assert_eq!((at(0), at(3_000)), (0, 0));
        assert!(at(6_500).abs_diff(SHARES / 2) <= 1, "{}", at(6_500));
        assert_eq!((at(10_000), at(99_000)), (SHARES, SHARES));
    }
}
