//! Playheads on a match stream that is still being written, and the moment between two worlds that a playhead points at.
//!
//! A playhead is a position in ticks since the round began. It is a fraction because pictures lie between ticks. A
//! finished recording is played by [`crate::recording_player`] instead.

mod live;
mod polled;

pub use live::{ArrivalJitter, LivePlayhead};
pub use polled::PolledPlayhead;

use shared::tick::SNAPSHOT_EVERY_TICKS;

/// The tick that a decoder has to reach for a picture at this playhead: one snapshot ahead, so that the picture lies
/// between two worlds.
#[must_use]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
pub fn decode_target(at: f64) -> u32 {
    (at.max(0.0) as u32).saturating_add(SNAPSHOT_EVERY_TICKS)
}

/// Where a playhead lies between two worlds: 0 at the earlier one, 1 at the later one. 1 when they are the same.
#[must_use]
pub fn share_between(earlier_tick: u32, later_tick: u32, at: f64) -> f64 {
    let (from, to) = (f64::from(earlier_tick), f64::from(later_tick));
    if to > from { ((at - from) / (to - from)).clamp(0.0, 1.0) } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::{decode_target, share_between};

    #[test]
    fn a_picture_lies_between_two_worlds() {
        assert_eq!([-1.0, 0.0, 7.9].map(decode_target), [2, 2, 9]);
        assert_eq!(
            [9.0, 10.0, 10.5, 13.0].map(|at| share_between(10, 12, at)),
            [0.0, 0.0, 0.25, 1.0]
        );
        assert_eq!(share_between(10, 10, 3.0), 1.0);
    }
}
