//! Tells a stalled connection from a stalled server after a silence.
//!
//! A stalled connection delivers what it held back: in order and late, but each snapshot less late than the one before,
//! until they agree with what was known before the silence. After a stall of the server all snapshots are late by the same
//! time, because the server has lost that time for good.
//!
//! Times are arguments, in ticks. An *offset* is the server's tick minus the client's time at which it arrived.

use shared::tick::TICK_RATE_HZ;

/// A smaller difference counts as none.
const EVEN_TICKS: f64 = 1.0;
/// Snapshots that are late by the same time for this long were not held back: a quarter of a second.
const PROOF_TICKS: f64 = 15.0;
/// The detector decides after this time at the latest: two seconds.
const UNDECIDED_TICKS_MAX: f64 = TICK_RATE_HZ as f64 * 2.0;

/// A silence whose cause is not known yet.
#[derive(Debug, Clone, Copy)]
pub(super) struct StallDetector {
    /// The largest offset before the silence. It is used until the cause is known.
    baseline: f64,
    /// The largest offset since then, and when it arrived.
    largest: (f64, f64),
    /// When the silence ended.
    since: f64,
}

impl StallDetector {
    /// The first snapshot after a silence arrived at `at`.
    #[must_use]
    pub(super) fn new(baseline: f64, at: f64) -> Self {
        Self { baseline, largest: (f64::NEG_INFINITY, at), since: at }
    }

    /// Another silence ended before the cause of the first was known.
    #[must_use]
    pub(super) fn after_another_silence(self, at: f64) -> Self {
        Self { since: self.since, ..Self::new(self.baseline, at) }
    }

    /// The largest offset before the silence.
    #[must_use]
    pub(super) fn baseline(&self) -> f64 {
        self.baseline
    }

    /// Takes the offset of another snapshot. `None` when the detector has decided: the offsets since the silence count
    /// from now on.
    #[must_use]
    pub(super) fn after(mut self, offset: f64, at: f64) -> Option<Self> {
        if offset > self.largest.0 + EVEN_TICKS {
            self.largest = (offset, at);
        }
        let agrees = offset >= self.baseline - EVEN_TICKS;
        let is_even = at - self.largest.1 > PROOF_TICKS;
        (!agrees && !is_even && at - self.since <= UNDECIDED_TICKS_MAX).then_some(self)
    }
}

#[cfg(test)]
mod tests {
    use super::{PROOF_TICKS, StallDetector, UNDECIDED_TICKS_MAX};

    /// After how many ticks the detector decides, when a snapshot arrives with each.
    fn decides_after(offset: impl Fn(f64) -> f64) -> f64 {
        let mut detector = Some(StallDetector::new(0.0, 0.0));
        let mut at = 0.0;
        while let Some(undecided) = detector {
            at += 1.0;
            detector = undecided.after(offset(at), at);
        }
        at
    }

    #[test]
    fn it_decides_when_offsets_agree_with_the_baseline() {
        assert!((decides_after(|_| -0.5) - 1.0).abs() < 1e-9);
        assert!((decides_after(|at| 2.0 * at - 30.0) - 15.0).abs() < 1e-9);
        // However slowly: the offsets approach the baseline.
        assert!((decides_after(|at| 0.5 * at - 30.0) - 58.0).abs() < 1e-9);
    }

    #[test]
    fn it_decides_when_all_are_late_by_the_same_time() {
        assert!((decides_after(|_| -30.0) - PROOF_TICKS - 2.0).abs() < 1e-9);
        assert!((decides_after(|at| -30.0 - at % 3.0) - PROOF_TICKS - 1.0).abs() <= 3.0);
    }

    #[test]
    fn it_decides_at_last() {
        assert!(
            (decides_after(|at| at.mul_add(0.5, -900.0)) - UNDECIDED_TICKS_MAX - 1.0).abs() < 1e-9
        );
    }
}
