//! When a room's ticks are due.
//!
//! The [`TickScheduler`] spreads rooms over the tick: they begin at 16 phases of it, so that a thousand
//! rooms do not all want the processor at once, while a few of them share each wake-up. A room's phase
//! never moves: a tick that begins late does not delay the next one.

mod timerfd;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use shared::tick::TICK_DURATION;
use tokio::task::yield_now;
use tokio::time::sleep_until;

use timerfd::{Origin, TimerfdInterval};

/// Phases of a tick, as a power of two. With more, each room would be a wake-up of its own; with fewer,
/// the last of many rooms would begin late.
const PHASES_BITS: u32 = 4;

/// This many rooms in a row get the same phase, so that a few rooms share wake-ups, too. The last of them
/// waits for the others, about 0.1 ms each, which no player feels.
const ROOMS_PER_PHASE: u32 = 8;

/// The runtime's timers are set this much earlier: they are then at most 1 ms off, either way.
const EARLY: Duration = Duration::from_millis(1);

/// Gives each room its phase of the tick. Cheap to clone.
#[derive(Debug, Clone)]
pub struct TickScheduler {
    began: Instant,
    /// The same moment on the kernel's clock.
    origin: Origin,
    phases_given: Arc<AtomicU32>,
}

/// Tells one room when its ticks are due.
#[derive(Debug)]
pub(super) struct TickTimer {
    next_due: Instant,
    /// `None` when the kernel gave no timer: the runtime's timers take its place.
    interval: Option<TimerfdInterval>,
}

impl TickScheduler {
    /// A scheduler that has given no phase yet.
    #[must_use]
    pub fn new() -> Self {
        Self { began: Instant::now(), origin: Origin::now(), phases_given: Arc::default() }
    }

    /// The phase of the next room: the time from the beginning of a tick.
    pub(super) fn next_phase(&self) -> Duration {
        let number = self.phases_given.fetch_add(1, Ordering::Relaxed) / ROOMS_PER_PHASE;
        // Numbers with reversed bits are spread about evenly, however few are taken, and each phase gets its
        // turn (van der Corput's sequence; Knuth, The Art of Computer Programming, volume 2, section 3.3.2).
        let phase = number.reverse_bits() >> (u32::BITS - PHASES_BITS);
        TICK_DURATION * phase / (1 << PHASES_BITS)
    }

    /// A timer whose first tick is due at the next moment of this phase.
    pub(super) fn timer(&self, phase: Duration) -> TickTimer {
        let now = Instant::now();
        let passed = (now - self.began).as_nanos() % TICK_DURATION.as_nanos();
        let passed = Duration::from_nanos(u64::try_from(passed).unwrap_or(0));
        let ahead = if phase > passed { phase - passed } else { phase + TICK_DURATION - passed };
        let next_due = now + ahead;
        let interval = TimerfdInterval::new(self.origin, next_due - self.began, TICK_DURATION);
        TickTimer { next_due, interval: interval.inspect_err(warn).ok() }
    }
}

impl Default for TickScheduler {
    fn default() -> Self {
        Self::new()
    }
}

impl TickTimer {
    /// Waits for the next tick and returns when it was due. Missed ticks are skipped, because a burst of
    /// them would outrun every player; the time returned is then that of the first missed tick.
    pub(super) async fn tick(&mut self) -> Instant {
        self.wait_until_due().await;
        let due = self.next_due;
        let now = Instant::now();
        while self.next_due <= now + EARLY {
            self.next_due += TICK_DURATION;
        }
        due
    }

    /// May return [`EARLY`]. It does not wait for a moment that is past, but lets other tasks run first: a
    /// room that is always behind would leave them no time.
    async fn wait_until_due(&mut self) {
        if Instant::now() >= self.next_due {
            return yield_now().await;
        }
        while let Some(interval) = &self.interval
            && Instant::now() < self.next_due
        {
            if let Err(error) = interval.expired().await {
                warn(&error);
                self.interval = None;
            }
        }
        if self.interval.is_none() {
            sleep_until((self.next_due - EARLY).into()).await;
        }
    }
}

/// The operator can help: mostly the process may open too few files.
fn warn(error: &io::Error) {
    tracing::warn!(%error, "a room has no timerfd: its ticks may begin a millisecond late");
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use shared::tick::TICK_DURATION;

    use super::{EARLY, ROOMS_PER_PHASE, TickScheduler};

    #[test]
    fn rooms_share_the_tick_evenly() {
        for (rooms, phases) in [(4, 1), (20, 3), (80, 10), (125, 16), (128, 16), (500, 16)] {
            let scheduler = TickScheduler::new();
            let mut at = BTreeMap::<Duration, u32>::new();
            (0..rooms).for_each(|_| *at.entry(scheduler.next_phase()).or_default() += 1);

            assert_eq!(at.len(), phases, "{at:?}");
            assert!(at.keys().all(|phase| *phase < TICK_DURATION));
            let (least, most) = (at.values().min(), at.values().max());
            assert!(most <= least.map(|least| least + ROOMS_PER_PHASE).as_ref(), "{at:?}");
        }
    }

    #[tokio::test]
    async fn a_late_tick_does_not_delay_the_next_one() {
        let scheduler = TickScheduler::new();
        let mut timer = scheduler.timer(Duration::from_millis(3));
        // On a busy machine, a tick may return after the next one was due: that one is then skipped already.
        let first = loop {
            let due = timer.tick().await;
            if due.elapsed() + EARLY < TICK_DURATION {
                break due;
            }
        };

        // Busy for longer than three ticks.
        while first.elapsed() < TICK_DURATION * 7 / 2 {}
        let late = timer.tick().await;
        let next = timer.tick().await;

        assert_eq!(late - first, TICK_DURATION, "the first missed tick");
        let ticks = (next - first).as_nanos() / TICK_DURATION.as_nanos();
        assert!(ticks >= 4, "{ticks}");
        assert_eq!((next - first).as_nanos(), ticks * TICK_DURATION.as_nanos());
    }

    #[tokio::test]
    async fn a_room_that_is_behind_lets_other_tasks_run() {
        let scheduler = TickScheduler::new();
        let mut timer = scheduler.timer(Duration::ZERO);
        let last = timer.tick().await;
        let other = tokio::spawn(async {});

        while last.elapsed() < TICK_DURATION * 3 / 2 {}
        timer.tick().await;

        assert!(other.is_finished());
    }
}
