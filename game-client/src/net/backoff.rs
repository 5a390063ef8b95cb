//! The delays between attempts to reach a server.

use std::time::Duration;

/// The delay after the first failure.
const FIRST: Duration = Duration::from_millis(300);
/// No delay is longer.
const LONGEST: Duration = Duration::from_secs(10);

/// Exponential backoff with the client's delays and its own random numbers.
#[derive(Debug, Clone)]
pub(crate) struct Backoff(presentation::backoff::Backoff);

impl Default for Backoff {
    fn default() -> Self {
        Self(presentation::backoff::Backoff::new(FIRST, LONGEST))
    }
}

impl Backoff {
    /// The delay before the next attempt.
    pub(crate) fn next(&mut self) -> Duration {
        self.0.next_delay(fastrand::f64())
    }

    /// Failed attempts since the last success.
    pub(crate) const fn failures(&self) -> u32 {
        self.0.failures()
    }

    /// An attempt succeeded: the next delay is the first one again.
    pub(crate) const fn reset(&mut self) {
        self.0.reset();
    }
}
