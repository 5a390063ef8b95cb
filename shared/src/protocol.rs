//! The WebSocket messages: game (binary, bincode) and chat (JSON), their version, limits and close codes.
//!
//! A message is named by its sender. Two subprotocols: [`GAME_SUBPROTOCOL`] and [`CHAT_SUBPROTOCOL`]; the
//! number in them is the version, so a client of another version is refused before the upgrade. A change of
//! rules is a new version of the game's: client and server must step the same world.

pub mod chat;
pub mod close;
mod limits;
pub mod report;

pub use limits::{
    CLIENT_MESSAGE_BYTES_MAX, CLIENT_MESSAGES_PER_SECOND_MAX, INPUT_LEAD_TICKS_MAX,
    INPUT_REPEAT_TICKS_MAX, INPUTS_PER_MESSAGE_MAX, SERVER_MESSAGE_BYTES_MAX,
};
pub use report::PlayReport;

use serde::{Deserialize, Serialize};
use tinyvec::ArrayVec;

use crate::id::{PlayerId, PlayerName, ReplayId, RoomId};
use crate::sim::{Input, Mode, Slot};
use crate::tick::Tick;

/// `Sec-WebSocket-Protocol` of `/ws/rooms/{id}`.
pub const GAME_SUBPROTOCOL: &str = "pushback.v5";
/// `Sec-WebSocket-Protocol` of `/ws/chat`.
pub const CHAT_SUBPROTOCOL: &str = "pushback-chat.v1";

/// The inputs of one message.
pub type Inputs = ArrayVec<[Input; INPUTS_PER_MESSAGE_MAX]>;

/// What a seated client may say. A spectator may only [`ClientMessage::Ping`], say that it is lost, and leave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClientMessage {
    /// The keys held during `first` and the ticks after it.
    Inputs {
        /// The tick of the first input.
        first: Tick,
        /// One for each tick.
        inputs: Inputs,
    },
    /// Answered with [`ServerMessage::Pong`] when the room next hears this client: within two ticks.
    Ping {
        /// Any number; the client's clock in milliseconds, say.
        nonce: u32,
    },
    /// Whether the player wants another round. May be taken back while the summary is shown.
    Rematch {
        /// Yes or no.
        wanted: bool,
    },
    /// Frees the seat at once rather than after the timeout.
    Leave,
    /// The own world went elsewhere than the stream, or the stream cannot be followed: that is somebody's bug. Counted
    /// and logged, and answered with the roster and a keyframe (in a crowd: with a view that begins) while a round runs;
    /// about once a second at most.
    Diverged {
        /// The own world's tick.
        tick: Tick,
    },
    /// What only the client knows, every [`report::REPORT_EVERY_TICKS`] or not at all.
    Report(PlayReport),
}

/// What the server says to everyone in a room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ServerMessage {
    /// The first message of a connection, and only the first.
    Welcome {
        /// Where the client is now.
        room: RoomId,
        /// The rules played.
        mode: Mode,
        /// The own seat. Nothing for a spectator.
        seat: Option<Slot>,
        /// The room is not in the public list.
        private: bool,
    },
    /// One or more frames of the match stream, in order: see [`crate::snapshot`]. After a
    /// [`ServerMessage::Welcome`] and at the beginning of each round come the roster, then a keyframe; for a player of a
    /// crowd a view that begins.
    Frames(#[serde(with = "bytes")] Vec<u8>),
    /// The answer to [`ClientMessage::Ping`].
    Pong {
        /// As it came.
        nonce: u32,
        /// The room's tick when it was answered.
        tick: Tick,
    },
    /// How this client's inputs arrived since the last such message; twice a second.
    Timing {
        /// Ticks between arrival and use that all but 1 % of the inputs had. Negative: that much too late.
        margin_p99_ticks: i16,
        /// Inputs that came after their tick.
        late: u16,
        /// Inputs that came in all.
        received: u16,
    },
    /// The round is over.
    Summary(RoundSummary),
}

