//! What a room is, and the settings that it reads.

use std::time::Duration;

use shared::id::RoomId;
use shared::sim::Mode;

use crate::bots::BotPolicy;

/// How long a room that a person opened waits for friends.
pub const MADE_ROOM_EMPTY_MAX: Duration = Duration::from_secs(10 * 60);
/// How long a room of matched players stays open without people.
pub const MATCHED_ROOM_EMPTY_MAX: Duration = Duration::from_secs(60);
/// The most spectators of one room.
pub const SPECTATORS_MAX: usize = 64;

/// What distinguishes a room from others, from its first moment on.
#[derive(Debug, Clone, Copy)]
pub struct RoomSpec {
    /// Its name, and the code of an invitation.
    pub id: RoomId,
    /// The rules.
    pub mode: Mode,
    /// Not listed.
    pub private: bool,
    /// Which bots take the free seats.
    pub bots: BotPolicy,
    /// Runs even without people, and never closes.
    pub permanent: bool,
    /// How long it stays open without people.
    pub empty_max: Duration,
}

impl RoomSpec {
    /// Whether its rounds change ratings and totals. In a private room players choose their opponents, and nobody can
    /// choose to meet them: its rounds are unrated.
    #[must_use]
    pub const fn is_rated(&self) -> bool {
        self.mode.is_rated() && !self.private
    }
}

/// The settings of the server that its rooms read.
#[derive(Debug, Clone, Copy)]
pub struct RoomSettings {
    /// The length of a round in ticks.
    pub round_ticks: u32,
    /// How long a result is shown before the next round.
    pub summary_time: Duration,
    /// Time between two pings on a connection.
    pub ping_period: Duration,
    /// The most bytes of a snapshot for one player of a crowd. What has no room comes later.
    pub crowd_snapshot_bytes_max: usize,
}
