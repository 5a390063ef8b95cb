//! After a silence: the line was stuck and gives what it held back, or the server stood still.
//!
//! What was held back comes in order and is stale, but each less than the one before, until what was known before the
//! silence is true again. What a server sends that stood still is evenly late: it has lost that time for good.
//!
//! Pure: time comes in as an argument, in ticks.

use shared::tick::TICK_RATE_HZ;

/// So much is no difference.
const EVEN_TICKS: f64 = 1.0;
/// Who comes evenly for so long was not held back: a quarter of a second.
const PROOF_TICKS: f64 = 15.0;
/// Whatever comes, doubt lasts no longer: two seconds.
const LASTS_TICKS_MAX: f64 = TICK_RATE_HZ as f64 * 2.0;

/// Whether what was known of the server's time still is true. Offsets are the server's tick minus the time here.
#[derive(Debug, Clone, Copy)]
pub(super) struct Doubt {
    /// The best offset before the silence. It holds meanwhile.
    known: f64,
    /// The best since then, and when it came.
    reached: (f64, f64),
    /// When the silence ended.
    since: f64,
}

impl Doubt {
    /// The first snapshot after a silence has come.
    #[must_use]
    pub(super) fn new(known: f64, at: f64) -> Self {
        Self { known, reached: (f64::NEG_INFINITY, at), since: at }
    }

    /// Another silence has ended before anything was clear.
    #[must_use]
    pub(super) fn silenced_again(self, at: f64) -> Self {
        Self { since: self.since, ..Self::new(self.known, at) }
    }

    /// The best offset before the silence.
    #[must_use]
    pub(super) fn known(&self) -> f64 {
        self.known
    }

    /// What is left of it when another snapshot has come.
    #[must_use]
    pub(super) fn after(mut self, offset: f64, at: f64) -> Option<Self> {
        if offset > self.reached.0 + EVEN_TICKS {
            self.reached = (offset, at);
        }
        let agrees = offset >= self.known - EVEN_TICKS;
        let is_even = at - self.reached.1 > PROOF_TICKS;
        (!agrees && !is_even && at - self.since <= LASTS_TICKS_MAX).then_some(self)
    }
}

#[cfg(test)]
mod tests {
    use super::{Doubt, LASTS_TICKS_MAX, PROOF_TICKS};

    /// After how many ticks doubt is over, when a snapshot comes with each.
    fn lasts(offset: impl Fn(f64) -> f64) -> f64 {
        let mut doubt = Some(Doubt::new(0.0, 0.0));
        let mut at = 0.0;
        while let Some(doubts) = doubt {
            at += 1.0;
            doubt = doubts.after(offset(at), at);
        }
        at
    }

    #[test]
    fn it_ends_when_what_was_known_is_true_again() {
        assert!((lasts(|_| -0.5) - 1.0).abs() < 1e-9);
        assert!((lasts(|at| 2.0 * at - 30.0) - 15.0).abs() < 1e-9);
        // As slowly as it may: it is always on its way.
        assert!((lasts(|at| 0.5 * at - 30.0) - 58.0).abs() < 1e-9);
    }

    #[test]
    fn it_ends_when_all_are_late_alike() {
        assert!((lasts(|_| -30.0) - PROOF_TICKS - 2.0).abs() < 1e-9);
        assert!((lasts(|at| -30.0 - at % 3.0) - PROOF_TICKS - 1.0).abs() <= 3.0);
    }

    #[test]
    fn it_ends_at_last() {
        assert!((lasts(|at| at.mul_add(0.5, -900.0)) - LASTS_TICKS_MAX - 1.0).abs() < 1e-9);
    }
}
