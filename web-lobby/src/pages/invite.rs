//! `/r/:code`: an invitation to a room.

use std::time::Duration;

use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::{use_navigate, use_params_map};
use shared::api::{RoomDetails, RoomSeat};
use shared::invitation::RoomAddress;

use crate::api::pull::Pull;
use crate::components::invitation::{Invitation, WaysIn};
use crate::components::notice::{Failure, Skeleton};
use crate::components::replay_list::RefreshBar;
use crate::components::rooms::{RoomTime, occupancy};
use crate::components::title::page_title;
use crate::pages::not_found::NotFoundPage;

/// How often the room is asked for while its page is open.
const REFRESH_EVERY: Duration = Duration::from_secs(60);

/// The room of a code, and the ways into it.
#[component]
pub(crate) fn InvitePage() -> impl IntoView {
    let params = use_params_map();
    let code = Memo::new(move |_| {
        params.with(|params| params.get("code").unwrap_or_default()).parse::<RoomAddress>().ok()
    });
    view! {
        {move || match code.get() {
            Some(room) => view! { <Invited room=room /> }.into_any(),
            None => view! { <NotFoundPage /> }.into_any(),
        }}
    }
}

#[component]
fn Invited(room: RoomAddress) -> impl IntoView {
    page_title(move || format!("Room {}", room.room));
    let details = Pull::<RoomDetails>::new(Signal::stored(format!("/api/rooms/{room}")));
    let sentence = Signal::derive(move || {
        details.error.get().map(|error| error.to_string()).unwrap_or_default()
    });
    let refresh = move |()| details.refresh();
    // Asking for the room also keeps it open.
    if let Ok(asking) = set_interval_with_handle(move || details.refresh(), REFRESH_EVERY) {
        on_cleanup(move || asking.clear());
    }
    let navigate = use_navigate();
    // A code leads to the invitation, so that the address of this page can be sent on.
    Effect::new(move |_| {
        let found = details.data.with(|found| found.as_ref().map(RoomDetails::address));
        if let Some(address) = found.filter(|address| *address != room) {
            let options = NavigateOptions { replace: true, scroll: false, ..Default::default() };
            navigate(&format!("/r/{address}"), options);
        }
    });
    view! {
        <div class="page narrow">
            <div class="page-head">
                <h1>"Room " <span class="room-id">{room.room.to_string()}</span></h1>
                <RefreshBar part="room" status=details.status refresh=refresh />
            </div>
            <Show when=move || details.error.with(Option::is_some)>
                <Failure sentence=sentence retry=refresh />
                <p class="help">
                    "A room closes ten minutes after the last person has left. "
                    <a href="/">"Play in another"</a>
                </p>
            </Show>
            {move || match details.data.get() {
                Some(found) => view! { <Details details=found /> }.into_any(),
                None if details.error.with(Option::is_some) => ().into_any(),
                None => view! { <Skeleton rows=4 /> }.into_any(),
            }}
        </div>
    }
}

#[component]
fn Details(details: RoomDetails) -> impl IntoView {
    let room = details.summary.clone();
    let id = details.address();
    let kind = if details.private { "Private" } else { "Public" };
    let about = format!("{kind} · {} · {}", room.mode.title(), occupancy(&room));
    let is_empty = details.seated.is_empty();
    view! {
        <p class="about">{about} " · " <RoomTime room=Signal::stored(Some(room)) /></p>
        <section class="panel pad" aria-label="Ways in">
            <WaysIn room=id />
        </section>
        <section class="panel pad" aria-label="Invitation">
            <Invitation room=id />
        </section>
        <section class="panel" aria-labelledby="seats-title">
            <div class="panel-head"><h2 id="seats-title">"In the room"</h2></div>
            {if is_empty {
                view! { <p class="empty">"Nobody is here yet: be the first."</p> }.into_any()
            } else {
                view! { <ul class="seat-list">{details.seated.into_iter().map(seat).collect_view()}</ul> }.into_any()
            }}
        </section>
    }
}

fn seat(seat: RoomSeat) -> impl IntoView {
    let note = match (seat.bot, seat.reconnecting) {
        (true, _) => Some("bot"),
        (false, true) => Some("reconnecting"),
        (false, false) => None,
    };
    view! {
        <li>
            <a href=format!("/players/{}", seat.player)>{seat.name.to_string()}</a>
            {note.map(|note| view! { <span class="tag">{note}</span> })}
            <span class="num">{seat.points}</span>
        </li>
    }
}
