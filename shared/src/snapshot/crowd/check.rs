//! A checksum of the part of the world that one player sees, once a second.
//!
//! The encoder hashes each disc and pulse once and adds up the hashes of those that the player knows exactly; the player
//! hashes its own part of the world. A sum has no order, so neither end sorts anything for it. Stale discs, those that had
//! no room in a frame, are in neither sum: the frame marks them.

use super::super::bits::{Coder, DecodeError};
use super::visible;
use crate::sim::{Disc, Pickup, Slot, World, checksum};
use crate::tick::{TICK_RATE_HZ, Tick};

/// Bits of the sum. With the flag for stale discs a check takes two bytes.
const SUM_BITS: u32 = 15;

/// The check as it travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Check {
    pub(super) sum: u32,
    /// The view marks stale discs, which are not in the sum.
    pub(super) has_stale: bool,
}

impl Check {
    pub(super) const BITS: usize = 1 + SUM_BITS as usize;

    /// Codes a check, or one bit when there is none.
    pub(super) fn code<C: Coder>(c: &mut C, check: &mut Option<Self>) -> Result<(), DecodeError> {
        let mut is_there = check.is_some();
        c.flag(&mut is_there)?;
        if !is_there {
            return Ok(());
        }
        let Self { sum, has_stale } = check.get_or_insert_default();
        c.flag(has_stale)?;
        c.bits(sum, SUM_BITS)
    }
}

/// Whether the snapshot from `base` to `tick` carries a check: once a second.
pub(super) const fn is_due(base: Tick, tick: Tick) -> bool {
    base.0 / TICK_RATE_HZ != tick.0 / TICK_RATE_HZ
}

/// The hashes of the parts of a whole world, computed once for all players.
#[derive(Debug, Clone)]
pub(super) struct Hashes {
    /// The round: tick, beginning, length and leader.
    round: u32,
    /// One for each disc.
    pub(super) discs: Vec<u32>,
    /// One for each pulse.
    pub(super) pulses: Vec<u32>,
}

impl Hashes {
    pub(super) fn of(world: &World) -> Self {
        Self {
            round: of_round(world),
            discs: world.discs.iter().map(|disc| checksum::of(&visible(disc))).collect(),
            pulses: world.pulses.iter().map(checksum::of).collect(),
        }
    }

    /// The sum over the round and these discs, pulses (places in the world) and pickups.
    pub(super) fn sum(
        &self,
        discs: impl Iterator<Item = usize>,
        pulses: impl Iterator<Item = usize>,
        pickups: &[Pickup],
    ) -> u32 {
        let discs = discs.map(|index| self.discs[index]);
        let pulses = pulses.map(|index| self.pulses[index]);
        add(self.round, discs.chain(pulses).chain(pickups.iter().map(checksum::of)))
    }
}

/// The sum over a player's part of the world, without its stale discs.
pub(super) fn sum(part: &World, stale: &[Slot]) -> u32 {
    let is_in = |disc: &&Disc| !stale.contains(&disc.slot);
    let discs = part.discs.iter().filter(is_in).map(checksum::of);
    let pulses = part.pulses.iter().map(checksum::of);
    add(of_round(part), discs.chain(pulses).chain(part.pickups.iter().map(checksum::of)))
}

fn of_round(world: &World) -> u32 {
    checksum::of(&(world.tick, world.began, world.round_ticks, world.leader))
}

fn add(first: u32, others: impl Iterator<Item = u32>) -> u32 {
    others.fold(first, u32::wrapping_add) & ((1 << SUM_BITS) - 1)
}
