//! The discs that one player could be told of, and which of them there is room for.

use core::cmp::Reverse;

use super::super::bits::{BitWriter, Coder as _};
use super::super::keyframe;
use super::encode::{Bits, CrowdEncoder, News};
use super::sight::{self, LAYOUT};
use super::{ENTER, LEAVE, is_within};
use crate::sim::{Slot, Vec2, World};

const WRITES: &str = "a writer takes every value";
/// The slot before a disc that is new.
const SLOT_BITS: usize = 10;
/// What says that a disc that is known is told of.
const TOLD_BITS: usize = 2;

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

/// Something that could be told about a disc in sight.
#[derive(Debug)]
pub(super) struct Offer {
    slot: Slot,
    /// In the world. Nothing when it has left.
    place: Option<usize>,
    /// The player knows it, as it was then.
    known: Option<Known>,
    /// Nothing: it went on alone.
    bits: Option<(bool, Bits)>,
    is_taken: bool,
}

impl Offer {
    fn gone(known: &Known) -> Self {
        let (slot, known) = (known.slot, Some(*known));
        Self { slot, place: None, known, bits: None, is_taken: false }
    }

    fn is_gone(&self) -> bool {
        self.place.is_none()
    }

    /// The player knows it exactly then, if it is there.
    fn is_exact(&self) -> bool {
        self.is_taken || self.bits.is_none()
    }

    /// The player knows it then, and not exactly.
    fn is_vague(&self) -> bool {
        self.known.is_some() && !self.is_exact()
    }

    /// Bits that it costs whether there is room or not.
    fn fixed(&self) -> usize {
        if self.known.is_some() { 1 + usize::from(self.is_gone()) } else { 0 }
    }

    /// Bits that it costs beside these when it is taken.
    fn cost(&self) -> usize {
        let header = if self.known.is_some() { TOLD_BITS } else { SLOT_BITS };
        self.bits.map_or(0, |(_, bits)| header + bits.len)
    }

    /// What the player knows of it then. Nothing when it has left, or had no room and is new.
    fn becomes(&self) -> Option<Known> {
        let waits = |known: Known| known.waits.saturating_add(1);
        let waits = if self.is_exact() { Some(0) } else { self.known.map(waits) };
        waits.filter(|_| !self.is_gone()).map(|waits| Known { slot: self.slot, waits })
    }
}

/// Everybody who is known or in sight, by slot.
pub(super) struct Offers {
    you: Slot,
    centre: Vec2,
    offers: Vec<Offer>,
}

impl Offers {
    /// `known` is by slot, too.
    pub(super) fn to(
        you: Slot,
        centre: Vec2,
        known: &[Known],
        crowd: &CrowdEncoder,
        world: &World,
    ) -> Self {
        let mut offers = Vec::new();
        let Some(grid) = &crowd.discs_grid else { return Self { you, centre, offers } };
        let mut places = InOrder::new(world.discs.len());
        grid.near(centre, LEAVE).for_each(|place| places.add(place));
        offers.reserve(places.count + known.len());
        let mut known = known.iter().peekable();
        for place in places.iter() {
            let disc = &world.discs[place];
            while let Some(left) = known.next_if(|known| known.slot < disc.slot) {
                offers.push(Offer::gone(left));
            }
            let known = known.next_if(|known| known.slot == disc.slot).copied();
            let reach = if known.is_some() { LEAVE } else { ENTER };
            if disc.slot != you && !is_within(disc.position, centre, reach) {
                offers.extend(known.as_ref().map(Offer::gone));
                continue;
            }
            let waits = known.map_or(0, |known| known.waits);
            let said = &crowd.discs[place];
            let bits = match (known, said.news) {
                (Some(_), News::Nothing) if waits == 0 => None,
                (Some(_), News::Change(change)) if waits == 0 => Some((false, change)),
                _ => Some((true, said.whole)),
            };
            let (slot, place) = (disc.slot, Some(place));
            offers.push(Offer { slot, place, known, bits, is_taken: false });
        }
        offers.extend(known.map(Offer::gone));
        Self { you, centre, offers }
    }

