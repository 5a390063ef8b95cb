//! How long to wait before the next try: longer each time, and not everyone at once.

use std::time::Duration;

/// The first delay.
const FIRST: Duration = Duration::from_millis(300);
/// No delay is longer.
const LONGEST: Duration = Duration::from_secs(10);

/// Counts tries in a row.
#[derive(Debug, Clone, Default)]
pub(crate) struct Backoff {
    tries: u32,
}

impl Backoff {
    /// The delay before the next try: doubled each time, then between half and all of it.
    pub(crate) fn next(&mut self) -> Duration {
        self.delay(jitter())
    }

    /// How many tries failed in a row.
    pub(crate) const fn tries(&self) -> u32 {
        self.tries
    }

    /// It worked: begin again.
    pub(crate) const fn reset(&mut self) {
        self.tries = 0;
    }

    fn delay(&mut self, jitter: f64) -> Duration {
        let longest = FIRST.saturating_mul(1 << self.tries.min(10)).min(LONGEST);
        self.tries = self.tries.saturating_add(1);
        longest.mul_f64(0.5 + jitter / 2.0)
    }
}

/// Anything from 0 to 1 that differs between clients, and each time.
pub(super) fn jitter() -> f64 {
    use std::hash::{BuildHasher as _, RandomState};
    let bits = RandomState::new().hash_one(std::process::id());
    f64::from(u32::try_from(bits >> 32).unwrap_or(0)) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Backoff, FIRST, LONGEST};

    #[test]
    fn delays_grow_to_a_limit() {
        let mut backoff = Backoff::default();

        let delays: Vec<Duration> = (0..20).map(|_| backoff.delay(1.0)).collect();

        assert_eq!(delays[0], FIRST);
        assert!(delays.is_sorted());
        assert_eq!(delays[19], LONGEST);
        backoff.reset();
        assert_eq!(backoff.delay(0.0), FIRST / 2);
    }
}
