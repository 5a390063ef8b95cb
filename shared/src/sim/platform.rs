//! The platform: a circle of ice that shrinks in the last minute of a round.

use super::fixed::{Vec2, narrow};
use super::mode::Mode;
use crate::tick::seconds;

/// How long before the end of a round the platform begins to shrink, in ticks. At most a third of the round.
pub const SHRINK_TICKS: u32 = seconds(60);
/// The radius at the end of a round, in percent of the radius at its beginning.
pub const SHRUNK_PERCENT: i32 = 45;

/// The radius, in sub-units, after `elapsed` of `round_ticks` ticks.
#[must_use]
pub fn radius(mode: Mode, elapsed: u32, round_ticks: u32) -> i32 {
    let whole = mode.platform_radius();
    let shrink_ticks = SHRINK_TICKS.min(round_ticks / 3);
    let shrinking = (elapsed + shrink_ticks).saturating_sub(round_ticks).min(shrink_ticks);
    if shrinking == 0 {
        return whole;
    }
    let lost = i64::from(whole) * i64::from(100 - SHRUNK_PERCENT) * i64::from(shrinking)
        / (100 * i64::from(shrink_ticks));
    whole - narrow(lost)
}

/// The number of ticks after which the platform of a round begins to shrink.
#[must_use]
pub fn shrink_begins(round_ticks: u32) -> u32 {
    round_ticks - SHRINK_TICKS.min(round_ticks / 3)
}

/// Whether a position is on ice of a radius, both in sub-units.
#[must_use]
pub fn holds(radius: i32, position: Vec2) -> bool {
    position.length_squared() <= i64::from(radius) * i64::from(radius)
}
