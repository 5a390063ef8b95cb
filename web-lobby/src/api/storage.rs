//! What the browser keeps for this site. A browser that keeps nothing (private windows, full disks) is no error.

use web_sys::Storage;

/// The name that was used last.
pub(crate) const NAME: &str = "pushback.name";
/// People whose lines are hidden.
pub(crate) const MUTED: &str = "pushback.muted";
/// Whether the chat column is folded.
pub(crate) const CHAT_FOLDED: &str = "pushback.chat-folded";
/// Whether a replay's timeline hides what is to come.
pub(crate) const SPOILERS_HIDDEN: &str = "pushback.spoilers-hidden";
/// The mode that quick play asks for.
pub(crate) const MODE: &str = "pushback.mode";
/// The request for a match that runs: kept for the tab alone.
pub(crate) const MATCH: &str = "pushback.match";

/// What was kept under a name.
pub(crate) fn get(name: &str) -> Option<String> {
    shelf(name)?.get_item(name).ok().flatten()
}

/// Keeps a text.
pub(crate) fn set(name: &str, value: &str) {
    if let Some(shelf) = shelf(name) {
        shelf.set_item(name, value).ok();
    }
}

/// Forgets a text.
pub(crate) fn remove(name: &str) {
    if let Some(shelf) = shelf(name) {
        shelf.remove_item(name).ok();
    }
}

fn shelf(name: &str) -> Option<Storage> {
    let window = web_sys::window()?;
    let shelf = if name == MATCH { window.session_storage() } else { window.local_storage() };
    shelf.ok().flatten()
}
