//! Once a second, a hash of all that a player was promised to know exactly: what it is shown, and not the own disc alone.
//!
//! The encoder hashes each disc and pulse once and adds up what a player knows; the player hashes its own part of the
//! world. The sum has no order, so neither end sorts anything for it. Who had no room in a frame is in neither sum: the
//! frame says who these are.

use super::super::bits::{Coder, DecodeError};
use super::told;
use crate::sim::{Disc, Pickup, Slot, World, checksum};
use crate::tick::{TICK_RATE_HZ, Tick};

/// Of the sum. With the bit that says whether everybody is in it, a check takes two bytes.
const SUM_BITS: u32 = 15;

/// What travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Check {
    pub(super) sum: u32,
    /// Who is known but not exactly is marked, and is not in the sum.
    pub(super) has_vague: bool,
}

impl Check {
    pub(super) const BITS: usize = 1 + SUM_BITS as usize;

    /// It, or that there is none.
    pub(super) fn code<C: Coder>(c: &mut C, check: &mut Option<Self>) -> Result<(), DecodeError> {
        let mut is_there = check.is_some();
        c.flag(&mut is_there)?;
        if !is_there {
            return Ok(());
        }
        let Self { sum, has_vague } = check.get_or_insert_default();
        c.flag(has_vague)?;
        c.bits(sum, SUM_BITS)
    }
}

/// Whether a snapshot is to be checked.
pub(super) const fn is_due(base: Tick, tick: Tick) -> bool {
    base.0 / TICK_RATE_HZ != tick.0 / TICK_RATE_HZ
}

/// The parts of a whole world, hashed once for everybody.
#[derive(Debug, Clone)]
pub(super) struct Hashes {
    /// Of what everybody is told.
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
            discs: world.discs.iter().map(|disc| checksum::of(&told(disc))).collect(),
            pulses: world.pulses.iter().map(checksum::of).collect(),
        }
    }

    /// What a player's sum should be who knows these exactly.
    pub(super) fn sum(
        &self,
        discs: impl Iterator<Item = usize>,
        pulses: impl Iterator<Item = usize>,
        pickups: &[Pickup],
    ) -> u32 {
        let discs = discs.map(|place| self.discs[place]);
        let pulses = pulses.map(|place| self.pulses[place]);
        add(self.round, discs.chain(pulses).chain(pickups.iter().map(checksum::of)))
    }
}

/// A player's sum. `vague` are not in it.
pub(super) fn sum(part: &World, vague: &[Slot]) -> u32 {
    let is_in = |disc: &&Disc| !vague.contains(&disc.slot);
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
