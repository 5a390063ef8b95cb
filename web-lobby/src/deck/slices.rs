//! A needle on a stream that arrives in slices, each more than a second long.

use shared::tick::{TICK_RATE_HZ, seconds};

/// The needle starts so far behind the newest frame: longer than a slice, so that the next one comes in time.
const DELAY_TICKS: f64 = seconds(2) as f64;
/// Farther behind than this it jumps: the page was hidden, or the row out of view.
const DELAY_TICKS_MAX: f64 = seconds(5) as f64;

/// The needle. When a slice is late it waits, and is that much farther behind afterwards: so it finds its own distance.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct SliceNeedle {
    at: Option<f64>,
}

impl SliceNeedle {
    /// Lets time pass and says where it is then. `first` and `available` are the ticks that can be played.
    pub fn pass(&mut self, (first, available): (u32, u32), passed_ms: f64) -> f64 {
        let (first, available) = (f64::from(first), f64::from(available));
        let start = (available - DELAY_TICKS).max(first);
        let next = match self.at {
            Some(at) if available - at <= DELAY_TICKS_MAX => {
                at + passed_ms.max(0.0) * f64::from(TICK_RATE_HZ) / 1_000.0
            }
            Some(_) | None => start,
        };
        let next = next.clamp(first, available.max(first));
        self.at = Some(next);
        next
    }
}

#[cfg(test)]
mod tests {
    use super::{DELAY_TICKS, DELAY_TICKS_MAX, SliceNeedle};

    #[test]
    fn slices_that_come_in_time_are_played_evenly() {
        let mut needle = SliceNeedle::default();
        let mut before = needle.pass((120, 300), 0.0);
        assert!((before - (300.0 - DELAY_TICKS)).abs() < 1e-9);

        for picture in 1..600_u32 {
            let slices = picture / 90;
            let at = needle.pass((120, 300 + slices * 90), 1_000.0 / 60.0);
            assert!((at - before - 1.0).abs() < 1e-6, "{picture}: {before} {at}");
            before = at;
        }
    }

    #[test]
    fn it_waits_for_a_late_slice_and_is_farther_behind_then() {
        let mut needle = SliceNeedle::default();
        needle.pass((0, 60), 0.0);

        assert!((needle.pass((0, 60), 3_000.0) - 60.0).abs() < 1e-9);
        assert!((needle.pass((0, 240), 500.0) - 90.0).abs() < 1e-9);
    }

    #[test]
    fn far_behind_it_jumps() {
        let mut needle = SliceNeedle::default();
        needle.pass((0, 60), 0.0);
        let available = 60 + DELAY_TICKS_MAX as u32 + 1;

        let at = needle.pass((0, available), 16.0);

        assert!((at - (f64::from(available) - DELAY_TICKS)).abs() < 1e-9, "{at}");
    }
}
