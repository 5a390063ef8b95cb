//! Writes a recording: the order of its parts, the index and the digest.

use sha2::{Digest as _, Sha256};

use super::ReplayHeader;
use super::index::{Index, KEYFRAMES_MAX, KeyframeEntry, MARKERS_MAX, footer, marker, preamble};
use crate::sim::{Event, World};
use crate::snapshot::{FrameKind, StreamEncoder, next_record, record};
use crate::tick::Tick;

/// Tracks the records that are appended to a file, for its index and digest. It keeps none of their bytes.
#[derive(Debug, Clone)]
pub struct ReplayWriter {
    digest: Sha256,
    offset: u64,
    index: Index,
}

impl ReplayWriter {
    /// A new recording, and its first bytes.
    #[must_use]
    pub fn new(header: &ReplayHeader) -> (Self, Vec<u8>) {
        let bytes = preamble(header);
        let mut writer = Self { digest: Sha256::new(), offset: 0, index: Index::default() };
        writer.append(&bytes);
        (writer, bytes)
    }

    /// Adds one record of the stream. `elapsed` is in ticks since the round began.
    pub fn record(&mut self, record: &[u8], elapsed: u32) {
        let frame = next_record(record).ok().flatten().map(|(frame, _)| frame);
        if let Some(frame) = frame
            && FrameKind::of(frame) == Ok(FrameKind::Keyframe)
            && self.index.keyframes.len() < KEYFRAMES_MAX
        {
            self.index.keyframes.push(KeyframeEntry { tick: elapsed, offset: self.offset });
        }
        self.append(record);
    }

    /// Adds the markers for the events of a tick.
    pub fn events(&mut self, tick: Tick, began: Tick, events: &[Event]) {
        let elapsed = tick.since(began).max(0).unsigned_abs();
        let room = MARKERS_MAX.saturating_sub(self.index.markers.len());
        self.index
            .markers
            .extend(events.iter().filter_map(|event| marker(elapsed, event)).take(room));
    }

    /// The last bytes of the recording: the end of the round, the index, the footer.
    #[must_use]
    pub fn finish(mut self, world: &World) -> Vec<u8> {
        let mut bytes = StreamEncoder::new().end(world);
        self.append(&bytes);
        let index = record(&self.index.encode());
        let length = u32::try_from(index.len()).unwrap_or(u32::MAX);
        self.append(&index);
        bytes.extend(index);
        bytes.extend(footer(length, self.digest));
        bytes
    }

    fn append(&mut self, bytes: &[u8]) {
        self.digest.update(bytes);
        self.offset += bytes.len() as u64;
    }
}
