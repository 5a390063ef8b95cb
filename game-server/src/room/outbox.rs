//! The newest seconds of a room's stream, for readers that each keep a place in it.
//!
//! What the room says is encoded once and stays here for a short while. A reader is a number: it takes
//! everything after its place in one go. A reader that the window has left behind starts again from the
//! roster and the newest keyframe. So a slow reader costs nothing, and nobody waits for it.
//!
//! **Invariant:** everything after the newest keyframe is in the window.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use shared::feed::Cursor;
use shared::protocol::ServerMessage;
use shared::snapshot::{FRAME_BYTES_MAX, next_record};
use shared::tick::{KEYFRAME_EVERY_TICKS, SNAPSHOT_EVERY_TICKS};
use tokio::sync::watch;

use super::frames;
use crate::sync::lock;

/// Entries kept at least: a little more than lies between two keyframes, so that a reader that is late by
/// less than two seconds loses nothing.
const WINDOW_ENTRIES: usize = (KEYFRAME_EVERY_TICKS / SNAPSHOT_EVERY_TICKS) as usize + 16;

/// Where the room writes.
#[derive(Debug)]
pub(super) struct Outbox {
    window: Arc<Mutex<Window>>,
    /// Wakes the readers. The number is that of the round.
    changed: watch::Sender<u32>,
}

/// The address of an [`Outbox`], to read from it.
#[derive(Debug, Clone)]
pub(super) struct Outlet {
    window: Arc<Mutex<Window>>,
    changed: watch::Receiver<u32>,
}

/// One place in the stream. What is looked at most often comes first.
#[derive(Debug)]
#[repr(C)]
pub(super) struct Reader {
    /// The number of the next entry. Nothing before the first.
    next: Option<u64>,
    /// Only what is said in words and who sits where: the player is told of the world by itself.
    words_only: bool,
    outlet: Outlet,
    skips: Skips,
}

/// How often a reader could not follow.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Skips {
    /// It had fallen behind and started again from a keyframe.
    pub(super) restarts: u32,
    /// Entries that it did not get for that.
    pub(super) entries: u64,
    /// Keyframes that went to it alone, the one that it began with included.
    pub(super) keyframes: u32,
}

impl Skips {
    /// From where it was to the first entry after a keyframe.
    fn note(&mut self, behind: Option<u64>, after: u64) {
        self.keyframes += 1;
        if let Some(behind) = behind {
            self.restarts += 1;
            self.entries += after.saturating_sub(behind);
        }
    }
}

/// Something that was said, as a whole WebSocket frame and, when it is one, as a record of the match
/// stream: a part of the same bytes. An aside behind the record is in the frame alone.
#[derive(Debug, Clone)]
struct Entry {
    frame: Bytes,
    record: Bytes,
    /// For those, too, who do not follow the whole stream.
    is_for_all: bool,
}

#[derive(Debug, Default)]
struct Window {
    /// The number of the first entry.
    first: u64,
    entries: VecDeque<Entry>,
    roster: Bytes,
    /// The newest keyframe, and the number of the first entry after it.
    keyframe: Option<(Bytes, u64)>,
    /// What a file of this round begins with. Empty when the round is not recorded.
    preamble: Bytes,
    round: u32,
    ended: bool,
}

impl Entry {
    fn frame(record: &[u8]) -> Self {
        Self::with_aside(record, &[])
    }

    fn with_aside(record: &[u8], aside: &[u8]) -> Self {
        let frame = stream_frame([record, aside].concat());
        let end = frame.len() - aside.len();
        let record = frame.slice(end - record.len()..end);
        Self { frame, record, is_for_all: false }
    }

    /// A roster: each of its records is a message, for a crowd's is long.
    fn roster(run: &[u8]) -> impl Iterator<Item = Self> {
        each_record(run).map(|record| Self { is_for_all: true, ..Self::frame(record) })
    }
}

/// The records of a run, each with its length before it.
fn each_record(mut run: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        // The room's own records are whole.
        let (_, rest) = next_record(run).ok()??;
        let (record, _) = run.split_at(run.len() - rest.len());
        run = rest;
        Some(record)
    })
}

/// Records as messages, each with as many as it may have.
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

/// Records as a message, ready to be sent.
pub(super) fn stream_frame(records: Vec<u8>) -> Bytes {
    frames::binary(&ServerMessage::Frames(records).encode())
}

