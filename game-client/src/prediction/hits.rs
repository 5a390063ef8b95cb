//! Whether the hits that were seen here are those that the server counted.
//!
//! Own pulses and shoves hit at once on the own screen. A hit that the server then does not confirm was a lie; one
//! that it reports and nobody saw coming was a surprise. Both count against the prediction. So does a hit that only a
//! correction brought: it was shown, but not at once.
//!
//! A pulse is the same here and there when its name is: a shot that was fired in another tick is another shot, though
//! the screen draws it on. A shove has no name; it is the same when it is close in time.

use std::collections::VecDeque;

use shared::sim::{Event, PulseId, Slot};
use shared::tick::Tick;

/// A hit that is confirmed within so many ticks is the same.
const SAME_WITHIN_TICKS: i32 = 12;
/// Hits that wait for a word. One player cannot land more in a second; when full, the oldest is given up.
const WAITING_MAX: usize = 32;

/// The own hits of a round.
#[derive(Debug, Clone, Default)]
pub(super) struct Hits {
    /// Seen here, not confirmed yet.
    waiting: VecDeque<(Tick, Hit)>,
    /// Seen here and there.
    agreed: u32,
    /// Seen in one place only.
    disagreed: u32,
}

/// Who was hit, and with what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hit {
    Pulse(PulseId, Slot),
    Shove(Slot),
}

impl Hit {
    /// A hit that this seat has landed.
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

impl Hits {
    /// An event is in a tick that was just stepped into the present, before the server had said it.
    pub(super) fn foretold(&mut self, seat: Slot, tick: Tick, event: &Event) {
        let Some(hit) = Hit::of(seat, event) else { return };
        // A correction took it back, and it comes a little later than it was seen.
        if self.place_of(tick, hit).is_some() {
            return;
        }
        if self.waiting.len() == WAITING_MAX {
            self.waiting.pop_front();
            self.disagreed += 1;
        }
        self.waiting.push_back((tick, hit));
    }

    /// The server says that it happened.
    pub(super) fn settled(&mut self, seat: Slot, tick: Tick, event: &Event) {
        let Some(hit) = Hit::of(seat, event) else { return };
        match self.place_of(tick, hit) {
            Some(place) => {
                self.waiting.remove(place);
                self.agreed += 1;
            }
            None => self.disagreed += 1,
        }
    }

    /// The server's word has come to this tick: what it should have confirmed by now was wrong.
    pub(super) fn settled_until(&mut self, tick: Tick) {
        let before = self.waiting.len();
        self.waiting.retain(|(then, _)| tick.since(*then) <= SAME_WITHIN_TICKS);
        self.disagreed += u32::try_from(before - self.waiting.len()).unwrap_or(0);
    }

    fn place_of(&self, tick: Tick, hit: Hit) -> Option<usize> {
        self.waiting
            .iter()
            .position(|(then, seen)| *seen == hit && tick.since(*then).abs() <= SAME_WITHIN_TICKS)
    }

    /// Hits that were seen here, there, or in both places.
    #[must_use]
    pub(super) fn count(&self) -> u32 {
        self.agreed + self.disagreed
    }

    /// How many of them were seen in both, in percent. Without any, all.
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

    use super::Hits;

    const ME: Slot = Slot(2);

    fn shove(by: Slot, target: u16) -> Event {
        Event::ShoveHit { by, target: Slot(target) }
    }

    fn shot(fired: u32, target: u16) -> Event {
        let id = PulseId { slot: ME, tick: Tick(fired) };
        Event::PulseHit { id, target: Slot(target), at: Vec2::ZERO }
    }

    #[test]
    fn a_lie_and_a_surprise_count_against_what_was_seen_on_both_sides() {
        let mut hits = Hits::default();

        hits.foretold(ME, Tick(100), &shove(ME, 5));
        hits.foretold(ME, Tick(101), &shove(ME, 6));
        hits.foretold(ME, Tick(102), &shove(Slot(7), 6));
        hits.settled(ME, Tick(101), &shove(ME, 5));
        hits.settled(ME, Tick(140), &shove(ME, 6));
        hits.settled_until(Tick(140));

        assert_eq!(hits.count(), 3, "one agreed, one was a lie, one a surprise");
        assert!((hits.agreement_percent() - 100.0 / 3.0).abs() < 1e-9);
    }

    #[test]
    fn a_shot_agrees_with_itself_alone() {
        let mut hits = Hits::default();

        hits.foretold(ME, Tick(100), &shot(90, 5));
        hits.settled(ME, Tick(102), &shot(90, 5));
        assert_eq!((hits.agreed, hits.disagreed), (1, 0));
        hits.foretold(ME, Tick(200), &shot(190, 5));
        hits.foretold(ME, Tick(300), &shot(290, 5));
        hits.settled(ME, Tick(201), &shot(192, 5));
        hits.settled(ME, Tick(301), &shot(290, 6));
        hits.settled_until(Tick(340));

        assert_eq!((hits.agreed, hits.disagreed), (1, 4), "another shot, and another target");
    }

    #[test]
    fn a_hit_that_comes_a_little_later_than_it_was_seen_is_one() {
        let mut hits = Hits::default();

        for event in [shove(ME, 5), shot(90, 6)] {
            hits.foretold(ME, Tick(100), &event);
            hits.foretold(ME, Tick(102), &event);
            hits.settled(ME, Tick(102), &event);
        }
        hits.settled_until(Tick(140));

        assert_eq!((hits.agreed, hits.disagreed), (2, 0));
    }
}
