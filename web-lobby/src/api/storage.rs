//! What the browser stores for this site. A browser that stores nothing (private windows, full disks) is no error.

use web_sys::Storage;

/// The name that was used last.
pub(crate) const NAME: &str = "pushback.name";
/// The ids of muted people.
pub(crate) const MUTED: &str = "pushback.muted";
/// Whether the chat column is folded.
pub(crate) const CHAT_FOLDED: &str = "pushback.chat-folded";
/// Whether a replay's timeline hides the markers ahead.
pub(crate) const SPOILERS_HIDDEN: &str = "pushback.spoilers-hidden";
/// The mode that quick play asks for.
pub(crate) const MODE: &str = "pushback.mode";
/// The running search for a match, or its result. Stored for this tab alone.
pub(crate) const MATCH: &str = "pushback.match";

/// Reads an item.
pub(crate) fn get(name: &str) -> Option<String> {
    storage(name)?.get_item(name).ok().flatten()
}

/// Stores an item.
pub(crate) fn set(name: &str, value: &str) {
    if let Some(storage) = storage(name) {
        storage.set_item(name, value).ok();
    }
}

/// Removes an item.
pub(crate) fn remove(name: &str) {
    if let Some(storage) = storage(name) {
        storage.remove_item(name).ok();
    }
}

fn storage(name: &str) -> Option<Storage> {
    let window = web_sys::window()?;
    let storage = if name == MATCH { window.session_storage() } else { window.local_storage() };
    storage.ok().flatten()
}
