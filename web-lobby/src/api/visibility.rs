//! Whether the page can be seen, and whether it may move.

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::notify::next_wake_up;

/// How long a hidden page keeps its streams, in milliseconds. A browser opens six connections to a server, over all tabs,
/// and a tab that opens now may be waiting for one. Coming back costs nothing: streams resume from their cursor.
const HIDDEN_MS_MAX: u32 = 1_500;

/// Whether the page is hidden now.
pub(crate) fn is_hidden() -> bool {
    web_sys::window().and_then(|window| window.document()).is_some_and(|page| page.hidden())
}

/// Whether the visitor asked for less motion.
pub(crate) fn prefers_reduced_motion() -> bool {
    let query = web_sys::window()
        .and_then(|window| window.match_media("(prefers-reduced-motion: reduce)").ok().flatten());
    query.is_some_and(|query| query.matches())
}

/// Waits until the page has been hidden for a while.
pub(crate) async fn hidden_for_a_while() {
    loop {
        if !is_hidden() {
            next_wake_up().notified().await;
            continue;
        }
        next_wake_up().notified_within(HIDDEN_MS_MAX).await;
        if is_hidden() {
            return;
        }
    }
}

/// Waits until the page can be seen.
pub(crate) async fn until_visible() {
    while is_hidden() {
        next_wake_up().notified().await;
    }
}

/// Whether the page can be seen, or could a moment ago.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PageVisible(pub(crate) ReadSignal<bool>);

impl PageVisible {
    /// Observes it for the whole page.
    pub(crate) fn provide() {
        let (visible, set_visible) = signal(true);
        provide_context(Self(visible));
        spawn_local(async move {
            loop {
                hidden_for_a_while().await;
                set_visible.set(false);
                until_visible().await;
                set_visible.set(true);
            }
        });
    }

    /// The page's one.
    pub(crate) fn expect() -> Self {
        expect_context()
    }
}
