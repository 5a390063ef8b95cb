//! Which events a view carries: those about the player, and of those in sight as many as fit.

use super::span::BitSpan;
use crate::sim::Slot;

/// An encoded event and its subjects.
#[derive(Debug, Clone, Copy)]
pub(super) struct EncodedEvent {
    /// The seat that decides whether the event is in sight.
    pub(super) about: Slot,
    /// Another seat that the event concerns.
    pub(super) other: Option<Slot>,
    pub(super) is_knock_out: bool,
    pub(super) bits: BitSpan,
}

impl EncodedEvent {
    fn concerns(&self, slot: Slot) -> bool {
        self.about == slot || self.other == Some(slot)
    }
}

/// The sizes, in bits, of the events that go before the discs: those about the player, and knock-outs in sight.
pub(super) fn reserved(
    events: &[EncodedEvent],
    you: Slot,
    sees: impl Fn(Slot) -> bool,
) -> (usize, usize) {
    let (mut own, mut knock_outs) = (0, 0);
    for event in events {
        if event.concerns(you) {
            own += event.bits.len();
        } else if event.is_knock_out && sees(event.about) {
            knock_outs += event.bits.len();
        }
    }
    (own, knock_outs)
}

/// The events that the view carries, in the order in which they happened. `room` is the space for them in bits; events
/// about the player have their own space already, and knock-outs go before other events.
pub(super) fn select(
    events: &[EncodedEvent],
    you: Slot,
    sees: impl Fn(Slot) -> bool,
    mut room: usize,
) -> Vec<BitSpan> {
    let in_sight = |event: &EncodedEvent| event.concerns(you) || sees(event.about);
    let mut selected: Vec<_> =
        events.iter().enumerate().filter(|(_, event)| in_sight(event)).collect();
    let all: usize = selected.iter().map(|(_, event)| event.bits.len()).sum();
    if all <= room {
        return selected.into_iter().map(|(_, event)| event.bits).collect();
    }
    selected.sort_by_key(|(_, event)| !event.is_knock_out);
    selected.retain(|(_, event)| {
        let cost = if event.concerns(you) { 0 } else { event.bits.len() };
        let fits = cost <= room;
        room -= if fits { cost } else { 0 };
        fits
    });
    selected.sort_unstable_by_key(|(number, _)| *number);
    selected.into_iter().map(|(_, event)| event.bits).collect()
}
