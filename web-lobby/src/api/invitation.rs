//! Ways into a room: the native client's command, its link, and the link for a browser.

use shared::id::RoomId;

use super::handover::AsWhom;

/// Scheme, host and port of this server.
pub(crate) fn origin() -> String {
    web_sys::window().and_then(|window| window.location().origin().ok()).unwrap_or_default()
}

/// What to type in the folder of the project to play in a room. Nothing: not yet.
pub(crate) fn command(room: RoomId, whom: &AsWhom) -> Option<String> {
    let whom = match whom {
        AsWhom::Itself => String::new(),
        AsWhom::Soon => return None,
        AsWhom::Player(code) => format!(" --as {code}"),
    };
    Some(format!("cargo xtask client --server {}{whom} --join {room}", origin()))
}

/// What the native client opens by itself where it is installed. Nothing: not yet.
pub(crate) fn client_link(room: RoomId, whom: &AsWhom) -> Option<String> {
    let server: String = js_sys::encode_uri_component(&origin()).into();
    let whom = match whom {
        AsWhom::Itself => String::new(),
        AsWhom::Soon => return None,
        AsWhom::Player(code) => format!("&as={code}"),
    };
    Some(format!("pushback://join/{room}?server={server}{whom}"))
}

/// What to send to a friend.
pub(crate) fn page_link(room: RoomId) -> String {
    format!("{}/r/{room}", origin())
}
