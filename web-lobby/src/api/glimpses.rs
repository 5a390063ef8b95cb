//! The moving pictures in the list of rooms: who is in view, and what was recorded there lately.
//!
//! A browser opens six connections to a server over HTTP/1.1, and the page holds three already: two feeds and the match
//! that is shown large. A stream for each row would starve the rest. So the rows share one request at a time: the page
//! asks one room after the other what it recorded since the last time (`/api/rooms/{id}/recent`), some hundred bytes of
//! the stream that everybody reads. What comes is whole, so a row plays the real match at sixty pictures a second, two
//! seconds behind. Nothing is asked for rows out of view, nor while nobody sees the page; who wants no motion
//! gets one still picture.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use leptos::prelude::*;
use leptos::task::spawn_local;
use shared::id::RoomId;
use shared::replay::{MAGIC, ReplayError, ReplayReader};

use super::stream::{Slice, slice};
use super::wake::{self, Gate};

/// Every room is asked once in so many milliseconds. The server keeps somewhat more than two seconds.
const ROUND_MS: u32 = 1_500;
/// However many rooms are in view, requests are at least so many milliseconds apart.
const APART_MS_MIN: u32 = 160;
/// Nobody answers: how long until the next try, in milliseconds.
const REST_MS: u32 = 4_000;

/// What is known of a room in view.
#[derive(Default)]
pub(crate) struct Glimpse {
    pub(crate) reader: ReplayReader,
    /// Names the body that is played: with another one, everything drawn begins anew.
    pub(crate) body: u32,
    cursor: Option<String>,
    is_over: bool,
}

/// A row in view. Dropping it takes the row out.
pub(crate) struct Watched {
    room: RoomId,
    glimpse: RefCell<Glimpse>,
    asked: Cell<bool>,
    gone: Cell<bool>,
}

/// The rows in view, for the whole page.
#[derive(Clone, Copy)]
pub(crate) struct Glimpses {
    watched: StoredValue<Vec<Rc<Watched>>, LocalStorage>,
    /// Opened when a row comes into view while none is.
    wanted: StoredValue<Gate, LocalStorage>,
}

/// Keeps a row in view.
pub(crate) struct InView(Rc<Watched>);

impl Drop for InView {
    fn drop(&mut self) {
        self.0.gone.set(true);
    }
}

impl InView {
    /// Looks at what is known.
    pub(crate) fn with<T>(&self, look: impl FnOnce(&Glimpse) -> T) -> T {
        look(&self.0.glimpse.borrow())
    }
}

impl Glimpses {
    /// Begins, for the whole page.
    pub(crate) fn provide() {
        let glimpses = Self {
            watched: StoredValue::new_local(Vec::new()),
            wanted: StoredValue::new_local(Gate::new()),
        };
        provide_context(glimpses);
        spawn_local(glimpses.go_round());
    }

    /// The ones of the page.
    pub(crate) fn expect() -> Self {
        expect_context()
    }

    /// A room's row came into view.
    pub(crate) fn watch(self, room: RoomId) -> InView {
        let watched = Rc::new(Watched {
            room,
            glimpse: RefCell::default(),
            asked: Cell::new(false),
            gone: Cell::new(false),
        });
        self.watched.update_value(|list| list.push(watched.clone()));
        self.wanted.with_value(Gate::open);
        InView(watched)
    }

    /// Asks one room after the other, for as long as the page lives; those that just came into view first.
    async fn go_round(self) {
        let mut turn = 0;
        loop {
            wake::visible().await;
            let waiting = self.waiting();
            let new = waiting.iter().find(|watched| !watched.asked.get());
            let next = new.or_else(|| waiting.get(turn % waiting.len().max(1)));
            let Some(watched) = next.cloned() else {
                let gate = Gate::new();
                self.wanted.set_value(gate.clone());
                gate.passed_within(ROUND_MS).await;
                continue;
            };
            turn = turn.wrapping_add(1);
            let count = u32::try_from(waiting.len()).unwrap_or(u32::MAX);
            let rest_ms = match (watched.ask().await, new.is_some()) {
                (true, true) => APART_MS_MIN,
                (true, false) => (ROUND_MS / count).max(APART_MS_MIN),
                (false, _) => REST_MS,
            };
            wake::sleep(rest_ms).await;
        }
    }

    /// Rows that want news.
    fn waiting(self) -> Vec<Rc<Watched>> {
        self.watched.update_value(|list| list.retain(|watched| !watched.gone.get()));
        let is_calm = wake::is_calm();
        let wants = |watched: &&Rc<Watched>| {
            let glimpse = watched.glimpse.borrow();
            let is_content = is_calm && glimpse.reader.newest().is_some();
            !(glimpse.is_over || is_content)
        };
        self.watched.with_value(|list| list.iter().filter(wants).cloned().collect())
    }
}

impl Watched {
    /// Asks for what is new. False: no answer.
    async fn ask(&self) -> bool {
        self.asked.set(true);
        let after = self.glimpse.borrow().cursor.clone();
        let query = after.map(|cursor| format!("?after={cursor}")).unwrap_or_default();
        match slice(&format!("/api/rooms/{}/recent{query}", self.room)).await {
            Ok(slice) => self.glimpse.borrow_mut().take(slice),
            Err(error) if error.may_pass() => return false,
            // The room is gone; its row will go as well.
            Err(_) => self.glimpse.borrow_mut().is_over = true,
        }
        true
    }
}

impl Glimpse {
    fn take(&mut self, slice: Slice) {
        if slice.bytes.starts_with(&MAGIC) {
            self.reader = ReplayReader::new();
            self.body = self.body.wrapping_add(1);
        }
        let pushed = self.reader.push(&slice.bytes);
        // What cannot go on begins anew with the next request, unless it would be no better.
        self.is_over = matches!(pushed, Err(ReplayError::Version(_)));
        self.cursor = slice.cursor.filter(|_| pushed.is_ok());
    }
}
