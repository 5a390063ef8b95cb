//! What the browser stores for this site. A browser that stores nothing (private windows, full disks) is no error.

use wasm_bindgen::JsCast as _;
use wasm_bindgen::closure::Closure;
use web_sys::Storage;

/// The name that was used last.
pub(crate) const NAME: &str = "pushback.name";
/// The player and the name of the visitor, as the window knows them that learnt it last.
pub(crate) const WHO: &str = "pushback.who";
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

/// Calls back whenever another window of this site has stored or removed something, for as long as the page lives.
pub(crate) fn on_change_elsewhere(changed: impl Fn() + 'static) {
    if let Some(window) = web_sys::window() {
        let changed = Closure::<dyn Fn()>::new(changed).into_js_value();
        window.add_event_listener_with_callback("storage", changed.unchecked_ref()).ok();
    }
}

fn storage(name: &str) -> Option<Storage> {
    let window = web_sys::window()?;
    let storage = if name == MATCH { window.session_storage() } else { window.local_storage() };
    storage.ok().flatten()
}
