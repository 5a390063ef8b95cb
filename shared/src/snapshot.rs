//! The match stream: how a world travels.
//!
//! The stream is a run of *frames*. A **keyframe** is a whole world, bit-packed. A **delta** is the
//! cause and not the effect: the commands of its ticks, and nothing else. Both ends hold the same
//! integers and step the same [`World`](crate::sim::World), so a delta moves the decoder's world to exactly where the
//! encoder's is, whatever happened in between: sixteen discs that collide cost no more than sixteen
//! that stand. Events are not sent either; they come out of the decoder's own steps. A checksum once a
//! second and every keyframe on the way would show if the two ever differed.
//!
//! Frames travel as *records*: the length as a varint, then the frame. A WebSocket message, a replay file
//! and a live HTTP body are the same records, made once; save `ahead` and `view`, which are for connected players and
//! stand in no recording.
//!
//! ```text
//! frame     kind (3 bits; 8 of roster, seats, end and index) …, padded to whole bytes
//! keyframe  format (5) world
//! delta     base tick (7, lower bits) · two ticks? (1) else count (6) · checksum? (1) [32]
//!           for each tick: any seats change? (1) [count (5) { slot (4) joins? (1) [team (1)] }]
//!                          any inputs change? (1) [for each disc: changed? (1) {aim? [turn] thrust? [5] buttons? [3]}]
//! ahead     what players will hold, see [`relay`]
//! roster    who sits where, bincode; seats: only what is new of it, for a crowd
//! end       tick (32) · checksum (32)
//! view      what one player of a crowd sees, see [`crowd`]
//! index     a file's table of contents, see [`crate::replay`]
//! ```
//!
//! Format 2, and 3 for a crowd: the same with more seats. A player of a crowd is told less, see [`crowd`]. A decoder
//! refuses formats that it does not know. Deltas are causes: a change of rules is a new format.

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

/// What a frame holds: its first three bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameKind {
    /// Commands of the next ticks.
    Delta,
    /// A whole world.
    Keyframe,
    /// Who sits where.
    Roster,
    /// The round is over.
    End,
    /// The table of contents of a replay file.
    Index,
    /// What one player of a crowd sees: see [`crowd`].
    View,
    /// Who sits where, as far as it is new: for a crowd.
    RosterDelta,
    /// What players will hold: for who is connected, and no part of a recording. See [`relay`].
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
    /// When the frame is empty or of a kind that this version does not know.
    pub fn of(frame: &[u8]) -> Result<Self, DecodeError> {
        let first = frame.first().ok_or(DecodeError::Truncated)?;
        Self::ALL.get(usize::from(first & 7)).copied().ok_or(DecodeError::Malformed("frame kind"))
    }

    const fn code(self) -> u32 {
        self as u32
    }
}

/// The format that keyframes are written in.
pub const FORMAT: u32 = 2;
/// The format of a crowd's: the same with more seats, and a wider platform.
pub const CROWD_FORMAT: u32 = 3;
const FORMAT_BITS: u32 = 5;
/// Ticks that one delta may span.
pub const DELTA_TICKS_MAX: usize = 63;
