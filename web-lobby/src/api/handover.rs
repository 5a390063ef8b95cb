//! Codes that make the native client the player of this page: there while a way into a room is shown, and fresh.
//!
//! The seat that a search found is kept for that player, so the client must not come as anybody else.

use leptos::prelude::*;
use leptos::task::spawn_local;
use shared::api::{DeviceLink as Code, ProblemKind};

use super::session::Identity;
use super::wake::{self, Gate, Seen};
use super::{clock, post_empty};

/// A code works for a minute. One that is shown is replaced so soon that whoever takes it has time to use it.
const RENEW_MS: u32 = 20_000;
/// One that could not be replaced is not shown for longer.
const SHOWN_MS_MAX: f64 = 45_000.0;

/// As whom a way leads into a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum AsWhom {
    /// There is no player here: the client comes as itself.
    Itself,
    /// The code is on its way.
    Soon,
    /// As the player of this page, by this code.
    Player(String),
}

/// The code, for the whole page.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Handover {
    code: RwSignal<Option<String>>,
    /// Ways in that are on the page.
    shown: RwSignal<u32>,
    /// The newest run; an older one ends.
    newest: StoredValue<u32>,
    /// Opened when the code was taken.
    taken: StoredValue<Gate, LocalStorage>,
    identity: Identity,
}

impl Handover {
    /// Gets codes while they are wanted and somebody looks at the page.
    pub(crate) fn provide() {
        let handover = Self {
            code: RwSignal::new(None),
            shown: RwSignal::new(0),
            newest: StoredValue::new(0),
            taken: StoredValue::new_local(Gate::new()),
            identity: Identity::expect(),
        };
        provide_context(handover);
        let Seen(seen) = Seen::expect();
        let me = handover.identity.me;
        let player = Memo::new(move |_| me.with(|me| me.as_ref().map(|me| me.player)));
        let is_shown = Memo::new(move |_| handover.shown.get() > 0);
        Effect::new(move |_| {
            let run = handover.next();
            handover.code.set(None);
            if player.get().is_some() && is_shown.get() && seen.get() {
                spawn_local(handover.keep_fresh(run));
            }
        });
    }

    /// The one of the page.
    pub(crate) fn expect() -> Self {
        expect_context()
    }

    /// Gets codes for as long as the component that calls this is on the page.
    pub(crate) fn show(self) {
        self.shown.update(|shown| *shown += 1);
        on_cleanup(move || {
            self.shown.try_update(|shown| *shown = shown.saturating_sub(1));
        });
    }

    /// As whom a way leads in now.
    pub(crate) fn as_whom(self) -> AsWhom {
        match self.code.get() {
            Some(code) => AsWhom::Player(code),
            None if self.identity.is_somebody() => AsWhom::Soon,
            None => AsWhom::Itself,
        }
    }

    /// The code was taken along and works once: the next person to take one gets another.
    pub(crate) fn take(self) {
        self.taken.with_value(Gate::open);
    }

    async fn keep_fresh(self, run: u32) {
        let mut backoff = wake::backoff();
        let mut got_ms = clock::now_ms();
        while self.is_newest(run) {
            let taken = Gate::new();
            self.taken.set_value(taken.clone());
            let answer = post_empty::<Code>("/api/session/handovers").await;
            if !self.is_newest(run) {
                return;
            }
            match answer {
                Ok(fresh) => {
                    backoff.reset();
                    got_ms = clock::now_ms();
                    self.code.set(Some(fresh.code));
                    taken.passed_within(RENEW_MS).await;
                }
                Err(error) => {
                    if clock::now_ms() - got_ms > SHOWN_MS_MAX {
                        self.code.set(None);
                    }
                    if error.kind() == Some(ProblemKind::SignIn) {
                        // Somebody else then, for whom another run begins. If not: it is tried again.
                        self.identity.renew().await.ok();
                    }
                    wake::wait_to_retry(&mut backoff, error.retry_after_s(), |_link| {}).await;
                }
            }
        }
    }

    fn next(self) -> u32 {
        let next = self.newest.get_value().wrapping_add(1);
        self.newest.set_value(next);
        next
    }

    fn is_newest(self, run: u32) -> bool {
        self.newest.get_value() == run
    }
}
