//! The table of contents at the end of a file, and the markers in it.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::ReplayHeader;
use crate::api::{Marker, MarkerKind};
use crate::sim::Event;
use crate::sim::mode::ROUND_TICKS_MAX;
use crate::snapshot::{DecodeError, FRAME_BYTES_MAX, FrameKind, RECORD_PREFIX_BYTES_MAX};
use crate::tick::KEYFRAME_EVERY_TICKS;

/// The most markers in an index: more than any round of an hour has.
pub(super) const MARKERS_MAX: usize = 20_000;
/// The most keyframes in an index: the first, and those of the longest round.
pub(super) const KEYFRAMES_MAX: usize = (ROUND_TICKS_MAX / KEYFRAME_EVERY_TICKS) as usize + 1;
/// The longest index frame, in bytes: its kind, two counts, and each entry with all numbers at their longest.
pub(super) const INDEX_BYTES_MAX: usize =
    1 + 2 * VARINT_BYTES_MAX + KEYFRAMES_MAX * KEYFRAME_BYTES_MAX + MARKERS_MAX * MARKER_BYTES_MAX;

/// The longest number of up to 64 bits, as bincode encodes it.
const VARINT_BYTES_MAX: usize = 1 + size_of::<u64>();
/// Tick and offset.
const KEYFRAME_BYTES_MAX: usize = 2 * VARINT_BYTES_MAX;
/// Tick, kind and slot.
const MARKER_BYTES_MAX: usize = VARINT_BYTES_MAX + 1 + (1 + size_of::<u16>());

const _: () = assert!(INDEX_BYTES_MAX >= FRAME_BYTES_MAX);
const _: () = assert!(INDEX_BYTES_MAX < 1 << (7 * RECORD_PREFIX_BYTES_MAX));

/// Length of the footer, in bytes.
pub(super) const FOOTER_BYTES: usize = 4 + 32 + super::FOOTER_MAGIC.len();

/// The place of a keyframe in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyframeEntry {
    /// Ticks since the round began.
    pub tick: u32,
    /// Bytes from the beginning of the file to its record.
    pub offset: u64,
}

/// The table of contents.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Index {
    /// The keyframes, in order.
    pub keyframes: Vec<KeyframeEntry>,
    /// The markers, in order.
    pub markers: Vec<Marker>,
}

impl Index {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut frame = vec![FrameKind::Index as u8];
        let body = bincode::serde::encode_to_vec(self, bincode::config::standard());
        frame.extend(body.expect("an index encodes"));
        frame
    }

    pub(super) fn decode(frame: &[u8]) -> Result<Self, DecodeError> {
        let body = frame.get(1..).ok_or(DecodeError::Truncated)?;
        // bincode counts the bytes of entries in memory, which are no more than their longest encoding.
        let config = bincode::config::standard().with_limit::<INDEX_BYTES_MAX>();
        let (index, _): (Self, usize) = bincode::serde::decode_from_slice(body, config)
            .map_err(|_reason| DecodeError::Malformed("index"))?;
        if index.keyframes.len() > KEYFRAMES_MAX || index.markers.len() > MARKERS_MAX {
            return Err(DecodeError::Malformed("index"));
        }
        Ok(index)
    }
}

/// The marker for an event. `elapsed` is in ticks since the round began. `None` for events without markers.
pub(super) fn marker(elapsed: u32, event: &Event) -> Option<Marker> {
    let (kind, slot) = match event {
        Event::KnockOut { slot, .. } => (MarkerKind::KnockOut, slot),
        Event::PickupTaken { slot, .. } => (MarkerKind::Pickup, slot),
        Event::LeadChange { slot } => (MarkerKind::LeadChange, slot),
        Event::PulseFired { .. }
        | Event::PulseHit { .. }
        | Event::Shove { .. }
        | Event::ShoveHit { .. }
        | Event::Dash { .. }
        | Event::Bump { .. }
        | Event::Respawn { .. }
        | Event::PickupSpawned { .. }
        | Event::ShrinkBegins
        | Event::RoundOver => return None,
    };
    Some(Marker { tick: elapsed, kind, slot: slot.0 })
}

/// The first bytes of a file: magic, version, header record.
pub(super) fn preamble(header: &ReplayHeader) -> Vec<u8> {
    let mut bytes = super::MAGIC.to_vec();
    bytes.extend(super::VERSION.to_le_bytes());
    let body = bincode::serde::encode_to_vec(header, bincode::config::standard());
    bytes.extend(crate::snapshot::record(&body.expect("a header encodes")));
    bytes
}

/// The last bytes of a complete file: the length of the index record, the digest of all bytes before, magic.
pub(super) fn footer(index_bytes: u32, digest: Sha256) -> [u8; FOOTER_BYTES] {
    let mut footer = [0; FOOTER_BYTES];
    footer[..4].copy_from_slice(&index_bytes.to_le_bytes());
    footer[4..36].copy_from_slice(&digest.finalize());
    footer[36..].copy_from_slice(&super::FOOTER_MAGIC);
    footer
}
