//! Device-link codes: they make the native client the same player as this page. There is a fresh one while a way into
//! a room is shown.
//!
//! The seat that a search found is reserved for that player, so the client must not join as another one.

use leptos::prelude::*;
use leptos::task::spawn_local;
use shared::api::{DeviceLink, ProblemKind};

use super::notify::Notify;
use super::session::Identity;
use super::visibility::PageVisible;
use super::{clock, post_empty, retry};

/// After how many milliseconds a shown code is replaced. A code works for a minute, so there is time left to use it.
const RENEW_MS: u32 = 20_000;
/// After how many milliseconds a code that could not be replaced is no longer shown.
const SHOWN_MS_MAX: f64 = 45_000.0;

/// The player as which the native client joins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum JoinAs {
    /// This page has no player: the client joins as its own.
    Own,
    /// This page's player, but the code has not arrived.
    Pending,
    /// This page's player, by this code.
    Linked(String),
}

/// The code of the page.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DeviceLinkCode {
    code: RwSignal<Option<String>>,
    /// How many ways into a room are on the page.
    shown: RwSignal<u32>,
    /// The number of the newest run. Older ones end.
    newest: StoredValue<u32>,
    /// Notified when the visitor takes the code.
    taken: StoredValue<Notify, LocalStorage>,
    identity: Identity,
}

impl DeviceLinkCode {
    /// Requests codes while they are shown and the page is visible.
    pub(crate) fn provide() {
        let device_link = Self {
            code: RwSignal::new(None),
            shown: RwSignal::new(0),
            newest: StoredValue::new(0),
            taken: StoredValue::new_local(Notify::new()),
            identity: Identity::expect(),
        };
        provide_context(device_link);
        let PageVisible(visible) = PageVisible::expect();
        let me = device_link.identity.me;
        let player = Memo::new(move |_| me.with(|me| me.as_ref().map(|me| me.player)));
        let is_shown = Memo::new(move |_| device_link.shown.get() > 0);
        Effect::new(move |_| {
            let run = device_link.new_run();
            device_link.code.set(None);
            if player.get().is_some() && is_shown.get() && visible.get() {
                spawn_local(device_link.keep_fresh(run));
            }
        });
    }

    /// The page's one.
    pub(crate) fn expect() -> Self {
        expect_context()
    }

    /// Requests codes for as long as the calling component is on the page.
    pub(crate) fn keep_shown(self) {
        self.shown.update(|shown| *shown += 1);
        on_cleanup(move || {
            self.shown.try_update(|shown| *shown = shown.saturating_sub(1));
        });
    }

    /// The player as which the client joins now.
    pub(crate) fn join_as(self) -> JoinAs {
        match self.code.get() {
            Some(code) => JoinAs::Linked(code),
            None if self.identity.has_player() => JoinAs::Pending,
            None => JoinAs::Own,
        }
    }

    /// The visitor took the code, which works once. The next one is requested.
    pub(crate) fn code_taken(self) {
        self.taken.with_value(Notify::notify);
    }

    async fn keep_fresh(self, run: u32) {
        let mut backoff = retry::backoff();
        let mut got_ms = clock::frame_ms();
        while self.is_newest(run) {
            let taken = Notify::new();
            self.taken.set_value(taken.clone());
            let answer = post_empty::<DeviceLink>("/api/session/handovers").await;
            if !self.is_newest(run) {
                return;
            }
            match answer {
                Ok(fresh) => {
                    backoff.reset();
                    got_ms = clock::frame_ms();
                    self.code.set(Some(fresh.code));
                    taken.notified_within(RENEW_MS).await;
                }
                Err(error) => {
                    if clock::frame_ms() - got_ms > SHOWN_MS_MAX {
                        self.code.set(None);
                    }
                    if error.kind() == Some(ProblemKind::SignIn) {
                        // A new session begins another run. If there is none, this run tries again.
                        self.identity.renew().await.ok();
                    }
                    retry::wait(&mut backoff, error.retry_after_s(), |_link| {}).await;
                }
            }
        }
    }

    fn new_run(self) -> u32 {
        let next = self.newest.get_value().wrapping_add(1);
        self.newest.set_value(next);
        next
    }

    fn is_newest(self, run: u32) -> bool {
        self.newest.get_value() == run
    }
}
