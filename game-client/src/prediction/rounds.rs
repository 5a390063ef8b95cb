//! Where one round ends and the next begins, as keyframes tell it.

use shared::tick::Tick;

/// A keyframe from so far ahead is another round, not a stretch that was missed.
const SAME_ROUND_TICKS: i32 = 600;

/// Whether a keyframe is of another round than the one that is followed. Of each, the tick and the round's length.
pub(super) fn is_another_round(before: Option<(Tick, u32)>, now: Option<(Tick, u32)>) -> bool {
    match (before, now) {
        (Some((before, length)), Some((now, new_length))) => {
            let forward = now.since(before);
            length != new_length || !(0..SAME_ROUND_TICKS).contains(&forward)
        }
        _ => true,
    }
}

/// Whether a keyframe is a place of the round that is followed, not far from where one was.
pub(super) fn is_same_round_again(before: Option<(Tick, u32)>, now: Option<(Tick, u32)>) -> bool {
    let (Some((before, length)), Some((now, new_length))) = (before, now) else { return false };
    length == new_length && now.since(before).abs() < SAME_ROUND_TICKS
}
