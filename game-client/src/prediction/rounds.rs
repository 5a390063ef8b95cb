//! Whether a keyframe belongs to the round that is followed, or begins another one.
//!
//! Of each world, the functions take the tick and the length of its round in ticks.

use shared::tick::Tick;

/// A keyframe that is farther away than this, ten seconds, belongs to another round.
const SAME_ROUND_TICKS: i32 = 600;

/// Whether a keyframe begins another round. One that goes back in time does.
pub(super) fn is_another_round(before: Option<(Tick, u32)>, now: Option<(Tick, u32)>) -> bool {
    match (before, now) {
        (Some((before, length)), Some((now, new_length))) => {
            let forward = now.since(before);
            length != new_length || !(0..SAME_ROUND_TICKS).contains(&forward)
        }
        _ => true,
    }
}

/// Whether a keyframe belongs to the round that is followed. It may go back in time.
pub(super) fn is_same_round(before: Option<(Tick, u32)>, now: Option<(Tick, u32)>) -> bool {
    let (Some((before, length)), Some((now, new_length))) = (before, now) else { return false };
    length == new_length && now.since(before).unsigned_abs() < SAME_ROUND_TICKS.unsigned_abs()
}
