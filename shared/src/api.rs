//! JSON bodies of the HTTP API. One struct a body, named by what it says.

mod problem;
mod replays;
mod rooms;
mod scoreboard;

pub use problem::{Problem, ProblemKind};
pub use replays::{Marker, MarkerKind, ReplayList, ReplayPlayer, ReplaySummary};
pub use rooms::{
    CreateRoom, MatchRequest, MatchState, MatchTicket, Role, RoomClosed, RoomDetails, RoomList,
    RoomPhase, RoomSeat, RoomSummary, TicketRequest, WebSocketTicket,
};
pub use scoreboard::{PlayerProfile, RatingPoint, ScoreRow, Scoreboard};

use serde::{Deserialize, Serialize};

use crate::id::{PlayerId, PlayerName};

/// Longest wait of a long-poll, in seconds. Past it the answer is 204.
pub const WAIT_SECONDS_MAX: u32 = 55;
/// Shortest wait of a long-poll, in seconds.
pub const WAIT_SECONDS_MIN: u32 = 1;

/// `POST /api/session`: who one would like to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(untagged, expecting = "an object with `name`, or one with `handover`")]
pub enum SessionRequest {
    /// A guest of that name. With a valid token (cookie or `Authorization: Bearer`): the same guest under
    /// another name.
    Name {
        /// Checked by [`PlayerName::parse`]; spaces around it are dropped.
        #[cfg_attr(feature = "openapi", schema(schema_with = crate::openapi::player_name))]
        name: String,
    },
    /// Signs in as the player of another program, which got a code for this (see [`DeviceLink`]).
    DeviceLink {
        /// The code that the other program got.
        #[cfg_attr(feature = "openapi", schema(schema_with = crate::openapi::token))]
        #[serde(rename = "handover")]
        code: String,
    },
}

/// A single-use code that signs another program in as the same player. The answer to
/// `POST /api/session/handovers`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Handover))]
pub struct DeviceLink {
    /// Sent by the other program as `{"handover": …}` to `POST /api/session`.
    #[cfg_attr(feature = "openapi", schema(schema_with = crate::openapi::token))]
    pub code: String,
    /// Seconds until it expires.
    pub expires_in_s: u32,
}

/// The answer to `POST /api/session` and `GET /api/session`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Session {
    /// Whose session it is.
    pub player: PlayerId,
    /// The name that others see.
    pub name: PlayerName,
    /// Proof of identity: keep it, send it as `Authorization: Bearer`. Also set as a cookie.
    /// Empty in the answer to `GET`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[cfg_attr(feature = "openapi", schema(schema_with = crate::openapi::token, required = false))]
    pub token: String,
}
