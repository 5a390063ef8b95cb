//! Event de-duplication: an event is presented once, although it is predicted, predicted again after each correction, and
//! confirmed.
//!
//! A presented event stands for one event only. Each event of a tick that is predicted again, and each confirmed event, takes
//! the nearest presented event of its kind that is not taken yet. So two bumps in quick succession are two, and one bump that
//! a correction moves by a few ticks is one. A pulse is matched by its id. When no such pulse was presented, one of the same
//! slot that is no longer predicted is taken: it was fired in another tick.

use std::collections::VecDeque;

use shared::sim::pulse::COOLDOWN_TICKS;
use shared::sim::{Event, PulseId, Slot};
use shared::tick::Tick;

/// A correction moves an event by no more than this: an event that is farther away is another one.
const SAME_WITHIN_TICKS: u32 = 12;
/// Presented events kept, more than are predicted in the time that matters. When full, the oldest is dropped.
const PRESENTED_MAX: usize = 256;

// No disc fires twice within that time, so two pulses are never taken for one.
const _: () = assert!(SAME_WITHIN_TICKS < COOLDOWN_TICKS as u32);

/// The presented events that the server has not confirmed yet.
#[derive(Debug, Clone, Default)]
pub(super) struct EventDedup {
    presented: VecDeque<Presented>,
}

#[derive(Debug, Clone, Copy)]
struct Presented {
    tick: Tick,
    key: EventKey,
    pulse: Option<PulseId>,
    /// Whether the current prediction contains it. If not, it may be predicted again, in another tick.
    is_predicted: bool,
}

impl Presented {
    fn of(tick: Tick, event: &Event) -> Self {
        let pulse = match event {
            Event::PulseFired { id } | Event::PulseHit { id, .. } => Some(*id),
            _ => None,
        };
        Self { tick, key: key_of(event), pulse, is_predicted: true }
    }
}

/// The part of an event that must be equal for two events to be the same. Positions are left out: a prediction may be off by
/// a little.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum EventKey {
    PulseFired(Slot),
    PulseHit(Slot, Slot),
    Shove(Slot),
    ShoveHit(Slot, Slot),
    Dash(Slot),
    Bump(Slot, Slot),
    KnockOut(Slot),
    Respawn(Slot),
    PickupSpawned,
    PickupTaken(Slot),
    Lead(Slot),
    Shrink,
    Over,
}

impl EventDedup {
    /// Ticks are predicted again: every presented event may be predicted once more.
    pub(super) fn invalidate(&mut self) {
        self.presented.iter_mut().for_each(|presented| presented.is_predicted = false);
    }

    /// Takes a predicted event. True when it is new; it counts as presented then.
    pub(super) fn predict(&mut self, tick: Tick, event: &Event) -> bool {
        let event = Presented::of(tick, event);
        if let Some(index) = self.index_of(&event, |presented| !presented.is_predicted) {
            self.presented[index] = event;
            return false;
        }
        if self.presented.len() == PRESENTED_MAX {
            self.presented.pop_front();
        }
        self.presented.push_back(event);
        true
    }

    /// Takes a confirmed event. True when it was not presented yet.
    pub(super) fn confirm(&mut self, tick: Tick, event: &Event) -> bool {
        let index = self.index_of(&Presented::of(tick, event), |_| true);
        index.is_none_or(|index| self.presented.remove(index).is_none())
    }

    /// The index of the presented event that is this one, of those that may be taken: by its id, or else the nearest in time.
    fn index_of(&self, event: &Presented, may_be: impl Fn(&Presented) -> bool) -> Option<usize> {
        let distance = |other: &Presented| event.tick.since(other.tick).unsigned_abs();
        let found = self.presented.iter().enumerate().filter(|(_, other)| {
            other.key == event.key && distance(other) <= SAME_WITHIN_TICKS && may_be(other)
        });
        let found = found.min_by_key(|(_, other)| (other.pulse != event.pulse, distance(other)));
        found.map(|(index, _)| index)
    }
}

