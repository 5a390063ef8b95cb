//! Keeps the same event from being shown twice: when it is stepped into the present, when a correction steps its tick
//! again, and when the server says it.
//!
//! What was shown stands for one event, and for no other: each event of a tick that is stepped again, and each that
//! the server says, takes the nearest of its kind that nothing else has taken. So two bumps that follow each other
//! closely are two, and one that a correction moves by a few ticks is one. A pulse is known by its name; when no such
//! shot was shown, one of the same seat that is gone from the present is it, fired in another tick.

use std::collections::VecDeque;

use shared::sim::pulse::COOLDOWN_TICKS;
use shared::sim::{Event, PulseId, Slot};
use shared::tick::Tick;

/// An event does not move farther than so many ticks: what is farther away is another one.
const SAME_WITHIN_TICKS: u32 = 12;
/// Events remembered. More than are foretold in the time that matters; when full, the oldest is forgotten.
const REMEMBERED_MAX: usize = 256;

// Nobody fires twice within that time: two shots are never taken for one.
const _: () = assert!(SAME_WITHIN_TICKS < COOLDOWN_TICKS as u32);

/// What was shown before the server has said it.
#[derive(Debug, Clone, Default)]
pub(super) struct Echoes {
    shown: VecDeque<Shown>,
}

#[derive(Debug, Clone, Copy)]
struct Shown {
    tick: Tick,
    likeness: Likeness,
    pulse: Option<PulseId>,
    /// It is in the present as it is foretold now. If not, it may come again, in another tick.
    stands: bool,
}

impl Shown {
    fn of(tick: Tick, event: &Event) -> Self {
        let pulse = match event {
            Event::PulseFired { id } | Event::PulseHit { id, .. } => Some(*id),
            _ => None,
        };
        Self { tick, likeness: likeness(event), pulse, stands: true }
    }
}

/// What makes two events the same. Places are left out: a prediction may be a little off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Likeness {
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

impl Echoes {
    /// The present is stepped again: nothing of what was foretold stands until it is foretold once more.
    pub(super) fn doubt(&mut self) {
        self.shown.iter_mut().for_each(|shown| shown.stands = false);
    }

    /// An event is foretold. Whether it was not shown yet; it is now.
    pub(super) fn foretell(&mut self, tick: Tick, event: &Event) -> bool {
        let event = Shown::of(tick, event);
        if let Some(place) = self.place_of(&event, |shown| !shown.stands) {
            self.shown[place] = event;
            return false;
        }
        if self.shown.len() == REMEMBERED_MAX {
            self.shown.pop_front();
        }
        self.shown.push_back(event);
        true
    }

    /// The server says an event. Whether it was not shown yet.
    pub(super) fn settle(&mut self, tick: Tick, event: &Event) -> bool {
        let place = self.place_of(&Shown::of(tick, event), |_| true);
        place.is_none_or(|place| self.shown.remove(place).is_none())
    }

    /// The one that it is, of those that may be taken: by name, or else the nearest in time.
    fn place_of(&self, event: &Shown, may_be: impl Fn(&Shown) -> bool) -> Option<usize> {
        let far = |shown: &Shown| event.tick.since(shown.tick).unsigned_abs();
        let found = self.shown.iter().enumerate().filter(|(_, shown)| {
            shown.likeness == event.likeness && far(shown) <= SAME_WITHIN_TICKS && may_be(shown)
        });
        let found = found.min_by_key(|(_, shown)| (shown.pulse != event.pulse, far(shown)));
        found.map(|(place, _)| place)
    }

    /// Another round begins.
    pub(super) fn clear(&mut self) {
        self.shown.clear();
    }
}

fn likeness(event: &Event) -> Likeness {
    match event {
        Event::PulseFired { id } => Likeness::PulseFired(id.slot),
        Event::PulseHit { id, target, .. } => Likeness::PulseHit(id.slot, *target),
        Event::Shove { slot } => Likeness::Shove(*slot),
        Event::ShoveHit { by, target } => Likeness::ShoveHit(*by, *target),
        Event::Dash { slot } => Likeness::Dash(*slot),
        Event::Bump { a, b, .. } => Likeness::Bump(*a, *b),
        Event::KnockOut { slot, .. } => Likeness::KnockOut(*slot),
        Event::Respawn { slot } => Likeness::Respawn(*slot),
        Event::PickupSpawned { .. } => Likeness::PickupSpawned,
        Event::PickupTaken { slot, .. } => Likeness::PickupTaken(*slot),
        Event::LeadChange { slot } => Likeness::Lead(*slot),
        Event::ShrinkBegins => Likeness::Shrink,
        Event::RoundOver => Likeness::Over,
    }
}

/// Whether an event may be shown when it is only predicted. What counts points waits for the server's word.
#[must_use]
pub(super) fn may_be_foretold(event: &Event) -> bool {
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

    use super::Echoes;

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
    fn an_event_is_shown_once_though_it_is_told_often() {
        for (event, later) in [(bump(2), bump(2)), (fired(100), fired(103)), (hit(90), hit(93))] {
            let mut echoes = Echoes::default();
            assert!(echoes.foretell(Tick(100), &event));

            echoes.doubt();
            assert!(!echoes.foretell(Tick(101), &event), "a correction tells it again");
            echoes.doubt();
            assert!(!echoes.foretell(Tick(103), &later), "and moves it into what comes");
            assert!(!echoes.settle(Tick(103), &later));

            assert!(echoes.settle(Tick(103), &later), "the server does not say it twice");
        }
    }

    #[test]
    fn two_that_follow_each_other_closely_are_two() {
        let mut echoes = Echoes::default();

        assert!(echoes.foretell(Tick(100), &bump(2)));
        assert!(echoes.foretell(Tick(108), &bump(2)));
        echoes.doubt();
        assert!(!echoes.foretell(Tick(101), &bump(2)));
        assert!(!echoes.foretell(Tick(108), &bump(2)));
        assert!(!echoes.settle(Tick(101), &bump(2)));
        assert!(!echoes.settle(Tick(108), &bump(2)));

        assert!(echoes.settle(Tick(110), &bump(2)), "a third that nobody saw coming");
        assert!(echoes.settle(Tick(112), &bump(2)), "and a fourth");
        assert!(echoes.settle(Tick(112), &bump(5)));
    }

    #[test]
    fn a_shot_is_known_by_its_name() {
        let mut echoes = Echoes::default();

        assert!(echoes.foretell(Tick(100), &hit(61)));
        assert!(echoes.foretell(Tick(102), &hit(98)));
        assert!(!echoes.settle(Tick(101), &hit(98)));
        echoes.doubt();

        assert!(!echoes.foretell(Tick(101), &hit(61)), "the other one is still to come");
        assert!(!echoes.settle(Tick(101), &hit(61)));
    }

    #[test]
    fn what_did_not_come_to_pass_is_not_taken_for_what_comes_much_later() {
        let mut echoes = Echoes::default();
        assert!(echoes.foretell(Tick(100), &bump(2)));

        echoes.doubt();

        assert!(echoes.foretell(Tick(113), &bump(2)));
    }
}
