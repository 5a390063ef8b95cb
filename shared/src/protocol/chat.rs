//! Chat: JSON text messages on `/ws/chat`, subprotocol `pushback-chat.v1`.
//!
//! Every line has a sequence number from one log. A client that comes back connects with
//! `&after=SEQUENCE` and gets what it missed of the channels that it can see, or is told that it cannot get all.

pub use super::limits::{HISTORY_LINES, LINE_CHARS_MAX, LINE_REFILL_MS, LINES_BURST_MAX};

use serde::{Deserialize, Serialize};

use crate::id::{PlayerId, PlayerName, RoomId};

/// Who can read a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "to", rename_all = "snake_case")]
pub enum ChatChannel {
    /// Everyone.
    Lobby,
    /// Everyone who plays in or watches the room.
    Room {
        /// Which room.
        room: RoomId,
    },
    /// The own team in the room.
    Team {
        /// Which room.
        room: RoomId,
        /// 0 or 1.
        #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 1))]
        team: u8,
    },
    /// One person, and oneself.
    Direct {
        /// The other one.
        player: PlayerId,
    },
}

impl ChatChannel {
    /// Whether it is a room's own, or that of one of its teams.
    #[must_use]
    pub fn is_in(&self, wanted: RoomId) -> bool {
        match self {
            Self::Room { room } | Self::Team { room, .. } => *room == wanted,
            Self::Lobby | Self::Direct { .. } => false,
        }
    }
}

/// What a client may say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ChatClientMessage {
    /// Sends a line. Room and team are those where the player is: see `enter`.
    Say {
        /// Who shall read it.
        channel: ChatChannel,
        /// At most [`LINE_CHARS_MAX`] characters.
        #[cfg_attr(feature = "openapi", schema(schema_with = crate::openapi::chat_text))]
        text: String,
        /// Comes back in `refused` or in the line, to match the answer.
        #[cfg_attr(feature = "openapi", schema(schema_with = crate::openapi::nonce))]
        nonce: u32,
    },
    /// Follow a room's channel from now on, and get its history. One must play in or watch it.
    Enter {
        /// Which room.
        room: RoomId,
    },
    /// Follow it no longer.
    Exit {
        /// Which room.
        room: RoomId,
    },
}

/// One line as everyone gets it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChatLine {
    /// Grows with each line on this server, over restarts too.
    pub sequence: u64,
    /// When it was said, milliseconds since 1970.
    pub at_ms: u64,
    /// Where.
    pub channel: ChatChannel,
    /// Who said it.
    pub from: PlayerId,
    /// The name at the time.
    pub name: PlayerName,
    /// What was said.
    #[cfg_attr(feature = "openapi", schema(schema_with = crate::openapi::chat_text))]
    pub text: String,
    /// As the sender sent it; only in the sender's copy.
    #[cfg_attr(feature = "openapi", schema(schema_with = crate::openapi::nonce, required = false))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<u32>,
}

/// What the server says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ChatServerMessage {
    /// The first message: who one is, and what was missed or the newest lines, the oldest first.
    Hello {
        /// The own id.
        player: PlayerId,
        /// The own name.
        name: PlayerName,
        /// The history.
        lines: Vec<ChatLine>,
        /// What was seen before does not join up with these lines: more was missed than fits, or `after` is a
        /// number that this log has not given. Forget it, or show that something is missing.
        #[serde(default)]
        gap: bool,
    },
    /// The answer to `enter`.
    Entered {
        /// Which room.
        room: RoomId,
        /// The newest lines, the oldest first.
        lines: Vec<ChatLine>,
        /// There are older ones: what was seen before joins up only if it reaches into these.
        #[serde(default)]
        gap: bool,
    },
    /// A new line.
    Line(ChatLine),
    /// The line was not sent.
    Refused {
        /// As it came.
        #[cfg_attr(feature = "openapi", schema(schema_with = crate::openapi::nonce))]
        nonce: u32,
        /// Why.
        reason: ChatRefusal,
        /// Milliseconds until the next try can succeed, when waiting helps.
        #[cfg_attr(feature = "openapi", schema(nullable = false))]
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_in_ms: Option<u64>,
    },
}

/// Why a line was not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ChatRefusal {
    /// Nothing but spaces.
    #[error("there is nothing in it")]
    Empty,
    /// More than [`LINE_CHARS_MAX`] characters.
    #[error("a line has at most {LINE_CHARS_MAX} characters")]
    TooLong,
    /// Too many lines in a short time.
    #[error("not so fast")]
    TooFast,
    /// Not in that room or team.
    #[error("you are not in that room")]
    NotThere,
    /// Nobody with that id is known.
    #[error("nobody with that id is here")]
    Unknown,
    /// The server could not keep it.
    #[error("the server could not keep it: try again")]
    Failed,
}
