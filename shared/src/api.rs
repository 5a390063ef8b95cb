//! JSON bodies of the HTTP API. One struct a body, named by what it says.

mod problem;
mod replays;
mod rooms;
mod scoreboard;

pub use problem::{Problem, ProblemKind};
pub use replays::{Marker, MarkerKind, ReplayList, ReplayPlayer, ReplaySummary};
pub use rooms::{
    CreateRoom, MatchRequest, MatchState, MatchTicket, Role, RoomClosed, RoomDetails, RoomList,
    RoomPhase, RoomSeat, RoomSummary, SeatTicket, TicketRequest,
};
pub use scoreboard::{PlayerProfile, RatingPoint, ScoreRow, Scoreboard};

use serde::{Deserialize, Serialize};

use crate::id::{PlayerId, PlayerName};

/// Longest wait of a long-poll, in seconds. Past it the answer is 204.
pub const WAIT_SECONDS_MAX: u32 = 55;
/// Shortest wait of a long-poll, in seconds.
pub const WAIT_SECONDS_MIN: u32 = 1;

/// `POST /api/session`: who one would like to be. With a valid token (cookie or
/// `Authorization: Bearer`) it renames the guest and keeps the identity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionRequest {
    /// Checked by [`PlayerName::parse`].
    pub name: String,
}

/// The answer to `POST /api/session` and `GET /api/session`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Whose session it is.
    pub player: PlayerId,
    /// The name that others see.
    pub name: PlayerName,
    /// Proof of identity: keep it, send it as `Authorization: Bearer`. Also set as a cookie.
    /// Empty in the answer to `GET`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub token: String,
}
