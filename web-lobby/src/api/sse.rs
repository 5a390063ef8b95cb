//! Server-sent events: the scoreboard and the list of rooms.
//!
//! An `EventSource` gives up for good when the server refuses it, and a new one does not know the last event's id. So
//! every disconnect ends the `EventSource` here, and the next one starts from the cursor after a growing delay.

use std::cell::RefCell;
use std::rc::Rc;

use leptos::prelude::*;
use leptos::task::spawn_local;
use serde::de::DeserializeOwned;
use shared::api::{RoomClosed, RoomList, RoomSummary, ScoreRow, Scoreboard};
use shared::feed::{Cursor, Envelope, KIND_RESET, KIND_SNAPSHOT};
use wasm_bindgen::JsCast as _;
use wasm_bindgen::closure::Closure;
use web_sys::{Event, EventSource, MessageEvent};

use super::notify::{self, Notify};
use super::transport::Status;
use super::{retry, visibility};

/// State that the server keeps up to date with events.
pub(crate) trait Feed: Clone + DeserializeOwned + Send + Sync + 'static {
    /// The feed's name in the URL.
    const NAME: &'static str;
    /// The types of the feed's events.
    const KINDS: &'static [&'static str];

    /// Applies one event. Returns false when this build does not understand it.
    fn apply(&mut self, kind: &str, envelope: &str) -> bool;
}

impl Feed for Scoreboard {
    const NAME: &'static str = "scoreboard";
    const KINDS: &'static [&'static str] = &[Self::EVENT_SCORE];

    fn apply(&mut self, _kind: &str, envelope: &str) -> bool {
        data::<ScoreRow>(envelope).map(|row| self.upsert(row)).is_some()
    }
}

impl Feed for RoomList {
    const NAME: &'static str = "rooms";
    const KINDS: &'static [&'static str] = &[Self::EVENT_ROOM, Self::EVENT_CLOSED];

    fn apply(&mut self, kind: &str, envelope: &str) -> bool {
        if kind == Self::EVENT_CLOSED {
            data::<RoomClosed>(envelope).map(|closed| self.close(closed.id)).is_some()
        } else {
            data::<RoomSummary>(envelope).map(|room| self.upsert(room)).is_some()
        }
    }
}

fn data<T: DeserializeOwned>(envelope: &str) -> Option<T> {
    serde_json::from_str::<Envelope<T>>(envelope).ok().map(|envelope| envelope.data)
}

/// The newest state of a feed, as signals.
#[derive(Debug)]
pub(crate) struct LiveFeed<T: Send + Sync + 'static> {
    /// The state. `None` before the first snapshot.
    pub(crate) state: RwSignal<Option<T>>,
    /// The state of the connection.
    pub(crate) status: RwSignal<Status>,
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
        let feed = Self { state: RwSignal::new(None), status: RwSignal::new(Status::Connecting) };
        provide_context(feed);
        spawn_local(feed.follow());
    }

    /// The page's one.
    pub(crate) fn expect() -> Self {
        expect_context()
    }

    async fn follow(self) {
        let cursor = Rc::new(RefCell::new(None));
        let mut backoff = retry::backoff();
        let current = Rc::new(RefCell::new(Notify::new()));
        spawn_local(disconnect_while_hidden(current.clone()));
        loop {
            let Some(connection) = Connection::open(self, cursor.clone()) else {
                return self
                    .status
                    .set(Status::Stopped("This browser does not support EventSource.".to_owned()));
            };
            *current.borrow_mut() = connection.lost.clone();
            connection.lost.notified().await;
            if self.status.get_untracked() == Status::Live {
                backoff.reset();
            }
            drop(connection);
            if visibility::is_hidden() {
                self.status.set(Status::Resting);
                visibility::until_visible().await;
                self.status.set(Status::Connecting);
            } else {
                retry::wait(&mut backoff, None, |status| self.status.set(status)).await;
            }
        }
    }
}

/// Ends the current connection whenever the page has been hidden for a while.
async fn disconnect_while_hidden(current: Rc<RefCell<Notify>>) {
    loop {
        visibility::hidden_for_a_while().await;
        current.borrow().notify();
        visibility::until_visible().await;
    }
}

/// One `EventSource`, closed when dropped.
struct Connection {
    source: EventSource,
    lost: Notify,
    _on_event: Closure<dyn FnMut(MessageEvent)>,
    _on_open: Closure<dyn FnMut(Event)>,
    _on_error: Closure<dyn FnMut(Event)>,
}

impl Connection {
    fn open<T: Feed>(feed: LiveFeed<T>, cursor: Rc<RefCell<Option<Cursor>>>) -> Option<Self> {
        let after = cursor.borrow().map(|cursor| format!("?after={cursor}")).unwrap_or_default();
        let source = EventSource::new(&format!("/api/feeds/{}{after}", T::NAME)).ok()?;
        let lost = Notify::new();

        let on_event = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            let text = event.data().as_string().unwrap_or_default();
            receive(feed, &event.type_(), &text);
            *cursor.borrow_mut() = event.last_event_id().parse().ok();
        });
        let on_open = Closure::<dyn FnMut(Event)>::new(move |_event: Event| {
            let was_cut = matches!(feed.status.get_untracked(), Status::Reconnecting { .. });
            feed.status.set(Status::Live);
            if was_cut {
                // The server is back, so the other connections need not wait any longer.
                notify::wake_sleepers();
            }
        });
        let on_error = {
            let lost = lost.clone();
            Closure::<dyn FnMut(Event)>::new(move |_event: Event| lost.notify())
        };

        source.set_onopen(Some(on_open.as_ref().unchecked_ref()));
        source.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        for kind in [KIND_SNAPSHOT, KIND_RESET].iter().chain(T::KINDS) {
            let listener = on_event.as_ref().unchecked_ref();
            source.add_event_listener_with_callback(kind, listener).ok()?;
        }
        Some(Self { source, lost, _on_event: on_event, _on_open: on_open, _on_error: on_error })
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.source.close();
    }
}

fn receive<T: Feed>(feed: LiveFeed<T>, kind: &str, envelope: &str) {
    if [KIND_SNAPSHOT, KIND_RESET].contains(&kind) {
        if let Some(state) = data::<T>(envelope) {
            feed.state.set(Some(state));
        }
        return;
    }
    feed.state.update(|state| {
        if let Some(state) = state {
            state.apply(kind, envelope);
        }
    });
}
