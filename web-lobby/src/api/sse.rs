//! Server-sent events: the scoreboard and the list of rooms.
//!
//! A browser gives up for good when a server refuses an `EventSource`, and a new one forgets the last event's
//! id. So each cut ends the `EventSource` here, and the next begins from the cursor after a growing delay.

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

use super::link::Link;
use super::wake::{self, Gate};

/// A state that the server keeps sending changes of.
pub(crate) trait Feed: Clone + DeserializeOwned + Send + Sync + 'static {
    /// Its name in the address.
    const NAME: &'static str;
    /// The types of its events.
    const KINDS: &'static [&'static str];

    /// Takes one event in. False: this build does not understand it.
    fn fold(&mut self, kind: &str, envelope: &str) -> bool;
}

impl Feed for Scoreboard {
    const NAME: &'static str = "scoreboard";
    const KINDS: &'static [&'static str] = &[Self::EVENT_SCORE];

    fn fold(&mut self, _kind: &str, envelope: &str) -> bool {
        data::<ScoreRow>(envelope).map(|row| self.upsert(row)).is_some()
    }
}

impl Feed for RoomList {
    const NAME: &'static str = "rooms";
    const KINDS: &'static [&'static str] = &[Self::EVENT_ROOM, Self::EVENT_CLOSED];

    fn fold(&mut self, kind: &str, envelope: &str) -> bool {
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

/// A feed as the page has it.
#[derive(Debug)]
pub(crate) struct Fed<T: Send + Sync + 'static> {
    /// The state; nothing until the first snapshot came.
    pub(crate) state: RwSignal<Option<T>>,
    /// How the connection stands.
    pub(crate) link: RwSignal<Link>,
}

impl<T: Send + Sync + 'static> Clone for Fed<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Send + Sync + 'static> Copy for Fed<T> {}

impl<T: Feed> Fed<T> {
    /// Follows the feed for as long as the page lives.
    pub(crate) fn provide() {
        let fed = Self { state: RwSignal::new(None), link: RwSignal::new(Link::Connecting) };
        provide_context(fed);
        spawn_local(fed.follow());
    }

    /// The one of the page.
    pub(crate) fn expect() -> Self {
        expect_context()
    }

    async fn follow(self) {
        let cursor = Rc::new(RefCell::new(None));
        let mut backoff = wake::backoff();
        let current = Rc::new(RefCell::new(Gate::new()));
        spawn_local(rest_while_hidden(current.clone()));
        loop {
            let Some(connection) = Connection::open(self, cursor.clone()) else {
                return self
                    .link
                    .set(Link::Stopped("This browser knows no EventSource.".to_owned()));
            };
            *current.borrow_mut() = connection.lost.clone();
            connection.lost.passed().await;
            if self.link.get_untracked() == Link::Live {
                backoff.reset();
            }
            drop(connection);
            if wake::is_hidden() {
                self.link.set(Link::Resting);
                wake::visible().await;
                self.link.set(Link::Connecting);
            } else {
                wake::wait_to_retry(&mut backoff, None, |link| self.link.set(link)).await;
            }
        }
    }
}

/// Ends the current connection whenever the page has been hidden for long.
async fn rest_while_hidden(current: Rc<RefCell<Gate>>) {
    loop {
        wake::hidden_for_long().await;
        current.borrow().open();
        wake::visible().await;
    }
}

/// One `EventSource`, closed when dropped.
struct Connection {
    source: EventSource,
    lost: Gate,
    _on_event: Closure<dyn FnMut(MessageEvent)>,
    _on_open: Closure<dyn FnMut(Event)>,
    _on_error: Closure<dyn FnMut(Event)>,
}

impl Connection {
    fn open<T: Feed>(fed: Fed<T>, cursor: Rc<RefCell<Option<Cursor>>>) -> Option<Self> {
        let after = cursor.borrow().map(|cursor| format!("?after={cursor}")).unwrap_or_default();
        let source = EventSource::new(&format!("/api/feeds/{}{after}", T::NAME)).ok()?;
        let lost = Gate::new();

        let on_event = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            let text = event.data().as_string().unwrap_or_default();
            take(fed, &event.type_(), &text);
            *cursor.borrow_mut() = event.last_event_id().parse().ok();
        });
        let on_open = Closure::<dyn FnMut(Event)>::new(move |_event: Event| {
            let was_cut = matches!(fed.link.get_untracked(), Link::Reconnecting { .. });
            fed.link.set(Link::Live);
            if was_cut {
                // The server is back: nobody needs to wait any longer.
                wake::nudge();
            }
        });
        let on_error = {
            let lost = lost.clone();
            Closure::<dyn FnMut(Event)>::new(move |_event: Event| lost.open())
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

fn take<T: Feed>(fed: Fed<T>, kind: &str, envelope: &str) {
    if [KIND_SNAPSHOT, KIND_RESET].contains(&kind) {
        if let Some(state) = data::<T>(envelope) {
            fed.state.set(Some(state));
        }
        return;
    }
    fed.state.update(|state| {
        if let Some(state) = state {
            state.fold(kind, envelope);
        }
    });
}
