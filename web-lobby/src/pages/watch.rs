//! A running match, large, with its players, the chat and the ways in.

use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_router::hooks::use_params_map;
use shared::api::RoomDetails;
use shared::id::RoomId;
use shared::invitation::RoomAddress;
use shared::sim::Slot;

use crate::api::chat::Chat;
use crate::api::session::Identity;
use crate::api::transport::{Status, Transport};
use crate::api::{self, ApiError};
use crate::components::badge::Badge;
use crate::components::chat::ChatPanel;
use crate::components::invitation::{FriendsLink, GameCommand, OpenGame};
use crate::components::live_match::LiveMatch;
use crate::components::match_canvas::{Hud, Roster};
use crate::components::title::page_title;

/// `/rooms/:id/watch`.
#[component]
pub fn WatchPage() -> impl IntoView {
    let params = use_params_map();
    let room = Memo::new(move |_| {
        params.with(|params| params.get("id")).and_then(|id| id.parse::<RoomAddress>().ok())
    });
    move || match room.get() {
        Some(room) => view! { <Watch room=room /> }.into_any(),
        None => view! { <NoRoom why="No room has this code.".to_owned() /> }.into_any(),
    }
}

#[component]
fn Watch(room: RoomAddress) -> impl IntoView {
    let hud = RwSignal::new(Hud::default());
    let follow = RwSignal::new(None::<Slot>);
    let status = RwSignal::new(Status::Idle);
    let opened = RwSignal::new(0);
    open_room_chat(room.room, opened);
    let details = RwSignal::new(None::<Result<RoomDetails, ApiError>>);
    spawn_local(async move {
        details.try_set(Some(api::get(&format!("/api/rooms/{room}")).await));
    });
    // The code of a private room leads to its invitation.
    let address = Memo::new(move |_| {
        details.with(|details| match details {
            Some(Ok(details)) => details.address(),
            Some(Err(_)) | None => room,
        })
    });
    let title = move || {
        details.with(|details| match details {
            Some(Ok(details)) => format!("{}, live", details.summary.mode.title()),
            Some(Err(_)) | None => "Live".to_owned(),
        })
    };
    page_title(move || format!("{} · room {}", title(), room.room));
    let about = move || {
        details.with(|details| {
            let details = details.as_ref()?.as_ref().ok()?;
            let kind = if details.private { "private room" } else { "public room" };
            let round = match details.summary.round {
                0 => String::new(),
                round => format!(" · round {round}"),
            };
            Some(format!("{kind} {}{round}", room.room))
        })
    };
    let refusal = move || {
        details.with(|details| match details {
            Some(Err(error)) if !error.may_succeed_later() => Some(error.to_string()),
            Some(_) | None => None,
        })
    };
    view! {
        <article class="page theatre watch">
            <header class="theatre-head">
                <h1>{title}</h1>
                <p class="muted tabular">{about}</p>
                <Show when=move || refusal().is_none()>
                    <Badge part="live" transport=Transport::Stream status=status />
                </Show>
            </header>
            {move || refusal().map(|why| view! { <NoRoom why=why /> })}
            <div class="theatre-grid" class:refused=move || refusal().is_some()>
                <div class="theatre-main">
                    <LiveMatch room=Signal::derive(move || Some(address.get())) hud=hud follow=follow status=status opened=opened />
                    <Show when=move || !status.with(Status::is_stopped)>
                        {move || view! { <InviteBox room=address.get() /> }}
                    </Show>
                </div>
                <aside class="theatre-side">
                    <Roster hud=hud follow=follow />
                    <ChatPanel />
                </aside>
            </div>
        </article>
    }
}

/// Opens the chat channel of a watched room. A spectator is in the room while the stream is open. The chat enters the
/// channel again each time that the stream is opened, so no line is missed, and when the visitor signs in: the window that
/// reads the stream may be another one.
fn open_room_chat(room: RoomId, opened: RwSignal<u32>) {
    let chat = Chat::expect();
    let identity = Identity::expect();
    chat.watch_room(room);
    Effect::new(move |_| {
        if opened.get() > 0 && identity.me.with(Option::is_some) {
            chat.spectator_arrived();
        }
    });
    on_cleanup(move || chat.set_room(None));
}

/// Three ways into the room.
#[component]
fn InviteBox(room: RoomAddress) -> impl IntoView {
    view! {
        <section class="panel invite" aria-label="Join this room">
            <h2>"Join this room"</h2>
            <div>
                <p><OpenGame room=room /></p>
            </div>
            <div>
                <p class="muted small">"Or, in the folder of the game’s source:"</p>
                <GameCommand room=room />
                <p class="muted small">"Invite friends:"</p>
                <FriendsLink room=room />
            </div>
        </section>
    }
}

/// Says that there is no such room, and why.
#[component]
fn NoRoom(why: String) -> impl IntoView {
    page_title(|| "No match here".to_owned());
    view! {
        <div class="theatre-unknown">
            <h2>"No match here"</h2>
            <p>{why}</p>
            <p>
                <a class="button" href="/">"Live rooms"</a>" "
                <a class="button" href="/replays">"Replays"</a>
            </p>
        </div>
    }
}