impl Window {
    fn end(&self) -> u64 {
        self.first + self.entries.len() as u64
    }

    fn push(&mut self, entry: Entry) {
        self.entries.push_back(entry);
        let needed = self.keyframe.as_ref().map_or(self.first, |(_, after)| *after);
        while self.entries.len() > WINDOW_ENTRIES && self.first < needed {
            self.entries.pop_front();
            self.first += 1;
        }
    }

    fn after(&self, place: u64) -> impl Iterator<Item = &Entry> {
        let skipped = usize::try_from(place.saturating_sub(self.first)).unwrap_or(usize::MAX);
        self.entries.iter().skip(skipped)
    }
}

impl Outbox {
    pub(super) fn new() -> Self {
        Self { window: Arc::default(), changed: watch::Sender::new(0) }
    }

    pub(super) fn outlet(&self) -> Outlet {
        Outlet { window: self.window.clone(), changed: self.changed.subscribe() }
    }

    /// A round begins: its roster and its first keyframe go to everybody.
    pub(super) fn begin(&self, preamble: Vec<u8>, roster: &[u8], keyframe: &[u8]) {
        let mut window = lock(&self.window);
        window.preamble = preamble.into();
        window.round += 1;
        window.ended = false;
        window.roster = Bytes::copy_from_slice(roster);
        Entry::roster(roster).for_each(|entry| window.push(entry));
        window.push(Entry::frame(keyframe));
        window.keyframe = Some((Bytes::copy_from_slice(keyframe), window.end()));
        let round = window.round;
        drop(window);
        self.changed.send_replace(round);
    }

    /// The number of the next entry: a reader that is there has nothing to take.
    pub(super) fn end(&self) -> u64 {
        lock(&self.window).end()
    }

    /// One record for everybody, and what only those are told with it who are in step: it soon is worth nothing.
    pub(super) fn record(&self, record: &[u8], aside: &[u8]) {
        self.say(Entry::with_aside(record, aside), |_| ());
    }

    /// What is new in the roster, for everybody; and the whole of it, for those who come.
    pub(super) fn roster(&self, news: &[u8], whole: &[u8]) {
        let mut window = lock(&self.window);
        Entry::roster(news).for_each(|entry| window.push(entry));
        window.roster = Bytes::copy_from_slice(whole);
        drop(window);
        self.changed.send_modify(|_| ());
    }

    /// A keyframe that readers in step do not need: a place to enter.
    pub(super) fn keyframe(&self, record: &[u8]) {
        let mut window = lock(&self.window);
        window.keyframe = Some((Bytes::copy_from_slice(record), window.end()));
    }

    /// The round is over: its last record.
    pub(super) fn finish(&self, record: &[u8]) {
        self.say(Entry::frame(record), |window| window.ended = true);
    }

    /// A message for those who are connected; no part of the match stream.
    pub(super) fn message(&self, message: &ServerMessage) {
        let frame = frames::binary(&message.encode());
        self.say(Entry { frame, record: Bytes::new(), is_for_all: true }, |_| ());
    }

    /// Adds an entry and notes what goes with it: no reader sees one without the other.
    fn say(&self, entry: Entry, note: impl FnOnce(&mut Window)) {
        let mut window = lock(&self.window);
        window.push(entry);
        note(&mut window);
        drop(window);
        self.changed.send_modify(|_| ());
    }
}

impl Outlet {
    /// A reader that has seen nothing.
    pub(super) fn reader(&self) -> Reader {
        Reader { outlet: self.clone(), next: None, words_only: false, skips: Skips::default() }
    }

    /// One for a player who is told of the world by itself.
    pub(super) fn reader_of_words(&self) -> Reader {
        Reader { words_only: true, ..self.reader() }
    }

    /// What was recorded after a place, and the place behind it; the epoch of a place is its round. Without one, or
    /// when it has left the window: the round as a file begins, from its newest keyframe. Nothing while no
    /// round can be entered.
    pub(super) fn since(&self, after: Option<Cursor>) -> Option<(Vec<u8>, Cursor)> {
        let window = lock(&self.window);
        let here = Cursor { epoch: window.round.into(), sequence: window.end() };
        let is_known = |after: &Cursor| {
            after.epoch == here.epoch && (window.first..=here.sequence).contains(&after.sequence)
        };
        let (mut bytes, place) = match after.filter(is_known) {
            Some(after) => (Vec::new(), after.sequence),
            None if window.ended || window.preamble.is_empty() => return None,
            None => {
                let (keyframe, place) = window.keyframe.as_ref()?;
                ([&window.preamble, &window.roster, keyframe].map(Bytes::as_ref).concat(), *place)
            }
        };
        window.after(place).for_each(|entry| bytes.extend_from_slice(&entry.record));
        Some((bytes, here))
    }
}

