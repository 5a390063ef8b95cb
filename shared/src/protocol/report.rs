//! What only a client knows about how well it plays: told now and then, for the operator.

use serde::{Deserialize, Serialize};

use super::limits::INPUT_LEAD_TICKS_MAX;
use crate::tick::{SNAPSHOT_EVERY_TICKS, TICK_RATE_HZ, seconds};

/// A client reports this often, or not at all. What comes much sooner is not looked at.
pub const REPORT_EVERY_TICKS: u32 = seconds(5);
/// There is one correction for a snapshot at most.
pub const CORRECTIONS_PER_MINUTE_MAX: u16 = 1_800;
/// A longer gap between two snapshots is a stall, in milliseconds: one that a player feels.
pub const STALL_MS: u16 = 100;
/// No more stalls fit into a minute.
pub const STALLS_PER_MINUTE_MAX: u16 = 60_000 / STALL_MS;
/// Nobody plays farther ahead, in milliseconds: so much is foretold at most.
pub const LEAD_MS_MAX: u16 = 2_000;

const _: () =
    assert!(CORRECTIONS_PER_MINUTE_MAX as u32 == TICK_RATE_HZ / SNAPSHOT_EVERY_TICKS * 60);
// What the link takes comes on top of what the server allows.
const _: () = assert!(LEAD_MS_MAX as u32 > INPUT_LEAD_TICKS_MAX * 1_000 / TICK_RATE_HZ);

/// How the last minute looked from a seat. It is the client's own word: shown, and trusted with nothing.
///
/// A spectator has no such numbers, and may not report: they foretell nothing, and nothing waits for their inputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PlayReport {
    /// Half of the time what the newest snapshot told was no older, beyond the quickest way.
    pub snapshot_age_p50_ms: u16,
    /// All but 1 % of the time it was no older.
    pub snapshot_age_p99_ms: u16,
    /// Snapshots that moved the own disc so far that one sees it, a minute.
    pub corrections_per_minute: u16,
    /// All but 1 % of the snapshots moved it by no more, in thousandths of its radius.
    pub correction_p99_milliradii: u16,
    /// The quickest of the last pings, there and back.
    pub round_trip_ms: u16,
    /// How late snapshots come, those 5 % left out that come latest.
    pub jitter_ms: u16,
    /// How far ahead of the newest snapshot the client plays now, so that its inputs are in time.
    pub lead_ms: u16,
    /// Gaps between two snapshots that were longer than [`STALL_MS`], a minute.
    pub stalls_per_minute: u16,
}

impl PlayReport {
    /// Whether the numbers can be true together.
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
    fn what_cannot_be_is_not_valid() {
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
