//! How long the last pings took, there and back.
//!
//! A room listens to a client in every second tick, so a ping may take two ticks longer than the link; pings leave at uneven
//! moments, and the quickest of a few seconds is the link. The slowest says how slow it can be.

use std::collections::VecDeque;

/// Pings that are remembered: about four seconds. The oldest is forgotten.
const KEPT: usize = 8;

/// The last round trips, in ticks.
#[derive(Debug, Clone, Default)]
pub(super) struct RoundTrips(VecDeque<f64>);

impl RoundTrips {
    /// Another ping came back after so many ticks.
    pub(super) fn add(&mut self, ticks: f64) {
        if self.0.len() == KEPT {
            self.0.pop_front();
        }
        self.0.push_back(ticks);
    }

    /// The quickest. Nothing before the first.
    #[must_use]
    pub(super) fn least(&self) -> Option<f64> {
        self.0.iter().copied().min_by(f64::total_cmp)
    }

    /// The slowest. Nothing before the first.
    #[must_use]
    pub(super) fn most(&self) -> Option<f64> {
        self.0.iter().copied().max_by(f64::total_cmp)
    }
}

#[cfg(test)]
mod tests {
    use super::{KEPT, RoundTrips};

    #[test]
    fn what_is_older_than_a_few_seconds_is_forgotten() {
        let mut trips = RoundTrips::default();
        assert_eq!(trips.least(), None);

        trips.add(60.0);
        (0..KEPT).for_each(|ping| trips.add(if ping == 3 { 3.0 } else { 4.0 }));

        assert_eq!((trips.least(), trips.most()), (Some(3.0), Some(4.0)));
    }
}
