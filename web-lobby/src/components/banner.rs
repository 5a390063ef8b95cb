//! One line across the page while the server is away.

use leptos::prelude::*;
use shared::api::{RoomList, Scoreboard};

use crate::api::link::Link;
use crate::api::sse::Fed;
use crate::api::wake;

/// Says that the connection is lost, when it is tried again, and lets a person try now.
#[component]
pub(crate) fn Banner() -> impl IntoView {
    let scores = Fed::<Scoreboard>::expect().link;
    let rooms = Fed::<RoomList>::expect().link;
    let is_away = Memo::new(move |_| is_cut(&scores.get()) && is_cut(&rooms.get()));
    view! {
        <div class="banner-place" aria-live="polite">
            <Show when=move || is_away.get()>
                <div class="banner">
                    <span>"The server does not answer. What you see may be old."</span>
                    <span aria-hidden="true">{move || scores.with(Link::words)}</span>
                    <button class="quiet slim" on:click=move |_| wake::nudge()>"Try now"</button>
                </div>
            </Show>
        </div>
    }
}

fn is_cut(link: &Link) -> bool {
    matches!(link, Link::Reconnecting { .. } | Link::Stopped(_))
}
