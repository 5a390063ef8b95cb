//! Chat: JSON text messages on `/ws/chat`, subprotocol `pushback-chat.v1`.
//!
//! Each line has a sequence number from one log. A client that reconnects with `&after=SEQUENCE` gets the lines that it
//! missed in its channels, or `gap` when they are more than the server sends.

pub use super::limits::{HISTORY_LINES, LINE_CHARS_MAX, LINE_REFILL_MS, LINES_BURST_MAX};

use serde::{Deserialize, Serialize};

use crate::feed::Heartbeat;
use crate::id::{PlayerId, PlayerName, RoomId};

/// The readers of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "to", rename_all = "snake_case")]
pub enum ChatChannel {
    /// All clients.
    Lobby,
    /// The players and spectators of a room.
    Room {
        /// The room.
        room: RoomId,
    },
    /// One team in a room.
    Team {
        /// The room.
        room: RoomId,
        /// The team: 0 or 1.
        #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 1))]
        team: u8,
    },
    /// One other player, and the sender.
    Direct {
        /// The other player.
        player: PlayerId,
    },
}

impl ChatChannel {
    /// Whether it is the channel of the room `wanted` or of one of its teams.
    #[must_use]
    pub fn is_in(&self, wanted: RoomId) -> bool {
        match self {
            Self::Room { room } | Self::Team { room, .. } => *room == wanted,
            Self::Lobby | Self::Direct { .. } => false,
        }
    }
}

/// A message from a chat client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ChatClientMessage {
    /// Sends a line. The player must have entered the room and be in the team: see `enter`.
    Say {
        /// The readers of the line.
        channel: ChatChannel,
        /// The text, at most [`LINE_CHARS_MAX`] characters.
        #[cfg_attr(feature = "openapi", schema(schema_with = crate::openapi::chat_text))]
        text: String,
        /// The client's own number. The line or the refusal that answers this message repeats it.
        #[cfg_attr(feature = "openapi", schema(schema_with = crate::openapi::nonce))]
        nonce: u32,
    },
    /// Subscribes to a room's channel and asks for its history. The player must play in or watch the room.
    Enter {
        /// The room.
        room: RoomId,
    },
    /// Unsubscribes from a room's channel.
    Exit {
        /// The room.
        room: RoomId,
    },
}

/// One line of chat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChatLine {
    /// The place in the log of the server. It grows with each line, over restarts too.
    pub sequence: u64,
    /// When the line was sent, in milliseconds since 1970.
    pub at_ms: u64,
    /// The readers.
    pub channel: ChatChannel,
    /// The sender.
    pub from: PlayerId,
    /// The sender's name at that time.
    pub name: PlayerName,
    /// The text.
    #[cfg_attr(feature = "openapi", schema(schema_with = crate::openapi::chat_text))]
    pub text: String,
    /// The number that the sender gave; only in the sender's copy.
    #[cfg_attr(feature = "openapi", schema(schema_with = crate::openapi::nonce, required = false))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<u32>,
}

/// A message from the chat server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ChatServerMessage {
    /// The first message of a connection: the own identity, and the lines that were missed or else the newest.
    Hello {
        /// The own player id.
        player: PlayerId,
        /// The own name.
        name: PlayerName,
        /// The lines, the oldest first.
        lines: Vec<ChatLine>,
        /// Whether lines are missing between those seen before and these: more were missed than the server sends, or
        /// `after` is not a number of this log.
        #[serde(default)]
        gap: bool,
    },
    /// The answer to `enter`.
    Entered {
        /// The room.
        room: RoomId,
        /// The newest lines, the oldest first.
        lines: Vec<ChatLine>,
        /// Whether there are older lines than these. Lines seen before connect with these only if they overlap.
        #[serde(default)]
        gap: bool,
    },
    /// A new line.
    Line(ChatLine),
    /// The line was not sent.
    Refused {
        /// The number that the sender gave.
        #[cfg_attr(feature = "openapi", schema(schema_with = crate::openapi::nonce))]
        nonce: u32,
        /// The reason.
        reason: ChatRefusal,
        /// Milliseconds until another attempt can succeed. Absent when waiting does not help.
        #[cfg_attr(feature = "openapi", schema(nullable = false))]
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_in_ms: Option<u64>,
    },
    /// The connection is alive: pings are invisible to a page in a browser. Comes after `hello` and with every ping.
    Heartbeat(Heartbeat),
}

/// Why a line was not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ChatRefusal {
    /// The text is empty, or only spaces.
    #[error("the text is empty")]
    Empty,
    /// The text has more than [`LINE_CHARS_MAX`] characters.
    #[error("a line has at most {LINE_CHARS_MAX} characters")]
    TooLong,
    /// The player sent too many lines in a short time.
    #[error("you are sending lines too fast")]
    TooFast,
    /// The player is not in that room or team.
    #[error("you are not in that room")]
    NotThere,
    /// No player has that id.
    #[error("no player has that id")]
    Unknown,
    /// The server could not store the line.
    #[error("the server could not store the line: try again")]
    Failed,
}
