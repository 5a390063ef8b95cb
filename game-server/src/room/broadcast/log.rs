//! The newest seconds of a room's stream, and where a reader may enter it.
//!
//! **Invariant:** everything after the newest keyframe is in the log.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use shared::feed::Cursor;
use shared::protocol::ServerMessage;
use shared::snapshot::next_record;
use shared::tick::{KEYFRAME_EVERY_TICKS, SNAPSHOT_EVERY_TICKS};
use tokio::sync::watch;

use crate::room::connection::frames;
use crate::sync::lock;

/// The log keeps at least this many entries: a few more than lie between two keyframes, so that a reader that
/// is late by less than two seconds misses nothing.
pub(super) const ENTRIES_KEPT: usize = (KEYFRAME_EVERY_TICKS / SNAPSHOT_EVERY_TICKS) as usize + 16;

/// The writing end of the log. Only the room has it.
#[derive(Debug)]
pub(in crate::room) struct BroadcastLog {
    window: Arc<Mutex<Window>>,
    /// Wakes the readers that wait. The value is the number of the round.
    changed: watch::Sender<u32>,
}

/// The reading end of the log.
#[derive(Debug, Clone)]
pub(in crate::room) struct LogReader {
    window: Arc<Mutex<Window>>,
    changed: watch::Receiver<u32>,
}

/// One message to all connections: as a whole WebSocket frame and, if it is one, as a record of the match
/// stream, which is a part of the same bytes. Relayed inputs behind the record are in the frame alone.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) frame: Bytes,
    /// Empty when the message is no part of the match stream.
    pub(super) record: Bytes,
    /// Also for the players of a crowd, who do not get the whole stream.
    pub(super) is_for_crowd: bool,
}

/// The log itself.
#[derive(Debug, Default)]
pub(super) struct Window {
    /// The number of the first entry that is kept.
    pub(super) first: u64,
    entries: VecDeque<Entry>,
    pub(super) roster: Bytes,
    /// The newest keyframe, and the number of the first entry after it.
    pub(super) keyframe: Option<(Bytes, u64)>,
    /// The first bytes of this round's file. Empty when the round is not recorded.
    pub(super) preamble: Bytes,
    /// Counts the rounds from 1.
    pub(super) round: u32,
    /// The round is over: none of its records follows.
    pub(super) has_ended: bool,
}

impl Entry {
    fn record(record: &[u8]) -> Self {
        Self::with_relayed(record, &[])
    }

    fn with_relayed(record: &[u8], relayed: &[u8]) -> Self {
        let frame = stream_frame([record, relayed].concat());
        let end = frame.len() - relayed.len();
        let record = frame.slice(end - record.len()..end);
        Self { frame, record, is_for_crowd: false }
    }

    /// Each record of a roster is a message of its own, because the roster of a crowd is long.
    fn roster(records: &[u8]) -> impl Iterator<Item = Self> {
        each_record(records).map(|record| Self { is_for_crowd: true, ..Self::record(record) })
    }
}

/// The records that lie one behind the other in these bytes.
pub(super) fn each_record(mut records: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        // The room's own records are complete.
        let (_, rest) = next_record(records).ok()??;
        let (record, _) = records.split_at(records.len() - rest.len());
        records = rest;
        Some(record)
    })
}

/// Records as one message, ready to be sent.
pub(in crate::room) fn stream_frame(records: Vec<u8>) -> Bytes {
    frames::binary(&ServerMessage::Frames(records).encode())
}

impl Window {
    /// The number of the next entry.
    pub(super) fn end(&self) -> u64 {
        self.first + self.entries.len() as u64
    }

    fn push(&mut self, entry: Entry) {
        self.entries.push_back(entry);
        let needed = self.keyframe.as_ref().map_or(self.first, |(_, after)| *after);
        while self.entries.len() > ENTRIES_KEPT && self.first < needed {
            self.entries.pop_front();
            self.first += 1;
        }
    }

    /// The entries from this number on.
    pub(super) fn from(&self, place: u64) -> impl Iterator<Item = &Entry> {
        let skipped = usize::try_from(place.saturating_sub(self.first)).unwrap_or(usize::MAX);
        self.entries.iter().skip(skipped)
    }
}

