//! One subscriber of a feed: a position in its log. The streaming transports are loops around [`Reader::next`].

use std::collections::VecDeque;
use std::sync::Arc;

use shared::feed::Cursor;
use tokio::sync::watch;

use super::feed::{Event, Gone, Head, Source};
use crate::drain::Share;

/// Events taken from the log at once. Bounds the memory of a slow reader.
const BATCH_EVENTS_MAX: usize = 64;

/// Where a reader begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// With the snapshot.
    Snapshot,
    /// With the event after this one.
    After(Cursor),
    /// With a reset: the client named a cursor that cannot be read.
    Unknown,
}

/// What a reader waits for.
#[derive(Debug)]
pub enum Next {
    /// An event.
    Event(Arc<Event>),
    /// [`Head::late_since_ms`] has changed: a heartbeat is to say so.
    Lateness,
}

/// A position in a feed's log. Dropping it unsubscribes.
pub struct Reader {
    source: Arc<dyn Source>,
    changes: watch::Receiver<Head>,
    /// [`Head::ends`] when this reader began.
    ends: u32,
    /// When it ends while the server drains.
    share: Share,
    /// [`Head::late_since_ms`] as it was told last.
    late_since_ms: Option<u64>,
    /// The last event that was put into `ready`.
    cursor: Cursor,
    /// Bounded by [`BATCH_EVENTS_MAX`].
    ready: VecDeque<Arc<Event>>,
}

impl Reader {
    /// Subscribes.
    #[must_use]
    pub fn open(source: Arc<dyn Source>, start: Start) -> Self {
        // Subscribed before reading, so that an event between the two is not lost.
        let changes = source.changes();
        let (cursor, first) = match start {
            Start::After(cursor) => (cursor, None),
            Start::Snapshot => {
                let snapshot = source.snapshot();
                (snapshot.cursor, Some(snapshot.opening.clone()))
            }
            Start::Unknown => {
                let snapshot = source.snapshot();
                (snapshot.cursor, Some(snapshot.reset.clone()))
            }
        };
        let Head { ends, ended_shares, .. } = *changes.borrow();
        let share = Share::draw(ended_shares);
        let ready = first.into_iter().collect();
        Self { source, changes, ends, share, late_since_ms: None, cursor, ready }
    }

    /// The next event, or a reset when the log has moved past this reader. `None` once the feed is closed, or its
    /// streams are ended, and it is read to its end. Cancel-safe.
    pub async fn next(&mut self) -> Option<Next> {
        loop {
            if let Some(event) = self.next_ready() {
                return Some(Next::Event(event));
            }
            let head = *self.changes.borrow();
            let is_over = head.closed || head.ends != self.ends;
            if is_over || self.share.has_ended(head.ended_shares) {
                return None;
            }
            if head.late_since_ms != self.late_since_ms {
                self.late_since_ms = head.late_since_ms;
                return Some(Next::Lateness);
            }
            let _waiting = self.source.fan_out().wait();
            // An error means that the feed is dropped, which ends the stream as well.
            self.changes.changed().await.ok()?;
        }
    }

    /// The next event, if it is there already.
    pub fn next_ready(&mut self) -> Option<Arc<Event>> {
        if self.ready.is_empty() {
            self.refill();
        }
        self.ready.pop_front()
    }

    /// The position: the last event that was taken from the log.
    #[must_use]
    pub const fn cursor(&self) -> Cursor {
        self.cursor
    }

    /// [`Head::late_since_ms`], for a heartbeat that is sent now.
    pub fn late_since_ms(&mut self) -> Option<u64> {
        self.late_since_ms = self.changes.borrow().late_since_ms;
        self.late_since_ms
    }

    fn refill(&mut self) {
        self.changes.mark_unchanged();
        match self.source.after(self.cursor, BATCH_EVENTS_MAX) {
            Ok(events) => self.ready.extend(events),
            Err(Gone) => self.ready.push_back(self.source.snapshot().reset.clone()),
        }
        if let Some(last) = self.ready.back() {
            self.cursor = last.cursor;
        }
    }
}
