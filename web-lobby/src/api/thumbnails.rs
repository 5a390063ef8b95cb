//! The moving pictures in the list of rooms: polls the rooms whose rows are in view.
//!
//! A browser opens six connections to a server over HTTP/1.1, and the page holds three already: two feeds and the
//! match that is shown large. A stream for each row would starve the rest. So the rows share one request at a time:
//! the page asks one room after the other what it recorded since the last time (`/api/rooms/{id}/recent`), a few
//! hundred bytes of the ordinary match stream. So a row plays the real match at sixty frames a second, two seconds
//! behind. The page polls only for rows in view and while it is visible. With reduced motion each row gets one still
//! picture.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use leptos::prelude::*;
use leptos::task::spawn_local;
use shared::id::RoomId;
use shared::replay::{MAGIC, ReplayError, ReplayReader};

use super::notify::{self, Notify};
use super::stream::{Slice, slice};
use super::visibility;

/// The polling interval of a room, in milliseconds. The server keeps a little more than two seconds.
const POLL_EVERY_MS: u32 = 1_500;
/// The shortest time between two requests, in milliseconds, however many rooms are in view.
const REQUEST_GAP_MS_MIN: u32 = 160;
/// The delay after a failed request, in milliseconds.
const RETRY_MS: u32 = 4_000;

/// The recent match of a room in view.
#[derive(Default)]
pub(crate) struct ThumbnailStream {
    pub(crate) reader: ReplayReader,
    /// Counts the bodies. Drawing starts afresh with each new one.
    pub(crate) body: u32,
    cursor: Option<String>,
    is_over: bool,
}

/// A room whose row is in view.
pub(crate) struct PolledRoom {
    room: RoomId,
    stream: RefCell<ThumbnailStream>,
    was_polled: Cell<bool>,
    is_dropped: Cell<bool>,
}

/// Polls for the rows in view, for the whole page.
#[derive(Clone, Copy)]
pub(crate) struct ThumbnailPoller {
    room: StoredValue<Vec<Rc<PolledRoom>>, LocalStorage>,
    /// Notified when a row comes into view.
    wake_up: StoredValue<Notify, LocalStorage>,
}

/// Keeps a room polled until it is dropped.
pub(crate) struct PollGuard(Rc<PolledRoom>);

impl Drop for PollGuard {
    fn drop(&mut self) {
        self.0.is_dropped.set(true);
    }
}

impl PollGuard {
    /// Reads what is known of the room.
    pub(crate) fn with<T>(&self, read: impl FnOnce(&ThumbnailStream) -> T) -> T {
        read(&self.0.stream.borrow())
    }
}

impl ThumbnailPoller {
    /// Starts polling, for the whole page.
    pub(crate) fn provide() {
        let poller = Self {
            room: StoredValue::new_local(Vec::new()),
            wake_up: StoredValue::new_local(Notify::new()),
        };
        provide_context(poller);
        spawn_local(poller.poll_rooms());
    }

    /// The page's one.
    pub(crate) fn expect() -> Self {
        expect_context()
    }

    /// Starts to poll for a room whose row came into view.
    pub(crate) fn watch(self, room: RoomId) -> PollGuard {
        let room = Rc::new(PolledRoom {
            room,
            stream: RefCell::default(),
            was_polled: Cell::new(false),
            is_dropped: Cell::new(false),
        });
        self.room.update_value(|list| list.push(room.clone()));
        self.wake_up.with_value(Notify::notify);
        PollGuard(room)
    }

    /// Polls one room after the other for as long as the page lives. Rooms that have just come into view go first.
    async fn poll_rooms(self) {
        let mut turn = 0;
        loop {
            visibility::until_visible().await;
            let rooms = self.rooms_to_poll();
            let new = rooms.iter().find(|room| !room.was_polled.get());
            let next = new.or_else(|| rooms.get(turn % rooms.len().max(1)));
            let Some(room) = next.cloned() else {
                let wake_up = Notify::new();
                self.wake_up.set_value(wake_up.clone());
                wake_up.notified_within(POLL_EVERY_MS).await;
                continue;
            };
            turn = turn.wrapping_add(1);
            let count = u32::try_from(rooms.len()).unwrap_or(u32::MAX);
            let pause_ms = match (room.poll().await, new.is_some()) {
                (true, true) => REQUEST_GAP_MS_MIN,
                (true, false) => (POLL_EVERY_MS / count).max(REQUEST_GAP_MS_MIN),
                (false, _) => RETRY_MS,
            };
            notify::sleep(pause_ms).await;
        }
    }

    /// The rooms that need news.
    fn rooms_to_poll(self) -> Vec<Rc<PolledRoom>> {
        self.room.update_value(|list| list.retain(|room| !room.is_dropped.get()));
        let is_calm = visibility::prefers_reduced_motion();
        let wants = |room: &&Rc<PolledRoom>| {
            let stream = room.stream.borrow();
            let is_content = is_calm && stream.reader.newest().is_some();
            !(stream.is_over || is_content)
        };
        self.room.with_value(|list| list.iter().filter(wants).cloned().collect())
    }
}

impl PolledRoom {
    /// Requests the news of the room. Returns false when the server did not answer.
    async fn poll(&self) -> bool {
        self.was_polled.set(true);
        let after = self.stream.borrow().cursor.clone();
        let query = after.map(|cursor| format!("?after={cursor}")).unwrap_or_default();
        match slice(&format!("/api/rooms/{}/recent{query}", self.room)).await {
            Ok(slice) => self.stream.borrow_mut().receive(slice),
            Err(error) if error.may_succeed_later() => return false,
            // The room is is_dropped, and its row will go as well.
            Err(_) => self.stream.borrow_mut().is_over = true,
        }
        true
    }
}

impl ThumbnailStream {
    fn receive(&mut self, slice: Slice) {
        if slice.bytes.starts_with(&MAGIC) {
            self.reader = ReplayReader::new();
            self.body = self.body.wrapping_add(1);
        }
        let pushed = self.reader.push(&slice.bytes);
        // After an error the next request starts afresh, unless the version is the error.
        self.is_over = matches!(pushed, Err(ReplayError::Version(_)));
        self.cursor = slice.cursor.filter(|_| pushed.is_ok());
    }
}
