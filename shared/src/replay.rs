//! The match stream as a file, and as an HTTP body that still grows.
//!
//! ```text
//! file      "PUSHBACK" · version (u16, little-endian) · header record (bincode) · records of the stream
//!           … · end record · index record · footer
//! index     tick and offset of each keyframe · markers
//! footer    length of the index record (u32) · SHA-256 of everything before the footer · "PBIX"
//! ```
//!
//! The records are the bytes of the room's stream, with a keyframe every two seconds. So a file can be read while it is
//! written, from its beginning, or from any keyframe that follows a header and a roster. A file without an index was cut
//! off: it plays up to the cut.
//!
//! Version 2. A recording holds causes, so it plays only under the rules that made it. A change of rules is a new version,
//! and the reader refuses other versions with a reason. The recordings in `tests/data` guard this.

mod index;
mod playback;
mod read;
mod write;

pub use index::{Index, KeyframeEntry};
pub use playback::Playback;
pub use read::{ReplayError, ReplayReader};
pub use write::ReplayWriter;

use serde::{Deserialize, Serialize};

use crate::id::{ReplayId, RoomId};
use crate::sim::Mode;

/// The first bytes of each file.
pub const MAGIC: [u8; 8] = *b"PUSHBACK";
/// The last bytes of a complete file.
pub const FOOTER_MAGIC: [u8; 4] = *b"PBIX";
/// The version that this build writes and reads.
pub const VERSION: u16 = 2;
/// The longest file that a reader accepts, in bytes: an hour at full load fits.
pub const FILE_BYTES_MAX: usize = 64 * 1024 * 1024;
/// The media type of a replay file and of a live stream.
pub const MEDIA_TYPE: &str = "application/vnd.pushback.replay";

/// The round that was recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplayHeader {
    /// The recording.
    pub id: ReplayId,
    /// The room that played.
    pub room: RoomId,
    /// The rules played.
    pub mode: Mode,
    /// The seed of the world.
    pub seed: u64,
    /// Length of the round, in ticks.
    pub round_ticks: u32,
    /// When the round began, in milliseconds since 1970.
    pub started_at_ms: u64,
}
