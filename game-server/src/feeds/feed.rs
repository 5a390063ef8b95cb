//! A feed: a bounded, ordered log of events with an epoch, and the state that they add up to.
//!
//! Each event is encoded once; all transports share its bytes. A subscriber is a position in the log and not a queue: a
//! slow one costs a cursor, and when the log has moved past it, it starts again from a snapshot.
//!
//! **Invariant:** log, state and sequence number change together under one lock, so that a snapshot's cursor is exact.
//! **Invariant:** the JSON has no line break, so that one `data:` line holds it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::ws::Utf8Bytes;
use bytes::Bytes;
use serde::Serialize;
use shared::feed::{Cursor, Heartbeat, KIND_HEARTBEAT, KIND_RESET, KIND_SNAPSHOT};
use tokio::sync::watch;

use super::fan_out::FanOut;
use crate::clock::now_ms;
use crate::keepalive::heartbeat_now;
use crate::sync::lock;

/// The state that a feed's events add up to.
pub trait FeedState: Serialize + Send + 'static {
    /// A change of the state.
    type Event: Serialize + Send + Sync;
    /// The `type` of the event's envelope: lower-case letters.
    fn kind(event: &Self::Event) -> &'static str;
    /// Applies an event.
    fn apply(&mut self, event: Self::Event);
}

/// An event that has its number and its time from a log that several nodes share.
#[derive(Debug)]
pub struct Numbered<E> {
    /// The number.
    pub sequence: u64,
    /// The time, in milliseconds since 1970.
    pub at_ms: u64,
    /// The `type` of its envelope: lower-case letters.
    pub kind: String,
    /// Its JSON, on one line.
    pub data: String,
    /// The event, for the state. `None` when this build does not know it: it is passed on all the same, so that all nodes
    /// count alike.
    pub event: Option<E>,
}

/// An event does not follow the last one of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("event {found} does not follow event {last} of a feed")]
pub struct OutOfOrder {
    last: u64,
    found: u64,
}

/// The size of a log. Above either bound the oldest events are forgotten.
#[derive(Debug, Clone, Copy)]
pub struct FeedLimits {
    /// Events kept.
    pub events_max: usize,
    /// Bytes kept.
    pub bytes_max: usize,
}

impl Default for FeedLimits {
    fn default() -> Self {
        Self { events_max: 4_096, bytes_max: 1024 * 1024 }
    }
}

/// Events that a reader may be ahead when it comes from another node.
const AHEAD_MAX: u64 = 4_096;

/// One event, encoded for every transport. The three forms share one allocation.
#[derive(Debug)]
pub struct Event {
    /// The cursor after this event.
    pub cursor: Cursor,
    sse: Bytes,
    line: Bytes,
    text: Utf8Bytes,
}

impl Event {
    fn encode(cursor: Cursor, kind: &str, data: &str) -> Self {
        Self::encode_at(now_ms(), cursor, kind, data)
    }

    fn encode_at(at_ms: u64, cursor: Cursor, kind: &str, data: &str) -> Self {
        debug_assert!(kind.bytes().all(|b| b.is_ascii_lowercase()), "a type is a plain word");
        debug_assert!(!data.contains(['\r', '\n']), "JSON is written on one line");
        let envelope =
            format!(r#"{{"id":"{cursor}","type":"{kind}","at_ms":{at_ms},"data":{data}}}"#);
        let head = format!("id: {cursor}\nevent: {kind}\ndata: ");
        let (from, to) = (head.len(), head.len() + envelope.len());
        // Without spare capacity: the log keeps it for long.
        let block = format!("{head}{envelope}\n\n").into_boxed_str();
        let sse = Bytes::from(block.into_boxed_bytes());
        let text = Utf8Bytes::try_from(sse.slice(from..to)).unwrap_or_default();
        Self { cursor, line: sse.slice(from..=to), text, sse }
    }

    /// A heartbeat for a stream at this position, of a feed with this [`Head::late_since_ms`]. `every` is its longest silence.
    #[must_use]
    pub fn heartbeat(cursor: Cursor, late_since_ms: Option<u64>, every: Duration) -> Self {
        let beat = Heartbeat { late_since_ms, ..heartbeat_now(every) };
        Self::encode(cursor, KIND_HEARTBEAT, &json(&beat))
    }

    /// The event as a block of an event stream.
    #[must_use]
    pub fn sse(&self) -> Bytes {
        self.sse.clone()
    }

    /// The event as a line of NDJSON, with its line feed.
    #[must_use]
    pub fn line(&self) -> Bytes {
        self.line.clone()
    }

    /// The envelope alone, as JSON.
    #[must_use]
    pub fn text(&self) -> Utf8Bytes {
        self.text.clone()
    }
}

/// The state at one position in the log.
#[derive(Debug)]
pub struct Snapshot {
    /// The position.
    pub cursor: Cursor,
    /// The state as the body of an answer: [`shared::feed::SnapshotPage`].
    pub page: Bytes,
    /// The state as the first event of a stream.
    pub opening: Arc<Event>,
    /// The state as the event that tells a reader to start again.
    pub reset: Arc<Event>,
}

/// The position is not in the log: it is too old, from another epoch, or from the future.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the position is not in the feed's log")]
pub struct Gone;

/// A feed as its readers see it.
pub trait Source: Send + Sync {
    /// Its name in the address.
    fn name(&self) -> &'static str;
    /// The present state.
    fn snapshot(&self) -> Arc<Snapshot>;
    /// The events after a cursor, the oldest first, at most `max`. Empty when the cursor is at the end.
    ///
    /// # Errors
    /// [`Gone`] when the log no longer holds all of them.
    fn after(&self, cursor: Cursor, max: usize) -> Result<Vec<Arc<Event>>, Gone>;
    /// Changes with each event, and when the feed closes. Subscribe first and read then, so that no event is missed
    /// between the two.
    fn changes(&self) -> watch::Receiver<Head>;
    /// Its readers who wait.
    fn fan_out(&self) -> &FanOut;
}

/// The end of a log, for waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The number of the last event.
    pub sequence: u64,
    /// Whether the feed is closed: no event follows.
    pub closed: bool,
    /// How often all open streams were ended.
    pub ends: u32,
    /// The shares of the streams that were ended because the server drains.
    pub ended_shares: u16,
    /// Since when this server has not heard of the shared log, in milliseconds since 1970. `None` while it has all of it, and
    /// always without other nodes.
    pub late_since_ms: Option<u64>,
}

