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
        /// Checked by the rules of names; spaces around it are dropped.
        #[cfg_attr(feature = "openapi", schema(schema_with = crate::openapi::chosen_name))]
        name: String,
        /// Asks for the token of a new session in the answer, instead of a cookie: for programs that keep it themselves.
        /// The page of a browser gets the cookie in any case.
        #[serde(rename = "token", default, skip_serializing_if = "core::ops::Not::not")]
        #[cfg_attr(feature = "openapi", schema(rename = "token"))]
        wants_token: bool,
    },
    /// Signs in as the player of another program, with the single-use code that it got.
    DeviceLink {
        /// [`DeviceLink::code`].
        #[cfg_attr(feature = "openapi", schema(schema_with = crate::openapi::token))]
        #[serde(rename = "handover")]
        code: String,
        /// As for a name.
        #[serde(rename = "token", default, skip_serializing_if = "core::ops::Not::not")]
        #[cfg_attr(feature = "openapi", schema(rename = "token"))]
        wants_token: bool,
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

/// The answer to `GET /api/about`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ServerInfo {
    /// The version of the server.
    pub version: String,
    /// The address at which others reach it, without a slash at the end: links begin with it. Missing when the operator
    /// has not named one; then the address of the page is used.
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// The answer to `POST /api/session` and `GET /api/session`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Session {
    /// The player of the session.
    pub player: PlayerId,
    /// The display name.
    pub name: PlayerName,
    /// The proof of identity: a program keeps it and sends it as `Authorization: Bearer`. Only in the answer that begins a
    /// session for a program that asked for it; empty otherwise.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[cfg_attr(feature = "openapi", schema(schema_with = crate::openapi::token, required = false))]
    pub token: String,
}
