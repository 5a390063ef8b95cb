//! Ways into a room: the native client's command, its link, and the link for a browser.

use shared::invitation::RoomAddress;

use super::device_link::JoinAs;
use super::server_address::origin;

/// The command that starts the client in a room, to be typed in the project's folder. `None` while the code is
/// pending.
pub(crate) fn command(room: RoomAddress, join_as: &JoinAs) -> Option<String> {
    let join_as = match join_as {
        JoinAs::Own => String::new(),
        JoinAs::Pending => return None,
        JoinAs::Linked(code) => format!(" --as {code}"),
    };
    Some(format!("cargo xtask client --server {}{join_as} --join {room}", origin()))
}

/// The link that an installed client opens. `None` while the code is pending.
pub(crate) fn client_link(room: RoomAddress, join_as: &JoinAs) -> Option<String> {
    let server: String = js_sys::encode_uri_component(&origin()).into();
    let join_as = match join_as {
        JoinAs::Own => String::new(),
        JoinAs::Pending => return None,
        JoinAs::Linked(code) => format!("&as={code}"),
    };
    Some(format!("pushback://join/{room}?server={server}{join_as}"))
}

/// The link to send to a friend.
pub(crate) fn page_link(room: RoomAddress) -> String {
    format!("{}/r/{room}", origin())
}
