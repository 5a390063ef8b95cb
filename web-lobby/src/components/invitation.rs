//! The ways into one room: by the native client, by a link for friends, and to watch it here.

use leptos::prelude::*;
use shared::id::RoomId;

use super::copy::CopyText;
use super::icon::{Icon, Picture};
use crate::api::invitation;

/// How to play in a room, or watch it.
#[component]
pub(crate) fn WaysIn(room: RoomId) -> impl IntoView {
    view! {
        <div class="ways-in">
            <div class="buttons">
                <a class="button primary" href=invitation::client_link(room) rel="external">
                    <Picture icon=Icon::Play />
                    "Open the game"
                </a>
                <a class="button quiet" href=format!("/rooms/{room}/watch")>
                    <Picture icon=Icon::Eye />
                    "Watch here"
                </a>
            </div>
            <p class="help">"Nothing opens? Start the game from a terminal:"</p>
            <CopyText label="Command that starts the game" text=invitation::command(room) />
        </div>
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
                <CopyText label="Link for friends" text=invitation::page_link(room) />
            </div>
        </div>
    }
}
