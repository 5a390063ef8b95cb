//! What a room reads from its log once a tick, for all connections that are up to date.

use bytes::Bytes;

use super::cursor::LogCursor;
use super::log::LogReader;

/// The shared cursor, and the frames that it took last. Every connection at its place is sent the same frames.
pub(in crate::room) struct SharedBatch {
    cursor: LogCursor,
    frames: Vec<Bytes>,
}

/// One batch.
#[derive(Debug, Clone, Copy)]
pub(in crate::room) struct Batch<'a> {
    /// A cursor at this place may be sent the frames. `None`: no cursor may.
    pub(in crate::room) place: Option<u64>,
    pub(in crate::room) frames: &'a [Bytes],
}

impl SharedBatch {
    pub(in crate::room) fn new(reader: LogReader) -> Self {
        Self { cursor: LogCursor::new(reader), frames: Vec::new() }
    }

    /// Takes everything new in the log.
    pub(in crate::room) fn take(&mut self) -> Batch<'_> {
        let place = self.cursor.take_for_all(&mut self.frames);
        Batch { place, frames: &self.frames }
    }
}

impl Batch<'_> {
    pub(in crate::room) const EMPTY: Batch<'static> = Batch { place: None, frames: &[] };
}
