//! One reader's place in the broadcast log.

use bytes::Bytes;
use shared::snapshot::FRAME_BYTES_MAX;

use super::log::{Entry, LogReader, each_record, stream_frame};

/// A place in the log. The fields that a tick looks at come first.
#[derive(Debug)]
#[repr(C)]
pub(in crate::room) struct LogCursor {
    /// The number of the next entry. `None` before the first, and to start again from a keyframe.
    next: Option<u64>,
    /// The cursor of a player in a crowd: it takes only the entries for crowds, because the world is a stream of its own.
    is_for_crowd: bool,
    reader: LogReader,
    skips: Skips,
}

/// How often a cursor could not follow.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::room) struct Skips {
    /// It had fallen behind and started again from a keyframe.
    pub(in crate::room) restarts: u32,
    /// Entries that it missed because of that.
    pub(in crate::room) entries: u64,
    /// Keyframes that it took alone, including the one that it began with.
    pub(in crate::room) keyframes: u32,
}

/// A round's stream, for a reader that follows one round only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::room) struct RoundStream {
    /// Which round: counts from 1.
    pub(in crate::room) round: u32,
    /// The first bytes of its file. Empty when the round is not recorded.
    pub(in crate::room) preamble: Bytes,
    /// The round is over: no record follows.
    pub(in crate::room) has_ended: bool,
}

impl Skips {
    /// From its old place, if there was one, to the first entry after a keyframe.
    fn note(&mut self, behind: Option<u64>, after: u64) {
        self.keyframes += 1;
        if let Some(behind) = behind {
            self.restarts += 1;
            self.entries += after.saturating_sub(behind);
        }
    }
}

impl LogCursor {
    /// A cursor that has taken nothing.
    pub(in crate::room) fn new(reader: LogReader) -> Self {
        Self { next: None, is_for_crowd: false, reader, skips: Skips::default() }
    }

    /// A cursor for a player of a crowd.
    pub(in crate::room) fn for_crowd(reader: LogReader) -> Self {
        Self { is_for_crowd: true, ..Self::new(reader) }
    }

    /// Waits until there may be something new. Returns false when the room is gone.
    pub(in crate::room) async fn changed(&mut self) -> bool {
        self.reader.changed().await
    }

    /// Whether there is nothing to take when the log ends there.
    pub(in crate::room) fn is_at(&self, end: u64) -> bool {
        self.next == Some(end)
    }

    /// Adds everything new to `outgoing`, as frames that are ready to be sent.
    pub(in crate::room) fn take_frames(&mut self, outgoing: &mut Vec<Bytes>) {
        let window = self.reader.window();
        let place = match self.next {
            Some(place) if place >= window.first => place,
            behind => {
                let Some((keyframe, after)) = &window.keyframe else { return };
                self.skips.note(behind, *after);
                let world = Some(keyframe.as_ref()).filter(|_| !self.is_for_crowd);
                outgoing.extend(messages(each_record(&window.roster).chain(world)));
                *after
            }
        };
        self.next = Some(window.end());
        let is_for_crowd = self.is_for_crowd;
        join_frames(
            window.from(place).filter(|entry| entry.is_for_crowd || !is_for_crowd),
            outgoing,
        );
    }

    /// Puts everything new into `frames`, for this cursor and all at the same place. Returns that place; `None`
    /// when it had to start again, which other cursors may not have to.
    pub(super) fn take_for_all(&mut self, frames: &mut Vec<Bytes>) -> Option<u64> {
        let (place, skips) = (self.next, self.skips);
        frames.clear();
        self.take_frames(frames);
        place.filter(|_| self.skips == skips)
    }

    /// Moves on to `end` when it is at `place` and takes every entry: those between were read for it.
    pub(in crate::room) fn skip_batch(&mut self, place: Option<u64>, end: u64) -> bool {
        let is_there = place.is_some() && self.next == place && !self.is_for_crowd;
        if is_there {
            self.next = Some(end);
        }
        is_there
    }

    /// Adds the new records to `bytes` and returns which round they are of. If this is not the round that was
    /// read before, nothing is added.
    pub(in crate::room) fn take_records(
        &mut self,
        of_round: Option<u32>,
        bytes: &mut Vec<u8>,
    ) -> RoundStream {
        let window = self.reader.window();
        let stream = RoundStream {
            round: window.round,
            preamble: window.preamble.clone(),
            has_ended: window.has_ended,
        };
        if of_round.is_some_and(|round| round != window.round) {
            return stream;
        }
        let place = match self.next {
            Some(place) if place >= window.first => place,
            behind => {
                let Some((keyframe, after)) = &window.keyframe else { return stream };
                self.skips.note(behind, *after);
                bytes.extend_from_slice(&window.roster);
                bytes.extend_from_slice(keyframe);
                *after
            }
        };
        self.next = Some(window.end());
        window.from(place).for_each(|entry| bytes.extend_from_slice(&entry.record));
        stream
    }

    /// Starts again from the newest keyframe, whatever was read before.
    pub(in crate::room) fn rewind(&mut self) {
        self.next = None;
    }

    /// Starts again from the newest keyframe, for a desynced client. When the round is over, there is nothing to
    /// follow: the next one begins with a keyframe.
    pub(in crate::room) fn resync(&mut self) {
        if !self.reader.window().has_ended {
            self.rewind();
        }
    }

    /// How often it could not follow since the last call.
    pub(in crate::room) fn take_skips(&mut self) -> Skips {
        core::mem::take(&mut self.skips)
    }
}

/// Records as messages, each with as many records as it may have.
fn messages<'a>(records: impl Iterator<Item = &'a [u8]>) -> Vec<Bytes> {
    let mut runs: Vec<Vec<u8>> = Vec::new();
    for record in records {
        match runs.last_mut().filter(|run| run.len() + record.len() <= FRAME_BYTES_MAX) {
            Some(run) => run.extend_from_slice(record),
            None => runs.push(record.to_vec()),
        }
    }
    runs.into_iter().map(stream_frame).collect()
}

/// Adds entries to `outgoing`. Nearly always there is one, and it is sent as it is; records that have waited
/// travel together, in messages that are not too long.
fn join_frames<'a>(entries: impl Iterator<Item = &'a Entry>, outgoing: &mut Vec<Bytes>) {
    let mut entries = entries.peekable();
    while let Some(entry) = entries.next() {
        let is_record = |next: &&Entry| !next.record.is_empty();
        if entry.record.is_empty() || entries.peek().is_none_or(|next| !is_record(next)) {
            outgoing.push(entry.frame.clone());
            continue;
        }
        let mut run = entry.record.to_vec();
        while let Some(next) = entries
            .next_if(|next| is_record(next) && run.len() + next.record.len() <= FRAME_BYTES_MAX)
        {
            run.extend_from_slice(&next.record);
        }
        outgoing.push(stream_frame(run));
    }
}
