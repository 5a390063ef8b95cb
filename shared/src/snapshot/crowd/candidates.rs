//! The discs that one player's next view could carry, and the selection of those that fit.

use core::cmp::Reverse;

use super::super::bits::{BitWriter, Coder as _};
use super::super::keyframe;
use super::bitset::BitSet;
use super::codec::{self, LAYOUT};
use super::encode::{CrowdEncoder, Update};
use super::span::BitSpan;
use super::{INTEREST_ENTER, INTEREST_LEAVE, is_within};
use crate::sim::{Slot, Vec2};

const WRITES: &str = "a writer takes every value";
/// The slot before a new disc.
const SLOT_BITS: usize = 10;
/// Flags before a known disc that is updated, beside its first one.
const UPDATED_BITS: usize = 2;
/// Number of levels, see [`level`].
const LEVELS: usize = 120;

/// A disc in the player's interest set.
#[derive(Debug, Clone, Copy)]
pub(super) struct KnownDisc {
    pub(super) slot: Slot,
    /// Snapshots since the player knew it exactly. Mostly 0.
    pub(super) stale_for: u32,
}

impl KnownDisc {
    pub(super) const fn is_exact(self) -> bool {
        self.stale_for == 0
    }
}

/// A disc in sight or known. Kept small: each player of a crowd has dozens of them, thirty times a second.
#[derive(Debug)]
struct Candidate {
    slot: Slot,
    /// Index in the world. `None` when the disc has left the interest area.
    index: Option<u16>,
    /// [`KnownDisc::stale_for`]. `None` when the player does not know the disc.
    stale_for: Option<u32>,
    /// The bits that an update takes, and whether they are the whole disc. `None` when dead reckoning was right.
    bits: Option<(bool, BitSpan)>,
    is_selected: bool,
    /// The priority as a [`level`].
    level: u8,
}

impl Candidate {
    const fn gone(known: &KnownDisc) -> Self {
        let KnownDisc { slot, stale_for } = *known;
        let stale_for = Some(stale_for);
        Self { slot, index: None, stale_for, bits: None, is_selected: false, level: 0 }
    }

    const fn is_known(&self) -> bool {
        self.stale_for.is_some()
    }

    const fn is_gone(&self) -> bool {
        self.index.is_none()
    }

    fn index(&self) -> Option<usize> {
        self.index.map(usize::from)
    }

    /// Whether the player knows the disc exactly after the view, if it is there.
    fn is_exact(&self) -> bool {
        self.is_selected || self.bits.is_none()
    }

    /// Whether the player knows the disc after the view, but not exactly.
    fn is_stale(&self) -> bool {
        self.is_known() && !self.is_exact()
    }

    /// Bits that it takes whether it is selected or not.
    fn fixed_bits(&self) -> usize {
        if self.is_known() { 1 + usize::from(self.is_gone()) } else { 0 }
    }

    /// Bits that it takes besides when it is selected.
    fn cost_bits(&self) -> usize {
        let header = if self.is_known() { UPDATED_BITS } else { SLOT_BITS };
        self.bits.map_or(0, |(_, bits)| header + bits.len())
    }

    /// The player's knowledge after the view. `None` when the disc is gone, or new and not selected.
    fn known_after(&self) -> Option<KnownDisc> {
        let longer = || self.stale_for.map(|snapshots| snapshots.saturating_add(1));
        let stale_for = if self.is_exact() { Some(0) } else { longer() };
        let stale_for = stale_for.filter(|_| !self.is_gone());
        stale_for.map(|stale_for| KnownDisc { slot: self.slot, stale_for })
    }
}

/// All discs that are known or in sight, by slot.
pub(super) struct Candidates {
    you: Slot,
    centre: Vec2,
    candidates: Vec<Candidate>,
    /// Bits that they take whichever are selected.
    fixed_bits: usize,
    /// Bits that all of them take besides.
    cost_bits: usize,
}

impl Candidates {
    /// The candidates for the player in `you`, whose disc is at `centre`. `known` is by slot, too.
    pub(super) fn new(you: Slot, centre: Vec2, known: &[KnownDisc], crowd: &CrowdEncoder) -> Self {
        let mut all = Self { you, centre, candidates: Vec::new(), fixed_bits: 0, cost_bits: 0 };
        let Some(grid) = &crowd.discs_grid else { return all };
        let mut near = BitSet::default();
        grid.near(centre, INTEREST_LEAVE).for_each(|index| {
            near.add_if(index, is_within(crowd.discs[index].position, centre, INTEREST_LEAVE));
        });
        all.candidates.reserve(near.len() + known.len());
        let mut known = known.iter().peekable();
        near.for_each(|index| {
            let disc = &crowd.discs[index];
            while let Some(left) = known.next_if(|known| known.slot < disc.slot) {
                all.add(Candidate::gone(left));
            }
            let known = known.next_if(|known| known.slot == disc.slot);
            if known.is_none() && !is_within(disc.position, centre, INTEREST_ENTER) {
                return;
            }
            let bits = match (known, disc.update) {
                (Some(known), Update::Unchanged) if known.is_exact() => None,
                (Some(known), Update::Change(change)) if known.is_exact() => Some((false, change)),
                _ => Some((true, disc.full)),
            };
            let index = u16::try_from(index).ok();
            let stale_for = known.map(|known| known.stale_for);
            let (slot, is_selected, level) = (disc.slot, false, 0);
            all.add(Candidate { slot, index, stale_for, bits, is_selected, level });
        });
        known.for_each(|known| all.add(Candidate::gone(known)));
        all
    }

    fn add(&mut self, candidate: Candidate) {
        self.fixed_bits += candidate.fixed_bits();
        self.cost_bits += candidate.cost_bits();
        self.candidates.push(candidate);
    }

