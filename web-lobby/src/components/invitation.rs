//! The ways into one room: by the native client, by a link for friends, and to watch it here.

use leptos::prelude::*;
use shared::id::RoomId;

use super::copy::CopyText;
use super::icon::{Icon, Picture};
use crate::api::handover::{AsWhom, Handover};
use crate::api::invitation;

/// How to play in a room, or watch it.
#[component]
pub(crate) fn WaysIn(room: RoomId) -> impl IntoView {
    view! {
        <div class="ways-in">
            <div class="buttons">
                <OpenGame room=room />
                <a class="button quiet" href=format!("/rooms/{room}/watch")>
                    <Picture icon=Icon::Eye />
                    "Watch here"
                </a>
            </div>
            <p class="help">"Nothing opens? Type this in the folder of the game’s source:"</p>
            <GameCommand room=room />
        </div>
    }
}

/// The button that opens the native client, as the player of this page.
#[component]
pub(crate) fn OpenGame(room: RoomId) -> impl IntoView {
    let handover = Handover::expect();
    handover.show();
    view! {
        <a
            class="button primary"
            data-testid="open-game"
            href=move || invitation::client_link(room, &handover.as_whom())
            rel="external"
            on:click=move |_| handover.take()
        >
            <Picture icon=Icon::Play />
            "Open the game"
        </a>
    }
}

/// The same as a command.
#[component]
pub(crate) fn GameCommand(room: RoomId) -> impl IntoView {
    let handover = Handover::expect();
    handover.show();
    let command = Signal::derive(move || invitation::command(room, &handover.as_whom()));
    let is_bound = Memo::new(move |_| handover.as_whom() != AsWhom::Itself);
    view! {
        <CopyText
            label="Command that starts the game"
            text=command
            taken=move |()| handover.take()
        />
        <Show when=move || is_bound.get()>
            <p class="help">"It starts the game as you. It works once, within a minute: copy it anew each time."</p>
        </Show>
    }
}

/// A link and a code to send to friends.
#[component]
pub(crate) fn Invitation(room: RoomId) -> impl IntoView {
    view! {
        <div class="invitation">
            <p class="code">
                <span class="help">"Room code"</span>
                <b data-testid="room-code">{room.to_string()}</b>
            </p>
            <div>
                <p class="help">"Send this link to your friends:"</p>
                <FriendsLink room=room />
            </div>
        </div>
    }
}

/// The link that anybody may have.
#[component]
pub(crate) fn FriendsLink(room: RoomId) -> impl IntoView {
    let link = Signal::stored(Some(invitation::page_link(room)));
    view! { <CopyText label="Link for friends" text=link /> }
}
