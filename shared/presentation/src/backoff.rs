//! How long to wait before the next attempt to reach a server.

use core::time::Duration;

/// Delays double up to this many times; the longest delay ends the growth long before.
const DOUBLINGS_MAX: u32 = 10;

/// Exponential backoff with jitter: the delays grow, and clients that lost a server together return one by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    first: Duration,
    longest: Duration,
    failures: u32,
}

impl Backoff {
    /// A backoff whose delays double from `first` to `longest`.
    #[must_use]
    pub const fn new(first: Duration, longest: Duration) -> Self {
        Self { first, longest, failures: 0 }
    }

    /// The delay before the next attempt: between half of the current step and all of it.
    ///
    /// `random` is a uniform random number from 0 to 1.
    #[must_use]
    pub fn next_delay(&mut self, random: f64) -> Duration {
        let step = self.first.saturating_mul(1 << self.failures.min(DOUBLINGS_MAX));
        self.failures = self.failures.saturating_add(1);
        step.min(self.longest).mul_f64(0.5 + random.clamp(0.0, 1.0) / 2.0)
    }

    /// Failed attempts since the last success.
    #[must_use]
    pub const fn failures(&self) -> u32 {
        self.failures
    }

    /// Notes a success: the next delay is the first one again.
    pub const fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::Backoff;

    const FIRST: Duration = Duration::from_millis(300);
    const LONGEST: Duration = Duration::from_secs(10);

    #[test]
    fn delays_double_to_a_limit_and_start_again() {
        let mut backoff = Backoff::new(FIRST, LONGEST);

        let delays: Vec<Duration> = (0..40).map(|_| backoff.next_delay(1.0)).collect();
        assert_eq!(delays[..3], [FIRST, FIRST * 2, FIRST * 4]);
        assert!(delays.is_sorted());
        assert_eq!((delays[39], backoff.failures()), (LONGEST, 40));

        backoff.reset();
        assert_eq!(backoff.next_delay(0.0), FIRST / 2);
    }
}
