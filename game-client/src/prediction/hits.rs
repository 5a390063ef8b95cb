//! Whether the hits that were seen here are those that the server counted.
//!
//! Own pulses and shoves hit at once on the own screen. A hit that the server then does not confirm was a lie; one
//! that it reports and nobody saw coming was a surprise. Both count against the prediction.

use std::collections::VecDeque;

use shared::sim::{Event, Slot};
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
    Pulse(Slot),
    Shove(Slot),
}

impl Hit {
    /// A hit that this seat has landed.
    fn of(seat: Slot, event: &Event) -> Option<Self> {
        match event {
            Event::PulseHit { id, target, .. } if id.slot == seat => Some(Self::Pulse(*target)),
            Event::ShoveHit { by, target } if *by == seat => Some(Self::Shove(*target)),
            _ => None,
        }
    }
}

impl Hits {
    /// An event was shown before the server had said it.
    pub(super) fn foretold(&mut self, seat: Slot, tick: Tick, event: &Event) {
        let Some(hit) = Hit::of(seat, event) else { return };
        if self.waiting.len() == WAITING_MAX {
            self.waiting.pop_front();
            self.disagreed += 1;
        }
        self.waiting.push_back((tick, hit));
    }

    /// The server says that it happened.
    pub(super) fn settled(&mut self, seat: Slot, tick: Tick, event: &Event) {
        let Some(hit) = Hit::of(seat, event) else { return };
        let same = |(then, seen): &(Tick, Hit)| {
            *seen == hit && tick.since(*then).abs() <= SAME_WITHIN_TICKS
        };
        match self.waiting.iter().position(same) {
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
    use shared::sim::{Event, Slot};
    use shared::tick::Tick;

    use super::Hits;

    const ME: Slot = Slot(2);

    fn shove(by: Slot, target: u16) -> Event {
        Event::ShoveHit { by, target: Slot(target) }
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
}
