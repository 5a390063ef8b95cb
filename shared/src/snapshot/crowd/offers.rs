//! The discs that one player could be told of, and which of them there is room for.

use core::cmp::Reverse;

use super::super::bits::{BitWriter, Coder as _};
use super::super::keyframe;
use super::encode::{Bits, CrowdEncoder, News};
use super::set::Set;
use super::sight::{self, LAYOUT};
use super::{INTEREST_ENTER, INTEREST_LEAVE, is_within};
use crate::sim::{Slot, Vec2};

const WRITES: &str = "a writer takes every value";
/// The slot before a disc that is new.
const SLOT_BITS: usize = 10;
/// What says that a disc that is known is told of.
const TOLD_BITS: usize = 2;
/// How many levels of weights there are, see [`level`].
const LEVELS: usize = 120;

/// A disc that the player was told of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known {
    pub(super) slot: Slot,
    /// Snapshots since the player knew it exactly: none, mostly.
    pub(super) waits: u32,
}

impl Known {
    pub(super) const fn is_exact(self) -> bool {
        self.waits == 0
    }
}

/// Something that could be told about a disc in sight. Small: each player of a crowd has some dozens, thirty times a second.
#[derive(Debug)]
pub(super) struct Offer {
    slot: Slot,
    /// In the world. Nothing when it has left.
    place: Option<u16>,
    /// How long the player has waited to know it exactly. Nothing: the player does not know it.
    waits: Option<u32>,
    /// Nothing: it went on alone.
    bits: Option<(bool, Bits)>,
    is_taken: bool,
    /// How much it weighs, see [`level`].
    level: u8,
}

impl Offer {
    const fn gone(known: &Known) -> Self {
        let Known { slot, waits } = *known;
        Self { slot, place: None, waits: Some(waits), bits: None, is_taken: false, level: 0 }
    }

    const fn is_known(&self) -> bool {
        self.waits.is_some()
    }

    const fn is_gone(&self) -> bool {
        self.place.is_none()
    }

    fn place(&self) -> Option<usize> {
        self.place.map(usize::from)
    }

    /// The player knows it exactly then, if it is there.
    fn is_exact(&self) -> bool {
        self.is_taken || self.bits.is_none()
    }

    /// The player knows it then, and not exactly.
    fn is_vague(&self) -> bool {
        self.is_known() && !self.is_exact()
    }

    /// Bits that it costs whether there is room or not.
    fn fixed(&self) -> usize {
        if self.is_known() { 1 + usize::from(self.is_gone()) } else { 0 }
    }

    /// Bits that it costs beside these when it is taken.
    fn cost(&self) -> usize {
        let header = if self.is_known() { TOLD_BITS } else { SLOT_BITS };
        self.bits.map_or(0, |(_, bits)| header + bits.len())
    }

    /// What the player knows of it then. Nothing when it has left, or had no room and is new.
    fn becomes(&self) -> Option<Known> {
        let longer = || self.waits.map(|waits| waits.saturating_add(1));
        let waits = if self.is_exact() { Some(0) } else { longer() };
        waits.filter(|_| !self.is_gone()).map(|waits| Known { slot: self.slot, waits })
    }
}

/// Everybody who is known or in sight, by slot.
pub(super) struct Offers {
    you: Slot,
    centre: Vec2,
    offers: Vec<Offer>,
    /// Bits that they cost whoever is taken.
    fixed: usize,
    /// Bits that all cost beside these.
    cost: usize,
}

impl Offers {
    /// `known` is by slot, too.
    pub(super) fn to(you: Slot, centre: Vec2, known: &[Known], crowd: &CrowdEncoder) -> Self {
        let mut offers = Self { you, centre, offers: Vec::new(), fixed: 0, cost: 0 };
        let Some(grid) = &crowd.discs_grid else { return offers };
        let mut near = Set::default();
        grid.near(centre, INTEREST_LEAVE).for_each(|place| {
            near.add_if(place, is_within(crowd.discs[place].position, centre, INTEREST_LEAVE));
        });
        offers.offers.reserve(near.len() + known.len());
        let mut known = known.iter().peekable();
        near.for_each(|place| {
            let disc = &crowd.discs[place];
            while let Some(left) = known.next_if(|known| known.slot < disc.slot) {
                offers.add(Offer::gone(left));
            }
            let known = known.next_if(|known| known.slot == disc.slot);
            if known.is_none() && !is_within(disc.position, centre, INTEREST_ENTER) {
                return;
            }
            let bits = match (known, disc.news) {
                (Some(known), News::Nothing) if known.is_exact() => None,
                (Some(known), News::Change(change)) if known.is_exact() => Some((false, change)),
                _ => Some((true, disc.whole)),
            };
            let (place, waits) = (u16::try_from(place).ok(), known.map(|known| known.waits));
            offers.add(Offer { slot: disc.slot, place, waits, bits, is_taken: false, level: 0 });
        });
        known.for_each(|known| offers.add(Offer::gone(known)));
        offers
    }

    fn add(&mut self, offer: Offer) {
        self.fixed += offer.fixed();
        self.cost += offer.cost();
        self.offers.push(offer);
    }

