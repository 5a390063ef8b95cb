//! What a room is, and the settings that it reads.

use std::time::Duration;

use shared::id::{PlayerId, RoomId};
use shared::invitation::{InvitationSecret, RoomAddress};
use shared::sim::Mode;

use crate::bots::BotPolicy;
use crate::client_address::ClientAddress;

/// How long a room that a person opened waits for friends.
pub const MADE_ROOM_EMPTY_MAX: Duration = Duration::from_secs(10 * 60);
/// How long a room of matched players stays open without people.
pub const MATCHED_ROOM_EMPTY_MAX: Duration = Duration::from_secs(60);
/// The most players who watch one room. Each counts once, however many connections there are.
pub(super) const SPECTATORS_MAX: usize = 64;
/// The most of them from one address: some places are kept for others.
pub(super) const SPECTATORS_PER_ADDRESS_MAX: usize = 48;
/// The most connections with which one player watches a room. One more takes the place of the oldest.
pub(super) const CONNECTIONS_PER_SPECTATOR_MAX: usize = 4;

const _: () = assert!(SPECTATORS_PER_ADDRESS_MAX < SPECTATORS_MAX);

/// The player for whom a room was opened, and where the request came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opener {
    /// The player.
    pub player: PlayerId,
    /// The address.
    pub address: ClientAddress,
}

/// What distinguishes a room from others, from its first moment on.
#[derive(Debug, Clone, Copy)]
pub struct RoomSpec {
    /// Its name, and the code that finds it.
    pub id: RoomId,
    /// The rules.
    pub mode: Mode,
    /// Not listed, and open to those with the invitation.
    pub private: bool,
    /// The secret of the invitation to a private room.
    pub secret: InvitationSecret,
    /// `None`: the server itself opened the room.
    pub opener: Option<Opener>,
    /// Which bots take the free seats.
    pub bots: BotPolicy,
    /// Runs even without people, and never closes.
    pub permanent: bool,
    /// How long it stays open without people.
    pub empty_max: Duration,
}

impl RoomSpec {
    /// The address that others are invited to.
    #[must_use]
    pub fn address(&self) -> RoomAddress {
        RoomAddress { room: self.id, secret: self.private.then_some(self.secret) }
    }

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
    /// A room in which nobody has acted for this long closes.
    pub idle_max: Duration,
    /// Time between two pings on a connection.
    pub ping_period: Duration,
    /// The most bytes of a snapshot for one player of a crowd. What has no room comes later.
    pub crowd_snapshot_bytes_max: usize,
}
