//! What a room sends to all of its connections: encoded once, kept for a few seconds, and read by each
//! connection from its own place.
//!
//! The room appends to the [`BroadcastLog`]. A [`LogCursor`] is a number: it takes everything behind its place
//! at once. A cursor that the log has left behind starts again from the roster and the newest keyframe. So a
//! slow reader costs nothing, and the room waits for no reader. Most connections are at the same place, so the
//! room reads for them once a tick ([`SharedBatch`]).

pub(super) mod batch;
pub(super) mod cursor;
pub(super) mod log;

#[cfg(test)]
mod tests;

pub(super) use batch::{Batch, SharedBatch};
pub(super) use cursor::{LogCursor, Skips};
pub(super) use log::{BroadcastLog, LogReader, stream_frame};