    /// Bits that they take whichever are selected.
    pub(super) const fn fixed_bits(&self) -> usize {
        self.fixed_bits
    }

    /// Selects what fits into `room` bits, by priority, and the own disc in any case. Takes their bits from `room`.
    pub(super) fn select(&mut self, crowd: &CrowdEncoder, room: &mut usize) {
        if self.cost_bits <= *room {
            self.candidates.iter_mut().for_each(|each| each.is_selected = each.bits.is_some());
            *room -= self.cost_bits;
            return;
        }
        // Only the level in which the room ends is sorted: in a dense crowd this runs for every player.
        let mut costs = [0; LEVELS];
        for each in self.candidates.iter_mut().filter(|each| each.bits.is_some()) {
            let priority = priority(each, self.you, self.centre, crowd);
            each.level = level(priority);
            costs[usize::from(each.level)] += each.cost_bits();
        }
        let mut left = *room;
        let ends_at = (0..LEVELS).rev().find(|level| {
            let fits = costs[*level] <= left;
            left -= if fits { costs[*level] } else { 0 };
            !fits
        });
        let ends_at = ends_at.unwrap_or(0);
        *room = left;
        let mut last = Vec::new();
        for each in &mut self.candidates {
            let (level, has_bits) = (usize::from(each.level), each.bits.is_some());
            each.is_selected = has_bits && level > ends_at;
            if has_bits && level == ends_at {
                last.push((priority(each, self.you, self.centre, crowd), each));
            }
        }
        last.sort_unstable_by_key(|(priority, each)| (Reverse(*priority), each.slot));
        for (priority, each) in last {
            let cost = each.cost_bits();
            if cost <= *room || priority == u32::MAX {
                each.is_selected = true;
                *room = room.saturating_sub(cost);
            }
        }
    }

    /// Whether the player knows a disc after the view, but not exactly.
    pub(super) fn has_stale(&self) -> bool {
        self.candidates.iter().any(Candidate::is_stale)
    }

    /// The indices in the world of the discs that the player knows exactly after the view.
    pub(super) fn exact(&self) -> impl Iterator<Item = usize> {
        self.candidates.iter().filter(|each| each.is_exact()).filter_map(Candidate::index)
    }

    /// Writes the selected discs, and with `marks_stale` which discs are stale.
    pub(super) fn write(&self, writer: &mut BitWriter, crowd: &CrowdEncoder, marks_stale: bool) {
        for each in self.candidates.iter().filter(|each| each.is_known()) {
            let mut flags = |flags: &[bool]| {
                // The first flag is the lowest bit.
                let mut bits =
                    flags.iter().rev().fold(0, |bits, flag| bits << 1 | u32::from(*flag));
                let width = u32::try_from(flags.len()).unwrap_or(0);
                writer.bits(&mut bits, width).expect(WRITES);
            };
            let (is_updated, is_gone) = (each.is_gone() || each.is_selected, each.is_gone());
            match each.bits.filter(|_| each.is_selected) {
                Some((is_full, bits)) => {
                    flags(&[is_updated, is_gone, is_full]);
                    crowd.copy(bits, writer);
                }
                None if is_updated => flags(&[is_updated, is_gone]),
                None if marks_stale => flags(&[is_updated, each.is_exact()]),
                None => flags(&[is_updated]),
            }
        }
        let new = || self.candidates.iter().filter(|each| !each.is_known() && each.is_selected);
        codec::length(writer, new().count());
        for each in new() {
            keyframe::slot(writer, &mut each.slot.clone(), LAYOUT).expect(WRITES);
            each.bits.into_iter().for_each(|(_, bits)| crowd.copy(bits, writer));
        }
    }

    /// The player's interest set after the view, by slot.
    pub(super) fn known_after(&self) -> impl Iterator<Item = KnownDisc> {
        self.candidates.iter().filter_map(Candidate::known_after)
    }
}

/// The priority of a candidate: higher when it is nearer or has been stale for longer, highest for the own disc.
fn priority(candidate: &Candidate, you: Slot, centre: Vec2, crowd: &CrowdEncoder) -> u32 {
    const NEAR: u32 = 1 << 13;
    /// A disc that has been stale for two seconds comes first anyway, and the product below still fits.
    const STALE_FOR_MAX: u32 = 62;
    if candidate.slot == you {
        return u32::MAX;
    }
    let offset = candidate.index().map(|index| crowd.discs[index].position - centre);
    let offset = offset.unwrap_or_default();
    // A square root for each would be expensive; this distance is at most an eighth too large.
    let (x, y) = (offset.x.unsigned_abs(), offset.y.unsigned_abs());
    let distance = x.max(y) + x.min(y) / 2 + NEAR;
    ((candidate.stale_for.unwrap_or(0).min(STALE_FOR_MAX) + 1) << 26) / distance
}

/// A priority on a coarse logarithmic scale: four levels for each doubling.
fn level(priority: u32) -> u8 {
    const STEPS_BITS: u32 = 2;
    let priority = priority.max(1 << STEPS_BITS);
    let doublings = priority.ilog2() - STEPS_BITS;
    let step = priority >> doublings & ((1 << STEPS_BITS) - 1);
    u8::try_from((doublings << STEPS_BITS) + step).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::{LEVELS, level};

    #[test]
    fn a_higher_priority_has_no_lower_level() {
        let priorities: Vec<_> =
            (0..30).flat_map(|bit| [4, 5, 6, 7].map(|top| top << bit)).collect();

        assert!(priorities.iter().zip(0..).all(|(priority, place)| level(*priority) == place));
        assert!(priorities.iter().all(|priority| level(priority - 1) <= level(*priority)));
        assert_eq!(usize::from(level(u32::MAX)), LEVELS - 1);
    }
}
