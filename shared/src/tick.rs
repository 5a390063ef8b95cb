//! The only time the core knows: whole ticks.

use core::fmt;
use core::time::Duration;

use serde::{Deserialize, Serialize};

/// Simulation rate. Rules count in whole ticks.
pub const TICK_RATE_HZ: u32 = 60;
/// Length of one tick.
pub const TICK_DURATION: Duration = Duration::from_nanos(1_000_000_000 / TICK_RATE_HZ as u64);
/// Ticks between two snapshots.
pub const SNAPSHOT_EVERY_TICKS: u32 = 2;
/// Ticks between two keyframes of a recorded stream: two seconds.
pub const KEYFRAME_EVERY_TICKS: u32 = 2 * TICK_RATE_HZ;

const _: () = assert!(KEYFRAME_EVERY_TICKS.is_multiple_of(SNAPSHOT_EVERY_TICKS));

/// Whole seconds as ticks.
#[must_use]
pub const fn seconds(count: u32) -> u32 {
    count * TICK_RATE_HZ
}

/// A moment in a world: the number of steps since it began, modulo 2³².
///
/// Arithmetic wraps, and comparisons use the distance (serial numbers, RFC 1982), so a world may run for longer than the
/// 2.3 years that 2³² ticks take. There is deliberately no `Ord`: use [`Tick::since`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Tick(pub u32);

impl Tick {
    /// The tick `ticks` later.
    #[must_use]
    pub const fn plus(self, ticks: u32) -> Self {
        Self(self.0.wrapping_add(ticks))
    }

    /// The tick `ticks` earlier.
    #[must_use]
    pub const fn minus(self, ticks: u32) -> Self {
        Self(self.0.wrapping_sub(ticks))
    }

    /// The next tick.
    #[must_use]
    pub const fn next(self) -> Self {
        self.plus(1)
    }

    /// Signed distance in ticks: positive when `self` is later than `earlier`.
    #[must_use]
    pub const fn since(self, earlier: Self) -> i32 {
        self.0.wrapping_sub(earlier.0).cast_signed()
    }

    /// Whether `self` lies after `other`.
    #[must_use]
    pub const fn is_after(self, other: Self) -> bool {
        self.since(other) > 0
    }

    /// Whether something that happens once in `every` ticks happens in this one.
    #[must_use]
    pub const fn is_multiple_of(self, every: u32) -> bool {
        self.0.is_multiple_of(every)
    }
}

impl fmt::Display for Tick {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::Tick;

    #[test]
    fn order_survives_the_wrap() {
        let before = Tick(u32::MAX);

        let after = before.plus(3);

        assert_eq!(after, Tick(2));
        assert_eq!(after.since(before), 3);
        assert!(after.is_after(before) && !before.is_after(after));
    }
}