impl BroadcastLog {
    pub(in crate::room) fn new() -> Self {
        Self { window: Arc::default(), changed: watch::Sender::new(0) }
    }

    pub(in crate::room) fn reader(&self) -> LogReader {
        LogReader { window: self.window.clone(), changed: self.changed.subscribe() }
    }

    /// The number of the next entry: a cursor at this place has nothing to take.
    pub(in crate::room) fn end(&self) -> u64 {
        lock(&self.window).end()
    }

    /// A round begins. Its roster and first keyframe go to all connections; `preamble` is the beginning of its
    /// file, empty when it is not recorded.
    pub(in crate::room) fn begin_round(&self, preamble: Vec<u8>, roster: &[u8], keyframe: &[u8]) {
        let mut window = lock(&self.window);
        window.preamble = preamble.into();
        window.round += 1;
        window.has_ended = false;
        window.roster = Bytes::copy_from_slice(roster);
        Entry::roster(roster).for_each(|entry| window.push(entry));
        window.push(Entry::record(keyframe));
        window.keyframe = Some((Bytes::copy_from_slice(keyframe), window.end()));
        let round = window.round;
        drop(window);
        self.changed.send_replace(round);
    }

    /// Appends a delta. The relayed inputs are only for connections that are up to date: they are soon worth
    /// nothing.
    pub(in crate::room) fn push_delta(&self, record: &[u8], relayed: &[u8]) {
        self.push(Entry::with_relayed(record, relayed), |_| ());
    }

    /// Appends what changed in the roster. The whole of it is for connections that begin later.
    pub(in crate::room) fn push_roster(&self, changes: &[u8], whole: &[u8]) {
        let mut window = lock(&self.window);
        Entry::roster(changes).for_each(|entry| window.push(entry));
        window.roster = Bytes::copy_from_slice(whole);
        drop(window);
        self.changed.send_modify(|_| ());
    }

    /// Sets the keyframe from which readers enter. Connections that are up to date do not need it.
    pub(in crate::room) fn set_keyframe(&self, record: &[u8]) {
        let mut window = lock(&self.window);
        window.keyframe = Some((Bytes::copy_from_slice(record), window.end()));
    }

    /// Appends the last record of a round.
    pub(in crate::room) fn end_round(&self, record: &[u8]) {
        self.push(Entry::record(record), |window| window.has_ended = true);
    }

    /// Appends a message that is no part of the match stream.
    pub(in crate::room) fn push_message(&self, message: &ServerMessage) {
        let frame = frames::binary(&message.encode());
        self.push(Entry { frame, record: Bytes::new(), is_for_crowd: true }, |_| ());
    }

    /// Appends an entry and notes what goes with it: no reader sees one without the other.
    fn push(&self, entry: Entry, note: impl FnOnce(&mut Window)) {
        let mut window = lock(&self.window);
        window.push(entry);
        note(&mut window);
        drop(window);
        self.changed.send_modify(|_| ());
    }
}

impl LogReader {
    pub(super) fn window(&self) -> MutexGuard<'_, Window> {
        lock(&self.window)
    }

    /// Waits until there may be something new. Returns false when the room is gone.
    pub(super) async fn changed(&mut self) -> bool {
        self.changed.changed().await.is_ok()
    }

    /// The records behind a place, and the place behind them; the epoch of a place is its round. Without a
    /// place, or when the log does not reach back to it: the round as its file begins, from the newest
    /// keyframe. `None` while no round can be entered.
    pub(in crate::room) fn since(&self, after: Option<Cursor>) -> Option<(Vec<u8>, Cursor)> {
        let window = lock(&self.window);
        let here = Cursor { epoch: window.round.into(), sequence: window.end() };
        let is_known = |after: &Cursor| {
            after.epoch == here.epoch && (window.first..=here.sequence).contains(&after.sequence)
        };
        let (mut bytes, place) = match after.filter(is_known) {
            Some(after) => (Vec::new(), after.sequence),
            None if window.has_ended || window.preamble.is_empty() => return None,
            None => {
                let (keyframe, place) = window.keyframe.as_ref()?;
                ([&window.preamble, &window.roster, keyframe].map(Bytes::as_ref).concat(), *place)
            }
        };
        window.from(place).for_each(|entry| bytes.extend_from_slice(&entry.record));
        Some((bytes, here))
    }
}