    /// Bits that they cost whoever is taken.
    pub(super) fn fixed(&self) -> usize {
        self.offers.iter().map(Offer::fixed).sum()
    }

    /// Takes what there is room for, the heaviest first: the own disc in any case.
    pub(super) fn take(&mut self, world: &World, room: &mut usize) {
        let all: usize = self.offers.iter().map(Offer::cost).sum();
        if all <= *room {
            self.offers.iter_mut().for_each(|offer| offer.is_taken = offer.bits.is_some());
            *room -= all;
            return;
        }
        let (you, centre) = (self.you, self.centre);
        let weigh = |offer: &Offer| {
            let waits = offer.known.map_or(0, |known| known.waits);
            let way = offer.place.map(|place| world.discs[place].position - centre);
            if offer.slot == you { u64::MAX } else { weight(way.unwrap_or_default(), waits) }
        };
        let offers = self.offers.iter_mut().filter(|offer| offer.bits.is_some());
        let mut order: Vec<_> = offers.map(|offer| (weigh(offer), offer)).collect();
        order.sort_unstable_by_key(|(weight, offer)| (Reverse(*weight), offer.slot));
        for (weight, offer) in order {
            let cost = offer.cost();
            if cost <= *room || weight == u64::MAX {
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
        self.offers.iter().filter(|offer| offer.is_exact()).filter_map(|offer| offer.place)
    }

    /// Writes what was taken, and if asked for, who is vague.
    pub(super) fn write(&self, writer: &mut BitWriter, crowd: &CrowdEncoder, marks_vague: bool) {
        for offer in self.offers.iter().filter(|offer| offer.known.is_some()) {
            let is_told = offer.is_gone() || offer.is_taken;
            writer.flag(&mut { is_told }).expect(WRITES);
            if is_told {
                writer.flag(&mut offer.is_gone()).expect(WRITES);
            } else if marks_vague {
                writer.flag(&mut offer.is_exact()).expect(WRITES);
            }
            if let Some((mut whole, bits)) = offer.bits.filter(|_| offer.is_taken) {
                writer.flag(&mut whole).expect(WRITES);
                crowd.copy(bits, writer);
            }
        }
        let new = || self.offers.iter().filter(|offer| offer.known.is_none() && offer.is_taken);
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

/// Numbers in their order, whatever the order that they come in: a bit for each that may come. It is asked for everybody's
/// surroundings thirty times a second, and cheaper than sorting them.
struct InOrder {
    bits: Vec<u64>,
    count: usize,
}

impl InOrder {
    /// For numbers below `end`.
    fn new(end: usize) -> Self {
        Self { bits: vec![0; end.div_ceil(u64::BITS as usize)], count: 0 }
    }

    fn add(&mut self, number: usize) {
        self.bits[number / u64::BITS as usize] |= 1 << (number % u64::BITS as usize);
        self.count += 1;
    }

    fn iter(&self) -> impl Iterator<Item = usize> {
        self.bits.iter().enumerate().flat_map(|(place, bits)| {
            let mut left = *bits;
            core::iter::from_fn(move || {
                let lowest = (left != 0).then(|| left.trailing_zeros() as usize)?;
                left &= left - 1;
                Some(place * u64::BITS as usize + lowest)
            })
        })
    }
}

/// Near and long waited for is heavy.
fn weight(way: Vec2, waits: u32) -> u64 {
    const NEAR: i32 = 1 << 13;
    let distance = u64::from(way.length().saturating_add(NEAR).unsigned_abs());
    ((u64::from(waits) + 1) << 40) / distance
}

#[cfg(test)]
mod tests {
    use super::InOrder;

    #[test]
    fn numbers_come_in_their_order() {
        let mut numbers = InOrder::new(200);

        [199, 3, 64, 0, 63, 128].into_iter().for_each(|number| numbers.add(number));

        assert_eq!(numbers.iter().collect::<Vec<_>>(), [0, 3, 63, 64, 128, 199]);
        assert_eq!(numbers.count, 6);
    }
}
