//! A playhead on a stream that is polled: it arrives in slices, each longer than a second.

use shared::tick::{TICK_RATE_HZ, seconds};

/// The playhead starts this far behind the newest snapshot. It is longer than a slice, so the next one comes in time.
const DELAY_TICKS: f64 = seconds(2) as f64;
/// The playhead jumps when it is farther behind than this: the page was hidden, or its row out of view.
const DELAY_TICKS_MAX: f64 = seconds(5) as f64;

/// The playhead. It waits for a late slice and stays that much farther behind afterwards, so it finds its own distance.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct PolledPlayhead {
    at: Option<f64>,
}

impl PolledPlayhead {
    /// Moves on by the time that passed since the last frame, and returns the new position in ticks. `first` and `last`
    /// are the ticks that can be played.
    pub fn advance(&mut self, (first, last): (u32, u32), passed_ms: f64) -> f64 {
        let (first, last) = (f64::from(first), f64::from(last));
        let start = (last - DELAY_TICKS).max(first);
        let next = match self.at {
            Some(at) if last - at <= DELAY_TICKS_MAX => {
                at + passed_ms.max(0.0) * f64::from(TICK_RATE_HZ) / 1_000.0
            }
            Some(_) | None => start,
        };
        let next = next.clamp(first, last.max(first));
        self.at = Some(next);
        next
    }
}

#[cfg(test)]
mod tests {
    use super::{DELAY_TICKS, DELAY_TICKS_MAX, PolledPlayhead};

    #[test]
    fn slices_that_come_in_time_are_played_evenly() {
        let mut playhead = PolledPlayhead::default();
        let mut before = playhead.advance((120, 300), 0.0);
        assert!((before - (300.0 - DELAY_TICKS)).abs() < 1e-9);

        for picture in 1..600_u32 {
            let slices = picture / 90;
            let at = playhead.advance((120, 300 + slices * 90), 1_000.0 / 60.0);
            assert!((at - before - 1.0).abs() < 1e-6, "{picture}: {before} {at}");
            before = at;
        }
    }

    #[test]
    fn it_waits_for_a_late_slice_and_is_farther_behind_then() {
        let mut playhead = PolledPlayhead::default();
        playhead.advance((0, 60), 0.0);

        assert!((playhead.advance((0, 60), 3_000.0) - 60.0).abs() < 1e-9);
        assert!((playhead.advance((0, 240), 500.0) - 90.0).abs() < 1e-9);
    }

    #[test]
    fn far_behind_it_jumps() {
        let mut playhead = PolledPlayhead::default();
        playhead.advance((0, 60), 0.0);
        let available = 60 + DELAY_TICKS_MAX as u32 + 1;

        let at = playhead.advance((0, available), 16.0);

        assert!((at - (f64::from(available) - DELAY_TICKS)).abs() < 1e-9, "{at}");
    }
}
