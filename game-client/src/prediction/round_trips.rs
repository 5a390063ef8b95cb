//! The last round trips.
//!
//! A room reads its sockets in every second tick, so a ping may take two ticks longer than the time on the wire. Pings are
//! sent at varying moments, so the smallest round trip of a few seconds is the time on the wire. The largest says how slow the
//! link can be.

use std::collections::VecDeque;

/// Round trips kept, about four seconds. When full, the oldest is dropped.
const KEPT: usize = 8;

/// The last round trips, in ticks.
#[derive(Debug, Clone, Default)]
pub(super) struct RoundTrips(VecDeque<f64>);

impl RoundTrips {
    /// Adds a round trip.
    pub(super) fn add(&mut self, ticks: f64) {
        if self.0.len() == KEPT {
            self.0.pop_front();
        }
        self.0.push_back(ticks);
    }

    /// The smallest. `None` before the first.
    #[must_use]
    pub(super) fn least(&self) -> Option<f64> {
        self.0.iter().copied().min_by(f64::total_cmp)
    }

    /// The largest. `None` before the first.
    #[must_use]
    pub(super) fn most(&self) -> Option<f64> {
        self.0.iter().copied().max_by(f64::total_cmp)
    }
}

#[cfg(test)]
mod tests {
    use super::{KEPT, RoundTrips};

    #[test]
    fn round_trips_older_than_a_few_seconds_are_dropped() {
        let mut trips = RoundTrips::default();
        assert_eq!(trips.least(), None);

        trips.add(60.0);
        (0..KEPT).for_each(|ping| trips.add(if ping == 3 { 3.0 } else { 4.0 }));

        assert_eq!((trips.least(), trips.most()), (Some(3.0), Some(4.0)));
    }
}
