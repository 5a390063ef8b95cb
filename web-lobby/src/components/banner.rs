//! A line across the page while the server cannot be reached, or is newer than the page.

use leptos::prelude::*;
use shared::api::{RoomList, Scoreboard};

use crate::api::sse::LiveFeed;
use crate::api::transport::Status;
use crate::api::{lenient, notify};

/// Says that the connection is lost and when the next attempt follows, and offers to try now.
#[component]
pub(crate) fn Banner() -> impl IntoView {
    let scores = LiveFeed::<Scoreboard>::expect().status;
    let rooms = LiveFeed::<RoomList>::expect().status;
    let outdated = lenient::outdated();
    let is_away = Memo::new(move |_| is_cut(&scores.get()) && is_cut(&rooms.get()));
    view! {
        <div class="banner-place" aria-live="polite">
            <Show when=move || outdated.get() && !is_away.get()>
                <div class="banner">
                    <span>"This page is older than the server, and leaves out what it does not know."</span>
                    <button class="quiet slim" data-testid="reload" on:click=|_| reload()>"Reload"</button>
                </div>
            </Show>
            <Show when=move || is_away.get()>
                <div class="banner">
                    <span>"The server does not answer. What you see may be old."</span>
                    <span aria-hidden="true">{move || scores.with(Status::words)}</span>
                    <button class="quiet slim" on:click=move |_| notify::wake_sleepers()>"Try now"</button>
                </div>
            </Show>
        </div>
    }
}

fn reload() {
    // It fails only in a page that is being left.
    window().location().reload().ok();
}

fn is_cut(status: &Status) -> bool {
    matches!(status, Status::Reconnecting { .. } | Status::Stopped(_))
}
