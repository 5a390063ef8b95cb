//! The wall clock, in the unit of messages.

use std::ops::Add;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The time in milliseconds since 1970, UTC.
#[must_use]
pub fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// A moment on both clocks: code that is given one reads neither.
#[derive(Debug, Clone, Copy)]
pub struct Now {
    /// Measures spans of time.
    pub at: Instant,
    /// Dates what others see, in milliseconds since 1970, UTC. It jumps when the wall clock is set.
    pub unix_ms: u64,
}

impl Now {
    /// Reads both clocks.
    #[must_use]
    pub fn read() -> Self {
        Self { at: Instant::now(), unix_ms: now_ms() }
    }
}

impl Add<Duration> for Now {
    type Output = Self;

    fn add(self, span: Duration) -> Self {
        let ms = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
        Self { at: self.at + span, unix_ms: self.unix_ms.saturating_add(ms) }
    }
}
