//! Where a disc slides to without thrust.

use crate::sim::disc::Disc;
use crate::sim::fixed::Vec2;
use crate::sim::movement::FRICTION_DIVISOR;

/// The position of a disc after it has slid for `ticks` without thrust.
pub(super) fn drifted(disc: &Disc, ticks: i32) -> Vec2 {
    // The series of the speed that friction leaves, up to its second term.
    let effective = ticks - ticks * ticks / (2 * FRICTION_DIVISOR);
    disc.position + disc.velocity.scale(effective, 1)
}
