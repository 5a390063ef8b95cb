//! Compares the hits that were predicted with those that the server confirms.
//!
//! The player's pulses and shoves hit at once on the player's screen. A predicted hit that the server does not confirm counts
//! against the prediction, and so does a confirmed hit that was not predicted. A hit that only a correction brought was not
//! predicted: it was presented late.
//!
//! Two hits of a pulse are the same when the pulse has the same id and the target is the same: a pulse that was fired in
//! another tick is another one. A shove has no id; two hits of shoves on one target are the same when they are close in time.

use std::collections::VecDeque;

use shared::sim::{Event, PulseId, Slot};
use shared::tick::Tick;

/// A hit that is confirmed within this time of the predicted one is the same.
const SAME_WITHIN_TICKS: i32 = 12;
/// Predicted hits that may wait to be confirmed. A player cannot land more in a second. When full, the oldest counts as not
/// confirmed.
const WAITING_MAX: usize = 32;

/// The hits of the player in a round.
#[derive(Debug, Clone, Default)]
pub(super) struct HitTracker {
    /// Predicted and not confirmed yet.
    waiting: VecDeque<(Tick, Hit)>,
    /// Predicted and confirmed.
    agreed: u32,
    /// Only predicted, or only confirmed.
    disagreed: u32,
}

/// A weapon and its target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hit {
    Pulse(PulseId, Slot),
    Shove(Slot),
}

impl Hit {
    /// The hit of an event, when this player landed it.
    fn of(seat: Slot, event: &Event) -> Option<Self> {
        match event {
            Event::PulseHit { id, target, .. } if id.slot == seat => {
                Some(Self::Pulse(*id, *target))
            }
            Event::ShoveHit { by, target } if *by == seat => Some(Self::Shove(*target)),
            _ => None,
        }
    }
}

impl HitTracker {
    /// An event of a tick that was predicted for the first time.
    pub(super) fn predict(&mut self, seat: Slot, tick: Tick, event: &Event) {
        let Some(hit) = Hit::of(seat, event) else { return };
        // A correction moved it to a later tick.
        if self.index_of(tick, hit).is_some() {
            return;
        }
        if self.waiting.len() == WAITING_MAX {
            self.waiting.pop_front();
            self.disagreed += 1;
        }
        self.waiting.push_back((tick, hit));
    }

    /// An event that the server confirms.
    pub(super) fn confirm(&mut self, seat: Slot, tick: Tick, event: &Event) {
        let Some(hit) = Hit::of(seat, event) else { return };
        match self.index_of(tick, hit) {
            Some(index) => {
                self.waiting.remove(index);
                self.agreed += 1;
            }
            None => self.disagreed += 1,
        }
    }

    /// The server has confirmed all events until this tick: predicted hits that it should have confirmed by now were wrong.
    pub(super) fn confirm_until(&mut self, tick: Tick) {
        let before = self.waiting.len();
        self.waiting.retain(|(then, _)| tick.since(*then) <= SAME_WITHIN_TICKS);
        self.disagreed += u32::try_from(before - self.waiting.len()).unwrap_or(0);
    }

    fn index_of(&self, tick: Tick, hit: Hit) -> Option<usize> {
        self.waiting.iter().position(|(then, seen)| {
            *seen == hit && tick.since(*then).unsigned_abs() <= SAME_WITHIN_TICKS.unsigned_abs()
        })
    }

    /// All hits, predicted or confirmed.
    #[must_use]
    pub(super) fn count(&self) -> u32 {
        self.agreed + self.disagreed
    }

    /// The share of hits that were both predicted and confirmed, in percent. 100 without hits.
    #[must_use]
    pub(super) fn agreement_percent(&self) -> f64 {
        if self.count() == 0 {
            return 100.0;
        }
        f64::from(self.agreed) * 100.0 / f64::from(self.count())
    }
}

#[cfg(test)]
mod tests {
    use shared::sim::fixed::Vec2;
    use shared::sim::{Event, PulseId, Slot};
    use shared::tick::Tick;

    use super::HitTracker;

    const ME: Slot = Slot(2);

    fn shove(by: Slot, target: u16) -> Event {
        Event::ShoveHit { by, target: Slot(target) }
    }

    fn shot(fired: u32, target: u16) -> Event {
        let id = PulseId { slot: ME, tick: Tick(fired) };
        Event::PulseHit { id, target: Slot(target), at: Vec2::ZERO }
    }

    #[test]
    fn hits_that_were_only_predicted_or_only_confirmed_count_against_the_prediction() {
        let mut hits = HitTracker::default();

        hits.predict(ME, Tick(100), &shove(ME, 5));
        hits.predict(ME, Tick(101), &shove(ME, 6));
        hits.predict(ME, Tick(102), &shove(Slot(7), 6));
        hits.confirm(ME, Tick(101), &shove(ME, 5));
        hits.confirm(ME, Tick(140), &shove(ME, 6));
        hits.confirm_until(Tick(140));

        assert_eq!(hits.count(), 3, "one agreed, one was only predicted, one only confirmed");
        assert!((hits.agreement_percent() - 100.0 / 3.0).abs() < 1e-9);
    }

    #[test]
    fn a_pulse_agrees_only_with_itself() {
        let mut hits = HitTracker::default();

        hits.predict(ME, Tick(100), &shot(90, 5));
        hits.confirm(ME, Tick(102), &shot(90, 5));
        assert_eq!((hits.agreed, hits.disagreed), (1, 0));
        hits.predict(ME, Tick(200), &shot(190, 5));
        hits.predict(ME, Tick(300), &shot(290, 5));
        hits.confirm(ME, Tick(201), &shot(192, 5));
        hits.confirm(ME, Tick(301), &shot(290, 6));
        hits.confirm_until(Tick(340));

        assert_eq!((hits.agreed, hits.disagreed), (1, 4), "another pulse, and another target");
    }

    #[test]
    fn a_hit_that_a_correction_moves_is_one_hit() {
        let mut hits = HitTracker::default();

        for event in [shove(ME, 5), shot(90, 6)] {
            hits.predict(ME, Tick(100), &event);
            hits.predict(ME, Tick(102), &event);
            hits.confirm(ME, Tick(102), &event);
        }
        hits.confirm_until(Tick(140));

        assert_eq!((hits.agreed, hits.disagreed), (2, 0));
    }
}