/// The result of a round.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoundSummary {
    /// Best first; of a crowd the best hundred.
    pub results: Vec<PlayerResult>,
    /// Seconds until the next round begins.
    pub next_round_in_s: u32,
    /// The recording of this round.
    pub replay: ReplayId,
}

/// One line of a [`RoundSummary`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlayerResult {
    /// The seat.
    pub slot: Slot,
    /// Who sat there.
    pub player: PlayerId,
    /// The name shown.
    pub name: PlayerName,
    /// Whether a bot sat there.
    pub bot: bool,
    /// The team, 0 or 1, in Teams.
    pub team: Option<u8>,
    /// Points in this round.
    pub points: i32,
    /// Others pushed over the edge.
    pub knockouts: u32,
    /// Times over the edge.
    pub falls: u32,
    /// The rating now.
    pub rating: i32,
    /// What this round did to it.
    pub rating_change: i32,
}

/// Bytes that are no message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// Longer than the limit of its direction.
    #[error("the message has {bytes} bytes, {max} are allowed")]
    TooLong {
        /// How long it was.
        bytes: usize,
        /// How long it may be.
        max: usize,
    },
    /// Not a message of this version.
    #[error("the message cannot be read")]
    Malformed,
}

fn wire() -> impl bincode::config::Config {
    // The limit also bounds what a length prefix may make the decoder allocate.
    bincode::config::standard().with_limit::<SERVER_MESSAGE_BYTES_MAX>()
}

fn decode<T: serde::de::DeserializeOwned>(bytes: &[u8], max: usize) -> Result<T, MessageError> {
    if bytes.len() > max {
        return Err(MessageError::TooLong { bytes: bytes.len(), max });
    }
    match bincode::serde::decode_from_slice(bytes, wire()) {
        Ok((message, used)) if used == bytes.len() => Ok(message),
        Ok(_) | Err(_) => Err(MessageError::Malformed),
    }
}

fn encode(message: &impl Serialize) -> Vec<u8> {
    bincode::serde::encode_to_vec(message, bincode::config::standard())
        .expect("a message of plain data encodes")
}

impl ClientMessage {
    /// The message as bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        encode(self)
    }

    /// Reads a message.
    ///
    /// # Errors
    /// When it is longer than [`CLIENT_MESSAGE_BYTES_MAX`], is no message, brings too many inputs, or reports what
    /// cannot be.
    pub fn decode(bytes: &[u8]) -> Result<Self, MessageError> {
        let message = decode(bytes, CLIENT_MESSAGE_BYTES_MAX)?;
        match &message {
            Self::Inputs { inputs, .. } if !inputs.iter().all(Input::is_valid) => {
                Err(MessageError::Malformed)
            }
            Self::Report(report) if !report.is_valid() => Err(MessageError::Malformed),
            Self::Inputs { .. }
            | Self::Ping { .. }
            | Self::Rematch { .. }
            | Self::Leave
            | Self::Diverged { .. }
            | Self::Report(_) => Ok(message),
        }
    }
}

impl ServerMessage {
    /// The message as bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        encode(self)
    }

    /// Reads a message.
    ///
    /// # Errors
    /// When it is longer than [`SERVER_MESSAGE_BYTES_MAX`] or is no message.
    pub fn decode(bytes: &[u8]) -> Result<Self, MessageError> {
        decode(bytes, SERVER_MESSAGE_BYTES_MAX)
    }
}

/// Bytes as one run instead of a list of numbers.
mod bytes {
    use core::fmt;

    use serde::{Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(bytes)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<u8>, D::Error> {
        struct Bytes;

        impl de::Visitor<'_> for Bytes {
            type Value = Vec<u8>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bytes")
            }

            fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Self::Value, E> {
                Ok(bytes.to_vec())
            }

            fn visit_byte_buf<E: de::Error>(self, bytes: Vec<u8>) -> Result<Self::Value, E> {
                Ok(bytes)
            }
        }

        deserializer.deserialize_byte_buf(Bytes)
    }
}