/// The log and its state.
pub struct Feed<S> {
    name: &'static str,
    limits: FeedLimits,
    log: Mutex<Log<S>>,
    head: watch::Sender<Head>,
    fan_out: FanOut,
}

struct Log<S> {
    epoch: u64,
    /// Whether other nodes have the same log. A reader who comes from one may then be ahead of this one.
    is_shared: bool,
    state: S,
    /// The number of the last event.
    sequence: u64,
    events: VecDeque<Arc<Event>>,
    bytes: usize,
    /// The encoded state, until the next event.
    snapshot: Option<Arc<Snapshot>>,
}

impl<S: FeedState> Feed<S> {
    /// A feed with this state, in a new epoch.
    #[must_use]
    pub fn new(name: &'static str, state: S, limits: FeedLimits) -> Self {
        Self {
            name,
            limits,
            log: Mutex::new(Log::new(rand::random(), state)),
            head: watch::Sender::new(Head {
                sequence: 0,
                closed: false,
                ends: 0,
                ended_shares: 0,
                late_since_ms: None,
            }),
            fan_out: FanOut::default(),
        }
    }

    /// Adds an event and wakes every reader. Never waits.
    pub fn publish(&self, event: S::Event) -> Cursor {
        let data = json(&event);
        let mut log = lock(&self.log);
        log.sequence += 1;
        let sequence = log.sequence;
        let cursor = Cursor { epoch: log.epoch, sequence };
        let encoded = Event::encode(cursor, S::kind(&event), &data);
        log.state.apply(event);
        log.snapshot = None;
        log.push(encoded, self.limits);
        drop(log);
        self.wake(sequence);
        cursor
    }

    /// Adds an event that has its number already, and wakes every reader. Never waits.
    ///
    /// # Errors
    /// When it is not the next one. Nothing is changed then.
    pub fn append(&self, numbered: Numbered<S::Event>) -> Result<(), OutOfOrder> {
        let Numbered { sequence, at_ms, kind, data, event } = numbered;
        let mut log = lock(&self.log);
        if sequence != log.sequence + 1 {
            return Err(OutOfOrder { last: log.sequence, found: sequence });
        }
        let cursor = Cursor { epoch: log.epoch, sequence };
        log.sequence = sequence;
        if let Some(event) = event {
            log.state.apply(event);
        }
        log.snapshot = None;
        log.push(Event::encode_at(at_ms, cursor, &kind, &data), self.limits);
        drop(log);
        self.wake(sequence);
        Ok(())
    }

    /// Begins anew with a log that other nodes have, too: its epoch, the state after event `sequence`, and the last events up
    /// to it. A reader of another epoch gets a reset.
    pub fn install(
        &self,
        epoch: u64,
        sequence: u64,
        state: S,
        events: impl IntoIterator<Item = Numbered<S::Event>>,
    ) {
        let mut installed = Log { sequence, is_shared: true, ..Log::new(epoch, state) };
        for Numbered { sequence, at_ms, kind, data, .. } in events {
            let cursor = Cursor { epoch, sequence };
            installed.push(Event::encode_at(at_ms, cursor, &kind, &data), self.limits);
        }
        *lock(&self.log) = installed;
        self.fan_out.wake();
        self.head.send_modify(|head| head.sequence = sequence);
    }

