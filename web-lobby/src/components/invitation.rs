//! The ways into a room: the native client, a link for friends, and watching in the browser.

use leptos::prelude::*;
use shared::invitation::RoomAddress;

use super::copy::CopyText;
use super::icon::{Icon, IconView};
use crate::api::device_link::{DeviceLinkCode, JoinAs};
use crate::api::{invitation, server_address};

/// The ways to play in a room, or to watch it.
#[component]
pub(crate) fn WaysIn(room: RoomAddress) -> impl IntoView {
    view! {
        <div class="ways-in">
            <div class="buttons">
                <OpenGame room=room />
                <a class="button quiet" href=format!("/rooms/{room}/watch")>
                    <IconView icon=Icon::Eye />
                    "Watch here"
                </a>
            </div>
            <p class="help">"Nothing opens? Type this in the folder of the game’s source:"</p>
            <GameCommand room=room />
        </div>
    }
}

/// The button that opens the native client as the player of this page.
#[component]
pub(crate) fn OpenGame(room: RoomAddress) -> impl IntoView {
    let device_link = DeviceLinkCode::expect();
    device_link.keep_shown();
    view! {
        <a
            class="button primary"
            data-testid="open-game"
            href=move || invitation::client_link(room, &device_link.join_as())
            rel="external"
            on:click=move |_| device_link.code_taken()
        >
            <IconView icon=Icon::Play />
            "Open the game"
        </a>
    }
}

/// The command that does the same.
#[component]
pub(crate) fn GameCommand(room: RoomAddress) -> impl IntoView {
    let device_link = DeviceLinkCode::expect();
    device_link.keep_shown();
    let command = Signal::derive(move || invitation::command(room, &device_link.join_as()));
    let is_bound = Memo::new(move |_| device_link.join_as() != JoinAs::Own);
    view! {
        <CopyText
            label="Command that starts the game"
            text=command
            on_copied=move |()| device_link.code_taken()
        />
        <Show when=move || is_bound.get()>
            <p class="help">"It starts the game as you. It works once, within a minute: copy it again each time."</p>
        </Show>
    }
}

/// A code and a link to send to friends.
#[component]
pub(crate) fn Invitation(room: RoomAddress) -> impl IntoView {
    view! {
        <div class="invitation">
            <p class="code">
                <span class="help">"Room code"</span>
                <b data-testid="room-code">{room.room.to_string()}</b>
            </p>
            <div>
                <p class="help">"Send this link to your friends:"</p>
                <FriendsLink room=room />
            </div>
        </div>
    }
}

/// The link for friends.
#[component]
pub(crate) fn FriendsLink(room: RoomAddress) -> impl IntoView {
    let link = Signal::derive(move || Some(invitation::page_link(room)));
    view! {
        <CopyText label="Link for friends" text=link />
        <Show when=server_address::is_this_machine_only>
            <p class="help" data-testid="loopback-hint">
                "This link works on this machine only. For others, open the lobby by this machine’s address in the network, \
                 or start the server with --public-url."
            </p>
        </Show>
    }
}