/// What a round's stream is, for a reader who follows one round only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RoundStream {
    /// Which round: counts from 1.
    pub(super) round: u32,
    /// What its file begins with. Empty when it is not recorded.
    pub(super) preamble: Bytes,
    /// Nothing follows.
    pub(super) ended: bool,
}

impl Reader {
    /// Waits until there may be something new. False when the room is gone.
    pub(super) async fn changed(&mut self) -> bool {
        self.outlet.changed.changed().await.is_ok()
    }

    /// Adds what is new to `outgoing`, as frames that are ready to be sent.
    pub(super) fn take_frames(&mut self, outgoing: &mut Vec<Bytes>) {
        let window = lock(&self.outlet.window);
        let place = match self.next {
            Some(place) if place >= window.first => place,
            behind => {
                let Some((keyframe, after)) = &window.keyframe else { return };
                self.skips.note(behind, *after);
                let world = Some(keyframe.as_ref()).filter(|_| !self.words_only);
                outgoing.extend(messages(each_record(&window.roster).chain(world)));
                *after
            }
        };
        self.next = Some(window.end());
        let words_only = self.words_only;
        let entries = window.after(place).filter(|entry| entry.is_for_all || !words_only);
        let mut entries = entries.peekable();
        while let Some(entry) = entries.next() {
            // Nearly always there is one entry, and it is sent as it is.
            let follows = |next: &&Entry| !next.record.is_empty();
            if entry.record.is_empty() || entries.peek().is_none_or(|next| !follows(next)) {
                outgoing.push(entry.frame.clone());
                continue;
            }
            // Records that have waited travel as one message, as long as it is none too long.
            let mut run = entry.record.to_vec();
            while let Some(next) = entries
                .next_if(|next| follows(next) && run.len() + next.record.len() <= FRAME_BYTES_MAX)
            {
                run.extend_from_slice(&next.record);
            }
            outgoing.push(stream_frame(run));
        }
    }

    /// Puts what is new into `frames`, for this reader and all that are where it is. Says where that is; nothing when it
    /// had to start again, which others may not have to.
    pub(super) fn take_for_all(&mut self, frames: &mut Vec<Bytes>) -> Option<u64> {
        let (place, skips) = (self.next, self.skips);
        frames.clear();
        self.take_frames(frames);
        place.filter(|_| self.skips == skips)
    }

    /// Goes on to `end` when it is at `place` and follows everything: what lies between has been taken for it.
    pub(super) fn goes_along(&mut self, place: Option<u64>, end: u64) -> bool {
        let is_along = place.is_some() && self.next == place && !self.words_only;
        if is_along {
            self.next = Some(end);
        }
        is_along
    }

    /// Adds the records that are new to `bytes`. Tells of which round they are; when that is not the
    /// round that was read before, nothing was added.
    pub(super) fn take_records(
        &mut self,
        of_round: Option<u32>,
        bytes: &mut Vec<u8>,
    ) -> RoundStream {
        let window = lock(&self.outlet.window);
        let stream = RoundStream {
            round: window.round,
            preamble: window.preamble.clone(),
            ended: window.ended,
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
        window.after(place).for_each(|entry| bytes.extend_from_slice(&entry.record));
        stream
    }

    /// Whether there is nothing to take, when the outbox ends there.
    pub(super) fn is_at(&self, end: u64) -> bool {
        self.next == Some(end)
    }

    /// Starts again from the newest keyframe, whatever was read before.
    pub(super) fn rewind(&mut self) {
        self.next = None;
    }

    /// Starts again from the newest keyframe, for a client that has lost the thread. When the round is over there is
    /// nothing to follow: the next one begins with a keyframe.
    pub(super) fn heal(&mut self) {
        if !lock(&self.outlet.window).ended {
            self.rewind();
        }
    }

    /// How often it could not follow since the last call.
    pub(super) fn take_skips(&mut self) -> Skips {
        core::mem::take(&mut self.skips)
    }
}

#[cfg(test)]
mod tests;
