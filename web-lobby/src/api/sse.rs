//! Server-sent events: the scoreboard and the list of rooms.
//!
//! An `EventSource` gives up for good when the server refuses it, a new one does not know the last event's id, and it
//! takes an open socket for a line that is alive. So every disconnect and every silence ends the `EventSource` here, and
//! the next one starts from the cursor after a growing delay.
//!
//! The windows of a browser share the stream of a feed: one of them reads it, and passes the envelopes on.

mod reader;

use leptos::prelude::*;
use serde::de::DeserializeOwned;
use shared::api::{RoomClosed, RoomList, RoomSummary, ScoreRow, Scoreboard};
use shared::feed::{KIND_RESET, KIND_SNAPSHOT};

use super::lenient;
use super::transport::Status;
use reader::Reader;

/// State that the server keeps up to date with events.
pub(crate) trait Feed: Clone + DeserializeOwned + Send + Sync + 'static {
    /// The feed's name in the URL.
    const NAME: &'static str;
    /// The types of the feed's events.
    const KINDS: &'static [&'static str];
    /// The name of the list in the state, and an item of it.
    const LIST: &'static str;
    type Item: DeserializeOwned;

    /// Applies the data of one event. Returns false when this build does not understand it.
    fn apply(&mut self, kind: &str, data: &str) -> bool;
}

impl Feed for Scoreboard {
    const NAME: &'static str = "scoreboard";
    const KINDS: &'static [&'static str] = &[Self::EVENT_SCORE];
    const LIST: &'static str = "rows";
    type Item = ScoreRow;

    fn apply(&mut self, _kind: &str, data: &str) -> bool {
        serde_json::from_str(data).map(|row: ScoreRow| self.upsert(row)).is_ok()
    }
}

impl Feed for RoomList {
    const NAME: &'static str = "rooms";
    const KINDS: &'static [&'static str] = &[Self::EVENT_ROOM, Self::EVENT_CLOSED];
    const LIST: &'static str = "rooms";
    type Item = RoomSummary;

    fn apply(&mut self, kind: &str, data: &str) -> bool {
        if kind == Self::EVENT_CLOSED {
            serde_json::from_str(data).map(|closed: RoomClosed| self.close(closed.id)).is_ok()
        } else {
            serde_json::from_str(data).map(|room: RoomSummary| self.upsert(room)).is_ok()
        }
    }
}

/// The newest state of a feed, as signals.
#[derive(Debug)]
pub(crate) struct LiveFeed<T: Send + Sync + 'static> {
    /// The state. `None` before the first snapshot.
    pub(crate) state: RwSignal<Option<T>>,
    /// The state of the connection.
    pub(crate) status: RwSignal<Status>,
    /// When the line was last known to be alive, in milliseconds since 1970.
    pub(crate) heard_ms: StoredValue<f64>,
}

impl<T: Send + Sync + 'static> Clone for LiveFeed<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Send + Sync + 'static> Copy for LiveFeed<T> {}

impl<T: Feed> LiveFeed<T> {
    /// Follows the feed for as long as the page lives.
    pub(crate) fn provide() {
        let feed = Self {
            state: RwSignal::new(None),
            status: RwSignal::new(Status::Connecting),
            heard_ms: StoredValue::new(0.0),
        };
        provide_context(feed);
        let apply = move |kind: &str, data: &str| apply(feed.state, kind, data);
        Reader::start(T::NAME, T::KINDS, Box::new(apply), feed.status, feed.heard_ms);
    }

    /// The page's one.
    pub(crate) fn expect() -> Self {
        expect_context()
    }
}

/// Applies the data of an envelope. Returns false when this build does not understand it.
fn apply<T: Feed>(state: RwSignal<Option<T>>, kind: &str, data: &str) -> bool {
    if [KIND_SNAPSHOT, KIND_RESET].contains(&kind) {
        let whole = lenient::read::<T, T::Item>(data, T::LIST);
        let is_understood = whole.is_some();
        if is_understood {
            state.set(whole);
        }
        return is_understood;
    }
    let mut is_understood = true;
    state.update(|state| {
        if let Some(state) = state {
            is_understood = state.apply(kind, data);
        }
    });
    is_understood
}
