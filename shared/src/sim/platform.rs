//! The ice: a circle that shrinks in the last minute.

use super::fixed::{Vec2, narrow};
use super::mode::Mode;
use crate::tick::seconds;

/// How long before the end the platform begins to shrink.
pub const SHRINK_TICKS: u32 = seconds(60);
/// The radius at the end in percent of that at the beginning.
pub const SHRUNK_PERCENT: i32 = 45;

/// The radius, in sub-units, after `elapsed` of `round_ticks`.
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

/// The tick of a round on which the platform begins to shrink.
#[must_use]
pub fn shrink_begins(round_ticks: u32) -> u32 {
    round_ticks - SHRINK_TICKS.min(round_ticks / 3)
}

/// Whether a place is on the ice.
#[must_use]
pub fn holds(radius: i32, place: Vec2) -> bool {
    place.length_squared() <= i64::from(radius) * i64::from(radius)
}
