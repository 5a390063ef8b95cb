//! The report of a client: measurements of its connection and prediction, for the operator.

use serde::{Deserialize, Serialize};

use super::limits::INPUT_LEAD_TICKS_MAX;
use crate::tick::{SNAPSHOT_EVERY_TICKS, TICK_RATE_HZ, seconds};

/// Ticks between two reports of a client. The server ignores a report that arrives much earlier.
pub const REPORT_EVERY_TICKS: u32 = seconds(5);
/// The most corrections a minute: one for each snapshot.
pub const CORRECTIONS_PER_MINUTE_MAX: u16 = 1_800;
/// A gap between two snapshots longer than this, in milliseconds, is a stall: a player notices it.
pub const STALL_MS: u16 = 100;
/// The most stalls a minute.
pub const STALLS_PER_MINUTE_MAX: u16 = 60_000 / STALL_MS;
/// The most that a client predicts ahead, in milliseconds.
pub const LEAD_MS_MAX: u16 = 2_000;

const _: () =
    assert!(CORRECTIONS_PER_MINUTE_MAX as u32 == TICK_RATE_HZ / SNAPSHOT_EVERY_TICKS * 60);
// A lead consists of the one-way delay and the lead at the server.
const _: () = assert!(LEAD_MS_MAX as u32 > INPUT_LEAD_TICKS_MAX * 1_000 / TICK_RATE_HZ);

/// The last minute as the client of a player measured it. The server shows these numbers and bases no decision on them.
///
/// A spectator may not report: it predicts nothing and sends no inputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PlayReport {
    /// Median age of the newest snapshot, above the smallest one-way delay seen, in milliseconds.
    pub snapshot_age_p50_ms: u16,
    /// 99th percentile of the same age.
    pub snapshot_age_p99_ms: u16,
    /// Visible corrections of the own disc a minute.
    pub corrections_per_minute: u16,
    /// 99th percentile of the correction by a snapshot, in thousandths of the radius of a disc.
    pub correction_p99_milliradii: u16,
    /// The shortest of the last round trips, in milliseconds.
    pub round_trip_ms: u16,
    /// 95th percentile of the delay of snapshots above the shortest one, in milliseconds.
    pub jitter_ms: u16,
    /// How far the client predicts ahead of the newest snapshot, in milliseconds.
    pub lead_ms: u16,
    /// Gaps longer than [`STALL_MS`] between two snapshots a minute.
    pub stalls_per_minute: u16,
}

impl PlayReport {
    /// Whether the numbers are in range and consistent with each other.
    #[must_use]
    pub const fn is_valid(&self) -> bool {
        self.snapshot_age_p50_ms <= self.snapshot_age_p99_ms
            && self.corrections_per_minute <= CORRECTIONS_PER_MINUTE_MAX
            && self.lead_ms <= LEAD_MS_MAX
            && self.stalls_per_minute <= STALLS_PER_MINUTE_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::{CORRECTIONS_PER_MINUTE_MAX, LEAD_MS_MAX, PlayReport, STALLS_PER_MINUTE_MAX};

    #[test]
    fn numbers_that_are_impossible_are_not_valid() {
        let worst = PlayReport {
            snapshot_age_p50_ms: u16::MAX,
            snapshot_age_p99_ms: u16::MAX,
            corrections_per_minute: CORRECTIONS_PER_MINUTE_MAX,
            correction_p99_milliradii: u16::MAX,
            round_trip_ms: u16::MAX,
            jitter_ms: u16::MAX,
            lead_ms: LEAD_MS_MAX,
            stalls_per_minute: STALLS_PER_MINUTE_MAX,
        };
        assert!(PlayReport::default().is_valid() && worst.is_valid());

        let nonsense = [
            PlayReport { snapshot_age_p50_ms: 2, snapshot_age_p99_ms: 1, ..worst },
            PlayReport { corrections_per_minute: CORRECTIONS_PER_MINUTE_MAX + 1, ..worst },
            PlayReport { lead_ms: LEAD_MS_MAX + 1, ..worst },
            PlayReport { stalls_per_minute: STALLS_PER_MINUTE_MAX + 1, ..worst },
        ];

        assert!(!nonsense.iter().any(PlayReport::is_valid));
    }
}
