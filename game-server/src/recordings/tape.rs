//! A round's tape: its room writes it without ever waiting, the recorder reads it a few times a second.

use std::sync::{Arc, Mutex};

use shared::api::ReplayPlayer;
use shared::sim::{Event, World};
use shared::tick::Tick;
use tokio::sync::Notify;

use crate::storage::PlaceRecord;
use crate::sync::lock;

/// Bytes that may wait for the recorder: many minutes of play. When they are there, the disk has stood
/// still for so long; the recording ends where it is, is marked incomplete, and the room goes on.
const WAITING_BYTES_MAX: usize = 1024 * 1024;

/// The room's end. Dropping it without an ending leaves the file for the next start to save.
#[derive(Debug)]
pub(crate) struct Tape(Arc<Shared>);

/// The recorder's end.
#[derive(Debug)]
pub(super) struct TapeReader(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    waiting: Mutex<Batch>,
    ended: Notify,
}

/// What has come since the recorder last looked.
#[derive(Debug, Default)]
pub(super) struct Batch {
    /// In order.
    pub(super) records: Vec<Take>,
    /// What happened, for the markers.
    pub(super) events: Vec<(Tick, Event)>,
    /// Something was lost before this batch ended; nothing after it is on the tape.
    pub(super) is_torn: bool,
    /// Nothing follows.
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

/// How a tape ends.
#[derive(Debug)]
pub(crate) enum Ending {
    /// The round was played to its end.
    Finished(Box<Finished>),
    /// The server stops: it plays up to here.
    CutOff {
        /// Who played, best first.
        players: Vec<ReplayPlayer>,
        /// Length in ticks.
        ticks: u32,
    },
    /// The room is gone without a word: a fault.
    Dropped,
}

/// A round that is over.
#[derive(Debug)]
pub(crate) struct Finished {
    /// The world as it ended.
    pub(crate) world: World,
    /// Who played, best first.
    pub(crate) players: Vec<ReplayPlayer>,
    /// What it did to the players. Empty when the round was not rated.
    pub(crate) places: Vec<PlaceRecord>,
    /// When it ended, milliseconds since 1970.
    pub(crate) ended_at_ms: u64,
}

/// An empty tape.
pub(super) fn tape() -> (Tape, TapeReader) {
    let shared = Arc::new(Shared::default());
    (Tape(shared.clone()), TapeReader(shared))
}

impl Tape {
    /// Adds a record.
    pub(crate) fn record(&self, record: &[u8], elapsed: u32) {
        let mut waiting = lock(&self.0.waiting);
        if waiting.is_torn {
            return;
        }
        if waiting.bytes + record.len() > WAITING_BYTES_MAX {
            waiting.is_torn = true;
            metrics::counter!("pushback_recordings_torn_total").increment(1);
            return;
        }
        waiting.bytes += record.len();
        waiting.records.push(Take { record: record.to_vec(), elapsed });
    }

    /// Notes what happened in a tick.
    pub(crate) fn events(&self, tick: Tick, events: &[Event]) {
        let mut waiting = lock(&self.0.waiting);
        if !waiting.is_torn {
            waiting.events.extend(events.iter().map(|event| (tick, *event)));
        }
    }

    /// Ends the tape.
    pub(crate) fn end(self, ending: Ending) {
        lock(&self.0.waiting).ending = Some(ending);
    }
}

impl Drop for Tape {
    fn drop(&mut self) {
        lock(&self.0.waiting).ending.get_or_insert(Ending::Dropped);
        self.0.ended.notify_one();
    }
}

impl TapeReader {
    /// Takes what has come.
    pub(super) fn take(&self) -> Batch {
        let mut waiting = lock(&self.0.waiting);
        let torn = waiting.is_torn;
        let batch = core::mem::take(&mut *waiting);
        // Once torn, it stays so: a gap cannot be closed.
        waiting.is_torn = torn;
        batch
    }

    /// Waits for the end.
    pub(super) async fn ended(&self) {
        self.0.ended.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use super::{Ending, WAITING_BYTES_MAX, tape};

    #[test]
    fn a_recorder_that_stands_still_tears_the_tape_and_nothing_waits() {
        let (tape, reader) = tape();
        let half = vec![0; WAITING_BYTES_MAX / 2];
        for elapsed in 0..3 {
            tape.record(&half, elapsed);
        }

        let batch = reader.take();
        assert_eq!((batch.records.len(), batch.is_torn), (2, true));
        tape.record(&[1], 4);
        assert!(reader.take().records.is_empty());

        drop(tape);
        assert!(matches!(reader.take().ending, Some(Ending::Dropped)));
    }
}
