//! Keeps the same event from being shown twice: once when it is predicted and once when the server says it.

use std::collections::VecDeque;

use shared::sim::{Event, Slot};
use shared::tick::Tick;

/// Two events of the same kind between the same discs within so many ticks are one, seen twice.
const SAME_WITHIN_TICKS: u32 = 12;
/// Events remembered. More than happen in sight in the time that matters; when full, the oldest is forgotten.
const REMEMBERED_MAX: usize = 256;

/// What was shown lately.
#[derive(Debug, Clone, Default)]
pub(super) struct Echoes {
    shown: VecDeque<(Tick, Likeness)>,
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
    PickupAppeared,
    PickupTaken(Slot),
    Lead(Slot),
    Shrink,
    Over,
}

impl Echoes {
    /// Whether an event is new, and remembers it.
    pub(super) fn is_new(&mut self, tick: Tick, event: &Event) -> bool {
        let likeness = likeness(event);
        let known = self.shown.iter().any(|(then, shown)| {
            *shown == likeness && tick.since(*then).unsigned_abs() <= SAME_WITHIN_TICKS
        });
        if known {
            return false;
        }
        if self.shown.len() == REMEMBERED_MAX {
            self.shown.pop_front();
        }
        self.shown.push_back((tick, likeness));
        true
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
        Event::PickupAppeared { .. } => Likeness::PickupAppeared,
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
        | Event::PickupAppeared { .. }
        | Event::LeadChange { .. }
        | Event::ShrinkBegins
        | Event::RoundOver => false,
    }
}

#[cfg(test)]
mod tests {
    use shared::sim::{Event, Slot};
    use shared::tick::Tick;

    use super::Echoes;

    #[test]
    fn an_event_is_shown_once_though_it_is_told_often() {
        let mut echoes = Echoes::default();
        let dash = Event::Dash { slot: Slot(3) };

        assert!(echoes.is_new(Tick(100), &dash));

        assert!(!echoes.is_new(Tick(100), &dash));
        assert!(!echoes.is_new(Tick(103), &dash));
        assert!(echoes.is_new(Tick(103), &Event::Dash { slot: Slot(4) }));
        assert!(echoes.is_new(Tick(220), &dash));
    }
}