    /// Bits that they cost whoever is taken.
    pub(super) const fn fixed(&self) -> usize {
        self.fixed
    }

    /// Takes what there is room for, the heaviest first: the own disc in any case.
    pub(super) fn take(&mut self, crowd: &CrowdEncoder, room: &mut usize) {
        if self.cost <= *room {
            self.offers.iter_mut().for_each(|offer| offer.is_taken = offer.bits.is_some());
            *room -= self.cost;
            return;
        }
        // Sorted are only those between which the room ends: this is done for everybody in a throng.
        let mut costs = [0; LEVELS];
        for offer in self.offers.iter_mut().filter(|offer| offer.bits.is_some()) {
            let weight = weigh(offer, self.you, self.centre, crowd);
            offer.level = level(weight);
            costs[usize::from(offer.level)] += offer.cost();
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
        for offer in &mut self.offers {
            let (level, has_bits) = (usize::from(offer.level), offer.bits.is_some());
            offer.is_taken = has_bits && level > ends_at;
            if has_bits && level == ends_at {
                last.push((weigh(offer, self.you, self.centre, crowd), offer));
            }
        }
        last.sort_unstable_by_key(|(weight, offer)| (Reverse(*weight), offer.slot));
        for (weight, offer) in last {
            let cost = offer.cost();
            if cost <= *room || weight == u32::MAX {
                offer.is_taken = true;
                *room = room.saturating_sub(cost);
            }
        }
    }

    /// Whether there is somebody whom the player knows then, and not exactly.
    pub(super) fn has_vague(&self) -> bool {
        self.offers.iter().any(Offer::is_vague)
    }

    /// The places in the world of those whom the player knows exactly then.
    pub(super) fn exact(&self) -> impl Iterator<Item = usize> {
        self.offers.iter().filter(|offer| offer.is_exact()).filter_map(Offer::place)
    }

    /// Writes what was taken, and if asked for, who is vague.
    pub(super) fn write(&self, writer: &mut BitWriter, crowd: &CrowdEncoder, marks_vague: bool) {
        for offer in self.offers.iter().filter(|offer| offer.is_known()) {
            let mut flags = |flags: &[bool]| {
                // One after the other, the first the lowest.
                let mut bits =
                    flags.iter().rev().fold(0, |bits, flag| bits << 1 | u32::from(*flag));
                let width = u32::try_from(flags.len()).unwrap_or(0);
                writer.bits(&mut bits, width).expect(WRITES);
            };
            let (is_told, is_gone) = (offer.is_gone() || offer.is_taken, offer.is_gone());
            match offer.bits.filter(|_| offer.is_taken) {
                Some((whole, bits)) => {
                    flags(&[is_told, is_gone, whole]);
                    crowd.copy(bits, writer);
                }
                None if is_told => flags(&[is_told, is_gone]),
                None if marks_vague => flags(&[is_told, offer.is_exact()]),
                None => flags(&[is_told]),
            }
        }
        let new = || self.offers.iter().filter(|offer| !offer.is_known() && offer.is_taken);
        sight::length(writer, new().count());
        for offer in new() {
            keyframe::slot(writer, &mut offer.slot.clone(), LAYOUT).expect(WRITES);
            offer.bits.into_iter().for_each(|(_, bits)| crowd.copy(bits, writer));
        }
    }

    /// What the player knows then, by slot.
    pub(super) fn become_known(&self) -> impl Iterator<Item = Known> {
        self.offers.iter().filter_map(Offer::becomes)
    }
}

/// Near and long waited for is heavy, the own disc heavier than all.
fn weigh(offer: &Offer, you: Slot, centre: Vec2, crowd: &CrowdEncoder) -> u32 {
    const NEAR: u32 = 1 << 13;
    /// Who has waited for two seconds comes first anyway, and what follows fits.
    const WAITS_MAX: u32 = 62;
    if offer.slot == you {
        return u32::MAX;
    }
    let way = offer.place().map(|place| crowd.discs[place].position - centre).unwrap_or_default();
    // A root for each is dear; this is an eighth too far at most.
    let (x, y) = (way.x.unsigned_abs(), way.y.unsigned_abs());
    let distance = x.max(y) + x.min(y) / 2 + NEAR;
    ((offer.waits.unwrap_or(0).min(WAITS_MAX) + 1) << 26) / distance
}

/// Weights from lightest to heaviest, coarsely: four levels each time that they double.
fn level(weight: u32) -> u8 {
    const STEPS_BITS: u32 = 2;
    let weight = weight.max(1 << STEPS_BITS);
    let doublings = weight.ilog2() - STEPS_BITS;
    let step = weight >> doublings & ((1 << STEPS_BITS) - 1);
    u8::try_from((doublings << STEPS_BITS) + step).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::{LEVELS, level};

    #[test]
    fn heavier_is_no_lower_a_level() {
        let weights: Vec<_> = (0..30).flat_map(|bit| [4, 5, 6, 7].map(|top| top << bit)).collect();

        assert!(weights.iter().zip(0..).all(|(weight, place)| level(*weight) == place));
        assert!(weights.iter().all(|weight| level(weight - 1) <= level(*weight)));
        assert_eq!(usize::from(level(u32::MAX)), LEVELS - 1);
    }
}
