//! Ways into a room: the native client's command, its link, and the link for a browser.

use shared::id::RoomId;

/// Scheme, host and port of this server.
pub(crate) fn origin() -> String {
    web_sys::window().and_then(|window| window.location().origin().ok()).unwrap_or_default()
}

/// What to type to play in a room.
pub(crate) fn command(room: RoomId) -> String {
    format!("game-client --server {} --join {room}", origin())
}

/// What the native client opens by itself where it is installed.
pub(crate) fn client_link(room: RoomId) -> String {
    let server: String = js_sys::encode_uri_component(&origin()).into();
    format!("pushback://join/{room}?server={server}")
}

/// What to send to a friend.
pub(crate) fn page_link(room: RoomId) -> String {
    format!("{}/r/{room}", origin())
}
