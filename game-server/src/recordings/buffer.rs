//! The recording buffer of a round: the room writes into it without waiting, the recorder empties it twice a second.

use std::sync::{Arc, Mutex};

use shared::api::ReplayPlayer;
use shared::sim::{Event, World};
use shared::tick::Tick;
use tokio::sync::{Notify, oneshot};

use crate::rating::RoundResult;
use crate::storage::SettledPlace;
use crate::sync::lock;

/// Bytes that may wait for the recorder: many minutes of play. When the buffer is full, the recording ends there, is
/// marked incomplete, and the room goes on.
const WAITING_BYTES_MAX: usize = 1024 * 1024;

/// The room's end. Dropping it without an ending leaves the part file for the next start to recover.
#[derive(Debug)]
pub(crate) struct RecordingBuffer(Arc<Shared>);

/// The recorder's end.
#[derive(Debug)]
pub(super) struct BufferReader(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    waiting: Mutex<Batch>,
    ended: Notify,
}

/// The content since the recorder last emptied the buffer.
#[derive(Debug, Default)]
pub(super) struct Batch {
    /// In order.
    pub(super) records: Vec<Take>,
    /// The events, for the index of the file.
    pub(super) events: Vec<(Tick, Event)>,
    /// Whether records after these were lost.
    pub(super) is_cut_short: bool,
    /// How the recording ended. `None` while it goes on.
    pub(super) ending: Option<Ending>,
    bytes: usize,
}

/// One record.
#[derive(Debug)]
pub(super) struct Take {
    /// Ready to be appended.
    pub(super) record: Vec<u8>,
    /// Ticks since the round began.
    pub(super) elapsed: u32,
}

/// How a recording ends.
#[derive(Debug)]
pub(crate) enum Ending {
    /// The round was played to its end. The places, in the order of the standings, are sent when they are settled.
    Finished(Box<Finished>, oneshot::Sender<Vec<SettledPlace>>),
    /// The server stops: the recording plays up to here.
    CutOff {
        /// The players, best first.
        players: Vec<ReplayPlayer>,
    },
    /// The room was dropped without an ending: a fault.
    Dropped,
}

/// A round that is over.
#[derive(Debug)]
pub(crate) struct Finished {
    /// The world as it ended.
    pub(crate) world: World,
    /// The players, best first.
    pub(crate) players: Vec<ReplayPlayer>,
    /// What the room reports of it.
    pub(crate) result: RoundResult,
    /// When it ended, milliseconds since 1970.
    pub(crate) ended_at_ms: u64,
}

/// An empty buffer.
pub(super) fn buffer() -> (RecordingBuffer, BufferReader) {
    let shared = Arc::new(Shared::default());
    (RecordingBuffer(shared.clone()), BufferReader(shared))
}

impl RecordingBuffer {
    /// Adds a record.
    pub(crate) fn record(&self, record: &[u8], elapsed: u32) {
        let mut waiting = lock(&self.0.waiting);
        if waiting.is_cut_short {
            return;
        }
        if waiting.bytes + record.len() > WAITING_BYTES_MAX {
            waiting.is_cut_short = true;
            return;
        }
        waiting.bytes += record.len();
        waiting.records.push(Take { record: record.to_vec(), elapsed });
    }

    /// Adds the events of a tick.
    pub(crate) fn events(&self, tick: Tick, events: &[Event]) {
        let mut waiting = lock(&self.0.waiting);
        if !waiting.is_cut_short {
            waiting.events.extend(events.iter().map(|event| (tick, *event)));
        }
    }

    /// Ends the recording.
    pub(crate) fn end(self, ending: Ending) {
        lock(&self.0.waiting).ending = Some(ending);
    }
}

impl Drop for RecordingBuffer {
    fn drop(&mut self) {
        lock(&self.0.waiting).ending.get_or_insert(Ending::Dropped);
        self.0.ended.notify_one();
    }
}

impl BufferReader {
    /// Empties the buffer.
    pub(super) fn take(&self) -> Batch {
        let mut waiting = lock(&self.0.waiting);
        let is_cut_short = waiting.is_cut_short;
        let batch = core::mem::take(&mut *waiting);
        // A gap cannot be closed: the buffer takes nothing more.
        waiting.is_cut_short = is_cut_short;
        batch
    }

    /// Waits for the end.
    pub(super) async fn ended(&self) {
        self.0.ended.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use super::{Ending, WAITING_BYTES_MAX, buffer};

    #[test]
    fn a_recorder_that_stands_still_tears_the_tape_and_nothing_waits() {
        let (buffer, reader) = buffer();
        let half = vec![0; WAITING_BYTES_MAX / 2];
        for elapsed in 0..3 {
            buffer.record(&half, elapsed);
        }

        let batch = reader.take();
        assert_eq!((batch.records.len(), batch.is_cut_short), (2, true));
        buffer.record(&[1], 4);
        assert!(reader.take().records.is_empty());

        drop(buffer);
        assert!(matches!(reader.take().ending, Some(Ending::Dropped)));
    }
}
