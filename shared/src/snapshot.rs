//! The match stream: the wire form of a world over time.
//!
//! The stream is a sequence of *frames*. A **keyframe** is a whole world, bit-packed. A **delta** holds causes instead of
//! effects: the commands of its ticks, and nothing else (deterministic lockstep). Both ends hold the same integers and
//! step the same [`World`](crate::sim::World), so a delta moves the decoder's world to exactly the encoder's: sixteen
//! discs that collide cost no more than sixteen that stand. Events are not sent; the decoder's own steps return them. A
//! checksum once a second, and each keyframe after the first, show whether the two ever differ.
//!
//! Frames travel as *records*: the length as a varint, then the frame. A WebSocket message, a replay file and a live HTTP
//! body carry the same records, encoded once. Only `ahead` and `view` are for connected clients and in no recording.
//!
//! ```text
//! frame     kind (3 bits; 8 of roster, seats, end and index) …, padded to whole bytes
//! keyframe  format (5) world
//! delta     base tick (7, lower bits) · two ticks? (1) else count (6) · checksum? (1) [32]
//!           for each tick: any seats change? (1) [count (5) { slot (4) joins? (1) [team (1)] }]
//!                          any inputs change? (1) [for each disc: changed? (1) {aim? [turn] thrust? [5] buttons? [3]}]
//! ahead     inputs relayed before their tick, see [`relay`]
//! roster    the players in the seats, bincode; seats: the changes of it, for a crowd
//! end       tick (32) · checksum (32)
//! view      the part of a crowd that one player sees, see [`crowd`]
//! index     a file's table of contents, see [`crate::replay`]
//! ```
//!
//! Keyframes have format 2, or 3 in a crowd: the same with more seats. A decoder refuses formats that it does not know.
//! Since deltas are causes, a change of rules is a new format.

mod bits;
pub mod crowd;
mod decode;
mod delta;
mod encode;
mod header;
mod keyframe;
mod record;
pub mod relay;
mod roster;

pub use bits::DecodeError;
pub use decode::{Applied, StreamDecoder};
pub use encode::StreamEncoder;
pub use record::{FRAME_BYTES_MAX, FrameAndRest, RECORD_PREFIX_BYTES_MAX, next_record, records};
pub(crate) use record::{next_record_within, record};
pub use roster::{Roster, RosterEntry};

/// The kind of a frame: its first three bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameKind {
    /// The commands of the next ticks.
    Delta,
    /// A whole world.
    Keyframe,
    /// The players in all seats.
    Roster,
    /// The round is over.
    End,
    /// The table of contents of a replay file.
    Index,
    /// The part of a crowd that one player sees: see [`crowd`].
    View,
    /// The changes of a roster, for a crowd.
    RosterDelta,
    /// Inputs of players before their tick, for connected clients: see [`relay`].
    RelayedInputs,
}

impl FrameKind {
    const BITS: u32 = 3;
    const ALL: [Self; 8] = [
        Self::Delta,
        Self::Keyframe,
        Self::Roster,
        Self::End,
        Self::Index,
        Self::View,
        Self::RosterDelta,
        Self::RelayedInputs,
    ];

    /// The kind of a frame.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`] when the frame is empty.
    pub fn of(frame: &[u8]) -> Result<Self, DecodeError> {
        let first = frame.first().ok_or(DecodeError::Truncated)?;
        Self::ALL.get(usize::from(first & 7)).copied().ok_or(DecodeError::Malformed("frame kind"))
    }

    const fn code(self) -> u32 {
        self as u32
    }
}

/// The format of keyframes.
pub const FORMAT: u32 = 2;
/// The format of keyframes of a crowd: the same with more seats and a wider platform.
pub const CROWD_FORMAT: u32 = 3;
const FORMAT_BITS: u32 = 5;
/// The most ticks that one delta spans.
pub const DELTA_TICKS_MAX: usize = 63;