    /// Ends every open stream after what is in the log: this server has not heard of the shared log for too long, and
    /// another one may. New streams begin as always.
    pub fn end_streams(&self) {
        self.head.send_modify(|head| head.ends += 1);
    }

    /// Ends streams, each after what is in the log, until so many shares of them are ended: the server drains.
    pub fn end_shares(&self, ended: u16) {
        self.head
            .send_if_modified(|head| std::mem::replace(&mut head.ended_shares, ended) != ended);
    }

    /// Tells every reader that this server has not heard of the shared log since then. An earlier time stays.
    pub fn set_late(&self, since_ms: u64) {
        self.head.send_if_modified(|head| {
            let is_new = head.late_since_ms.is_none();
            head.late_since_ms.get_or_insert(since_ms);
            is_new
        });
    }

    /// Tells every reader that this server has all of the shared log again.
    pub fn set_current(&self) {
        self.head.send_if_modified(|head| head.late_since_ms.take().is_some());
    }

    /// The epoch and the number of the last event.
    pub fn position(&self) -> Cursor {
        let log = lock(&self.log);
        Cursor { epoch: log.epoch, sequence: log.sequence }
    }

    fn wake(&self, sequence: u64) {
        self.fan_out.wake();
        // Two publishers may arrive here in either order; the higher number stays.
        self.head.send_modify(|head| head.sequence = head.sequence.max(sequence));
    }

    /// Ends every stream after it has sent the rest of the log.
    pub fn close(&self) {
        self.head.send_modify(|head| head.closed = true);
    }

    /// Replaces the state after events were missed: every reader starts again with a reset.
    pub fn replace(&self, state: S) -> Cursor {
        let mut log = lock(&self.log);
        log.sequence += 1;
        let sequence = log.sequence;
        log.state = state;
        log.snapshot = None;
        // No events lead from an older position to this one.
        log.events.clear();
        log.bytes = 0;
        let epoch = log.epoch;
        drop(log);
        self.wake(sequence);
        Cursor { epoch, sequence }
    }

    /// Sets the stored state without an event, before anyone reads.
    pub fn restore(&self, state: S) {
        let mut log = lock(&self.log);
        log.state = state;
        log.snapshot = None;
    }

    /// Reads the state.
    pub fn with_state<T>(&self, look: impl FnOnce(&S) -> T) -> T {
        look(&lock(&self.log).state)
    }
}

impl<S> Log<S> {
    fn new(epoch: u64, state: S) -> Self {
        Self {
            epoch,
            is_shared: false,
            state,
            sequence: 0,
            events: VecDeque::new(),
            bytes: 0,
            snapshot: None,
        }
    }

    /// Whether a reader of another node has seen events that will come here, too.
    fn is_ahead(&self, cursor: Cursor) -> bool {
        let ahead = cursor.sequence.saturating_sub(self.sequence);
        self.is_shared && cursor.epoch == self.epoch && (1..=AHEAD_MAX).contains(&ahead)
    }

    fn push(&mut self, event: Event, limits: FeedLimits) {
        self.bytes += event.sse.len();
        self.events.push_back(Arc::new(event));
        while self.events.len() > limits.events_max || self.bytes > limits.bytes_max {
            let Some(oldest) = self.events.pop_front() else { break };
            self.bytes -= oldest.sse.len();
        }
    }
}

impl<S: FeedState> Source for Feed<S> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn snapshot(&self) -> Arc<Snapshot> {
        let mut log = lock(&self.log);
        if let Some(known) = &log.snapshot {
            return known.clone();
        }
        let cursor = Cursor { epoch: log.epoch, sequence: log.sequence };
        let data = json(&log.state);
        let snapshot = Arc::new(Snapshot {
            cursor,
            page: format!(r#"{{"cursor":"{cursor}","snapshot":{data}}}"#).into(),
            opening: Arc::new(Event::encode(cursor, KIND_SNAPSHOT, &data)),
            reset: Arc::new(Event::encode(cursor, KIND_RESET, &data)),
        });
        log.snapshot = Some(snapshot.clone());
        snapshot
    }

    fn after(&self, cursor: Cursor, max: usize) -> Result<Vec<Arc<Event>>, Gone> {
        let log = lock(&self.log);
        if log.is_ahead(cursor) {
            return Ok(Vec::new());
        }
        let missed = log.sequence.checked_sub(cursor.sequence).ok_or(Gone)?;
        let missed = usize::try_from(missed).or(Err(Gone))?;
        if cursor.epoch != log.epoch || missed > log.events.len() {
            return Err(Gone);
        }
        let first = log.events.len() - missed;
        Ok(log.events.range(first..).take(max).cloned().collect())
    }

    fn changes(&self) -> watch::Receiver<Head> {
        self.head.subscribe()
    }

    fn fan_out(&self) -> &FanOut {
        &self.fan_out
    }
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("a body of plain data encodes")
}

#[cfg(test)]
mod tests;