fn key_of(event: &Event) -> EventKey {
    match event {
        Event::PulseFired { id } => EventKey::PulseFired(id.slot),
        Event::PulseHit { id, target, .. } => EventKey::PulseHit(id.slot, *target),
        Event::Shove { slot } => EventKey::Shove(*slot),
        Event::ShoveHit { by, target } => EventKey::ShoveHit(*by, *target),
        Event::Dash { slot } => EventKey::Dash(*slot),
        Event::Bump { a, b, .. } => EventKey::Bump(*a, *b),
        Event::KnockOut { slot, .. } => EventKey::KnockOut(*slot),
        Event::Respawn { slot } => EventKey::Respawn(*slot),
        Event::PickupSpawned { .. } => EventKey::PickupSpawned,
        Event::PickupTaken { slot, .. } => EventKey::PickupTaken(*slot),
        Event::LeadChange { slot } => EventKey::Lead(*slot),
        Event::ShrinkBegins => EventKey::Shrink,
        Event::RoundOver => EventKey::Over,
    }
}

/// Whether an event is presented when it is only predicted. Events that change points wait until they are confirmed.
#[must_use]
pub(super) fn is_predictable(event: &Event) -> bool {
    match event {
        Event::PulseFired { .. }
        | Event::PulseHit { .. }
        | Event::Shove { .. }
        | Event::ShoveHit { .. }
        | Event::Dash { .. }
        | Event::Bump { .. }
        | Event::PickupTaken { .. } => true,
        Event::KnockOut { .. }
        | Event::Respawn { .. }
        | Event::PickupSpawned { .. }
        | Event::LeadChange { .. }
        | Event::ShrinkBegins
        | Event::RoundOver => false,
    }
}

#[cfg(test)]
mod tests {
    use shared::sim::fixed::Vec2;
    use shared::sim::{Event, PulseId, Slot};
    use shared::tick::Tick;

    use super::EventDedup;

    fn bump(b: u16) -> Event {
        Event::Bump { a: Slot(1), b: Slot(b), speed: 90, at: Vec2::ZERO }
    }

    fn fired(tick: u32) -> Event {
        Event::PulseFired { id: PulseId { slot: Slot(3), tick: Tick(tick) } }
    }

    fn hit(fired: u32) -> Event {
        let id = PulseId { slot: Slot(3), tick: Tick(fired) };
        Event::PulseHit { id, target: Slot(4), at: Vec2::ZERO }
    }

    #[test]
    fn an_event_is_presented_once() {
        for (event, later) in [(bump(2), bump(2)), (fired(100), fired(103)), (hit(90), hit(93))] {
            let mut dedup = EventDedup::default();
            assert!(dedup.predict(Tick(100), &event));

            dedup.invalidate();
            assert!(!dedup.predict(Tick(101), &event), "a correction predicts it again");
            dedup.invalidate();
            assert!(!dedup.predict(Tick(103), &later), "and moves it to a later tick");
            assert!(!dedup.confirm(Tick(103), &later));

            assert!(dedup.confirm(Tick(103), &later), "the server does not confirm it twice");
        }
    }

    #[test]
    fn two_events_in_quick_succession_are_two() {
        let mut dedup = EventDedup::default();

        assert!(dedup.predict(Tick(100), &bump(2)));
        assert!(dedup.predict(Tick(108), &bump(2)));
        dedup.invalidate();
        assert!(!dedup.predict(Tick(101), &bump(2)));
        assert!(!dedup.predict(Tick(108), &bump(2)));
        assert!(!dedup.confirm(Tick(101), &bump(2)));
        assert!(!dedup.confirm(Tick(108), &bump(2)));

        assert!(dedup.confirm(Tick(110), &bump(2)), "a third that was not predicted");
        assert!(dedup.confirm(Tick(112), &bump(2)), "and a fourth");
        assert!(dedup.confirm(Tick(112), &bump(5)));
    }

    #[test]
    fn a_pulse_is_matched_by_its_id() {
        let mut dedup = EventDedup::default();

        assert!(dedup.predict(Tick(100), &hit(61)));
        assert!(dedup.predict(Tick(102), &hit(98)));
        assert!(!dedup.confirm(Tick(101), &hit(98)));
        dedup.invalidate();

        assert!(!dedup.predict(Tick(101), &hit(61)), "the other one is still to come");
        assert!(!dedup.confirm(Tick(101), &hit(61)));
    }

    #[test]
    fn a_prediction_that_was_wrong_is_not_taken_for_a_much_later_event() {
        let mut dedup = EventDedup::default();
        assert!(dedup.predict(Tick(100), &bump(2)));

        dedup.invalidate();

        assert!(dedup.predict(Tick(113), &bump(2)));
    }
}
