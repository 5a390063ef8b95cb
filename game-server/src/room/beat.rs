//! When a room's ticks are due.
//!
//! Rooms share the time evenly: they begin at a few moments of the tick, so that a thousand of them do not all want the
//! processor at once, and some of them share a wake-up. The moments never move: a tick that comes late does not make the
//! next one late.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use shared::tick::TICK_DURATION;

use super::alarm::{Alarm, EARLY, Origin};

/// Moments in a tick, as a power of two. More would be a wake-up for each room, fewer would make the last of many
/// rooms late.
const MOMENTS_BITS: u32 = 4;

/// So many rooms in a row get the same moment, so that few of them share wake-ups, too. The last of them waits for the
/// others: a tenth of a millisecond each, which no player feels.
const NEIGHBOURS: u32 = 8;

/// Gives each room its moment of the tick. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Metronome {
    began: Instant,
    /// The same moment, as the system counts.
    origin: Origin,
    given: Arc<AtomicU32>,
}

/// The beat of one room.
#[derive(Debug)]
pub(super) struct Beat {
    next_due: Instant,
    alarm: Alarm,
}

impl Metronome {
    /// One that has given nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self { began: Instant::now(), origin: Origin::now(), given: Arc::default() }
    }

    /// Another moment, as the time from the beginning of a tick.
    pub(super) fn phase(&self) -> Duration {
        let place = self.given.fetch_add(1, Ordering::Relaxed) / NEIGHBOURS;
        // Their numbers with the bits reversed lie about evenly, however few are taken, and each is taken in turn (van der
        // Corput's sequence; Knuth, The Art of Computer Programming, volume 2, section 3.3.2).
        let moment = place.reverse_bits() >> (u32::BITS - MOMENTS_BITS);
        TICK_DURATION * moment / (1 << MOMENTS_BITS)
    }

    /// Begins to beat at the next of these moments.
    pub(super) fn beat(&self, phase: Duration) -> Beat {
        let now = Instant::now();
        let gone = (now - self.began).as_nanos() % TICK_DURATION.as_nanos();
        let gone = Duration::from_nanos(u64::try_from(gone).unwrap_or(0));
        let ahead = if phase > gone { phase - gone } else { phase + TICK_DURATION - gone };
        let next_due = now + ahead;
        Beat { next_due, alarm: Alarm::new(self.origin, next_due - self.began, TICK_DURATION) }
    }
}

impl Default for Metronome {
    fn default() -> Self {
        Self::new()
    }
}

impl Beat {
    /// Waits for the next tick and says when it was due. Ticks that were missed altogether are left out, for a burst of
    /// them would outrun every player; the first of them is then the one that was due.
    pub(super) async fn tick(&mut self) -> Instant {
        self.alarm.wait_until(self.next_due).await;
        let due = self.next_due;
        let now = Instant::now();
        while self.next_due <= now + EARLY {
            self.next_due += TICK_DURATION;
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use shared::tick::TICK_DURATION;

    use super::{Metronome, NEIGHBOURS};

    #[test]
    fn rooms_share_the_tick_evenly() {
        for (rooms, moments) in [(4, 1), (20, 3), (80, 10), (125, 16), (128, 16), (500, 16)] {
            let metronome = Metronome::new();
            let mut at = BTreeMap::<Duration, u32>::new();
            (0..rooms).for_each(|_| *at.entry(metronome.phase()).or_default() += 1);

            assert_eq!(at.len(), moments, "{at:?}");
            assert!(at.keys().all(|moment| *moment < TICK_DURATION));
            let (least, most) = (at.values().min(), at.values().max());
            assert!(most <= least.map(|least| least + NEIGHBOURS).as_ref(), "{at:?}");
        }
    }

    #[tokio::test]
    async fn a_tick_is_due_at_its_moment_however_late_the_one_before_was() {
        let metronome = Metronome::new();
        let mut beat = metronome.beat(Duration::from_millis(3));
        let first = beat.tick().await;

        // Busy for longer than three ticks.
        while first.elapsed() < TICK_DURATION * 7 / 2 {}
        let late = beat.tick().await;
        let next = beat.tick().await;

        assert_eq!(late - first, TICK_DURATION, "the first that was missed");
        let ticks = (next - first).as_nanos() / TICK_DURATION.as_nanos();
        assert!(ticks >= 4, "{ticks}");
        assert_eq!((next - first).as_nanos(), ticks * TICK_DURATION.as_nanos());
    }

    #[tokio::test]
    async fn who_is_behind_lets_others_have_their_turn() {
        let metronome = Metronome::new();
        let mut beat = metronome.beat(Duration::ZERO);
        let last = beat.tick().await;
        let other = tokio::spawn(async {});

        while last.elapsed() < TICK_DURATION * 3 / 2 {}
        beat.tick().await;

        assert!(other.is_finished());
    }
}
