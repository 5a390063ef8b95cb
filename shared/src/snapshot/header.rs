//! The header of a delta: the tick that it starts from, and the number of its ticks.

use super::bits::{Coder, DecodeError};
use crate::tick::{SNAPSHOT_EVERY_TICKS, Tick};

/// Bits of the base tick: enough to notice that a delta was lost.
pub(super) const BASE_BITS: u32 = 7;
/// Bits of a number of ticks that is not the usual one.
const COUNT_BITS: u32 = 6;

/// The bits of a tick that name it as a base.
pub(super) const fn base_of(tick: Tick) -> u32 {
    tick.0 & ((1 << BASE_BITS) - 1)
}

/// The base tick and the number of ticks that follow it: nearly always [`SNAPSHOT_EVERY_TICKS`].
pub(super) fn header<C: Coder>(
    c: &mut C,
    base: &mut u32,
    count: &mut u32,
) -> Result<(), DecodeError> {
    c.bits(base, BASE_BITS)?;
    let mut usual = *count == SNAPSHOT_EVERY_TICKS;
    c.flag(&mut usual)?;
    if usual {
        *count = SNAPSHOT_EVERY_TICKS;
        return Ok(());
    }
    c.bits(count, COUNT_BITS)
}
