//! The WebSocket messages: game (binary, bincode) and chat (JSON), their version, limits and close codes.
//!
//! A message type is named by its sender. There are two subprotocols, [`GAME_SUBPROTOCOL`] and [`CHAT_SUBPROTOCOL`]; the
//! number in each is its version, so a client of another version is refused before the upgrade. A change of rules is a new
//! version of the game's, because client and server must step the same world.

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

/// `Sec-WebSocket-Protocol` of `/ws/rooms/{id}`, as clients of this version offer it.
pub const GAME_SUBPROTOCOL: &str = "pushback.v6";
/// Those that a server of this version speaks, the newest first. While nodes are upgraded one after the other, the version before
/// is one of them.
pub const GAME_SUBPROTOCOLS: &[&str] = &[GAME_SUBPROTOCOL];
/// `Sec-WebSocket-Protocol` of `/ws/chat`.
pub const CHAT_SUBPROTOCOL: &str = "pushback-chat.v1";

/// The inputs of one message.
pub type Inputs = ArrayVec<[Input; INPUTS_PER_MESSAGE_MAX]>;

/// A message from a client. A spectator may send [`ClientMessage::Ping`], [`ClientMessage::Diverged`] and
/// [`ClientMessage::Leave`] only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClientMessage {
    /// The inputs of the tick `first` and of those after it.
    Inputs {
        /// The tick of the first input.
        first: Tick,
        /// One input for each tick.
        inputs: Inputs,
    },
    /// Asks for a [`ServerMessage::Pong`]. The room answers when it next reads this socket, within two ticks.
    Ping {
        /// Any number, such as the client's clock in milliseconds.
        nonce: u32,
    },
    /// Whether the player wants another round. The client may change it while the summary is shown.
    Rematch {
        /// Whether the player stays for the next round.
        wanted: bool,
    },
    /// Frees the seat at once rather than after the timeout.
    Leave,
    /// The client's world differs from the stream, or the stream cannot be decoded, which is a bug. The server counts and
    /// logs it. While a round runs it answers with the roster and a keyframe (in a crowd: with a view that begins anew),
    /// about once a second at most.
    Diverged {
        /// The tick of the client's world.
        tick: Tick,
    },
    /// Measurements of the client, once in [`report::REPORT_EVERY_TICKS`], or never.
    Report(PlayReport),
}

/// A message from the server to a client in a room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ServerMessage {
    /// The first message of a connection, and only the first.
    Welcome {
        /// The room.
        room: RoomId,
        /// The rules of the room.
        mode: Mode,
        /// The own seat. `None` for a spectator.
        seat: Option<Slot>,
        /// Whether the room is missing from the public list.
        private: bool,
    },
    /// One or more records of the match stream, in order: see [`crate::snapshot`]. After [`ServerMessage::Welcome`] and at
    /// the beginning of each round come the roster, then a keyframe; for a player of a crowd a view that begins anew.
    Frames(#[serde(with = "bytes")] Vec<u8>),
    /// The answer to [`ClientMessage::Ping`].
    Pong {
        /// The number of the ping.
        nonce: u32,
        /// The tick of the room when it answered.
        tick: Tick,
    },
    /// Statistics of this client's inputs since the last such message. Twice a second.
    Timing {
        /// The margin that 99 % of the inputs had, in ticks from their arrival to the step that used them. Negative when they
        /// were late.
        margin_p99_ticks: i16,
        /// Inputs that arrived after the step of their tick.
        late: u16,
        /// All inputs that arrived.
        received: u16,
    },
    /// The result of a round that has ended.
    Summary(RoundSummary),
}

/// The result of a round.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoundSummary {
    /// The results, best first. In a crowd only the best hundred.
    pub results: Vec<PlayerResult>,
    /// Seconds until the next round begins.
    pub next_round_in_s: u32,
    /// The recording of this round.
    pub replay: ReplayId,
    /// What the round did to ratings.
    pub ratings: Ratings,
}

/// What a round did to ratings. Unless it is [`Ratings::Settled`], the ratings and their changes in the results are 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ratings {
    /// The results have the new ratings, and the server has kept them.
    Settled,
    /// Nothing: the mode is unrated, or the room is private.
    Unrated,
    /// The server has not kept the result yet. Mostly it goes on trying, and the profiles have the new ratings later.
    Pending,
}

/// The result of one player in a [`RoundSummary`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlayerResult {
    /// The seat.
    pub slot: Slot,
    /// The player in the seat.
    pub player: PlayerId,
    /// The display name.
    pub name: PlayerName,
    /// Whether it is a bot.
    pub bot: bool,
    /// The team, 0 or 1. `None` in modes without teams.
    pub team: Option<u8>,
    /// Points in this round.
    pub points: i32,
    /// Number of other discs pushed over the edge.
    pub knockouts: u32,
    /// Number of own falls.
    pub falls: u32,
    /// The rating after the round.
    pub rating: i32,
    /// The change of the rating by this round.
    pub rating_change: i32,
    /// Whether the rating is still uncertain, and moves by more than it will later.
    pub provisional: bool,
}

/// Why bytes are not a message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// The message is longer than the limit of its direction.
    #[error("the message has {bytes} bytes, {max} are allowed")]
    TooLong {
        /// Its length.
        bytes: usize,
        /// The limit.
        max: usize,
    },
    /// The bytes are no message of this version, or one with values out of range.
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
    /// [`MessageError::TooLong`] past [`CLIENT_MESSAGE_BYTES_MAX`], otherwise [`MessageError::Malformed`]: also for too many
    /// inputs, an input out of range and an invalid report.
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
    /// [`MessageError::TooLong`] past [`SERVER_MESSAGE_BYTES_MAX`], otherwise [`MessageError::Malformed`].
    pub fn decode(bytes: &[u8]) -> Result<Self, MessageError> {
        decode(bytes, SERVER_MESSAGE_BYTES_MAX)
    }
}

/// Serialises bytes as one byte string instead of a list of numbers.
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
