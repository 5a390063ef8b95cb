//! What only a client knows about how well it plays: told now and then, for the operator.

use serde::{Deserialize, Serialize};

use crate::tick::{SNAPSHOT_EVERY_TICKS, TICK_RATE_HZ, seconds};

/// A client reports this often, or not at all. What comes much sooner is not looked at.
pub const REPORT_EVERY_TICKS: u32 = seconds(5);
/// There is one correction for a snapshot at most.
pub const CORRECTIONS_PER_MINUTE_MAX: u16 = 1_800;

const _: () =
    assert!(CORRECTIONS_PER_MINUTE_MAX as u32 == TICK_RATE_HZ / SNAPSHOT_EVERY_TICKS * 60);

/// How the last minute looked from a seat. It is the client's own word: shown, and trusted with nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PlayReport {
    /// Half of the time the newest snapshot was no older.
    pub snapshot_age_p50_ms: u16,
    /// All but 1 % of the time the newest snapshot was no older.
    pub snapshot_age_p99_ms: u16,
    /// Snapshots that moved the own disc so far that one sees it, a minute.
    pub corrections_per_minute: u16,
    /// All but 1 % of the snapshots moved it by no more, in thousandths of its radius.
    pub correction_p99_milliradii: u16,
    /// The quickest of the last pings, there and back.
    pub round_trip_ms: u16,
    /// How late snapshots come, those 5 % left out that come latest.
    pub jitter_ms: u16,
}

impl PlayReport {
    /// Whether the numbers can be true together.
    #[must_use]
    pub const fn is_valid(&self) -> bool {
        self.snapshot_age_p50_ms <= self.snapshot_age_p99_ms
            && self.corrections_per_minute <= CORRECTIONS_PER_MINUTE_MAX
    }
}
