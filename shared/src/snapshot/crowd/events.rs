//! Which events one player is told of by themselves: those about the player, and of those in sight what fits.

use super::encode::Bits;
use crate::sim::Slot;

/// An event and whom it is about.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sight {
    pub(super) of: Slot,
    pub(super) and: Option<Slot>,
    pub(super) is_knock_out: bool,
    pub(super) bits: Bits,
}

impl Sight {
    fn is_about(&self, slot: Slot) -> bool {
        self.of == slot || self.and == Some(slot)
    }
}

/// Bits of what comes before the discs: of events about the player, and of knock-outs in sight.
pub(super) fn first(events: &[Sight], you: Slot, sees: impl Fn(Slot) -> bool) -> (usize, usize) {
    let (mut own, mut knock_outs) = (0, 0);
    for event in events {
        if event.is_about(you) {
            own += event.bits.len();
        } else if event.is_knock_out && sees(event.of) {
            knock_outs += event.bits.len();
        }
    }
    (own, knock_outs)
}

/// What the player is told of, in the order in which it happened. Those about the player need no room, and knock-outs
/// have it before others.
pub(super) fn told(
    events: &[Sight],
    you: Slot,
    sees: impl Fn(Slot) -> bool,
    mut room: usize,
) -> Vec<Bits> {
    let in_sight = |event: &Sight| event.is_about(you) || sees(event.of);
    let mut told: Vec<_> = events.iter().enumerate().filter(|(_, event)| in_sight(event)).collect();
    let all: usize = told.iter().map(|(_, event)| event.bits.len()).sum();
    if all <= room {
        return told.into_iter().map(|(_, event)| event.bits).collect();
    }
    told.sort_by_key(|(_, event)| !event.is_knock_out);
    told.retain(|(_, event)| {
        let cost = if event.is_about(you) { 0 } else { event.bits.len() };
        let fits = cost <= room;
        room -= if fits { cost } else { 0 };
        fits
    });
    told.sort_unstable_by_key(|(number, _)| *number);
    told.into_iter().map(|(_, event)| event.bits).collect()
}
