//! JSON bodies of the HTTP API, one type for each body.

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

/// The longest wait of a long-poll, in seconds. After the wait the answer is 204.
pub const WAIT_SECONDS_MAX: u32 = 55;
/// The shortest wait of a long-poll, in seconds.
pub const WAIT_SECONDS_MIN: u32 = 1;

/// `POST /api/session`: the identity to sign in with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(untagged, expecting = "an object with `name`, or one with `handover`")]
pub enum SessionRequest {
    /// Signs in as a guest of this name. With a valid token (cookie or `Authorization: Bearer`) it renames the guest.
    Name {
        /// Checked by [`PlayerName::parse`]; spaces around it are dropped.
        #[cfg_attr(feature = "openapi", schema(schema_with = crate::openapi::player_name))]
        name: String,
    },
    /// Signs in as the player of another program, with the single-use code that it got.
    DeviceLink {
        /// [`DeviceLink::code`].
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
    /// The player of the session.
    pub player: PlayerId,
    /// The display name.
    pub name: PlayerName,
    /// The proof of identity: clients keep it and send it as `Authorization: Bearer`. It is also set as a cookie. Empty in
    /// the answer to `GET`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[cfg_attr(feature = "openapi", schema(schema_with = crate::openapi::token, required = false))]
    pub token: String,
}
