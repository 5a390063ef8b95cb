//! The title of the page, and how a hidden tab calls its visitor back.

use std::cell::{Cell, RefCell};

use js_sys::Reflect;
use leptos::task::spawn_local;
use web_sys::{Notification, NotificationOptions, NotificationPermission};

use super::visibility;

/// The end of every title.
const SITE: &str = "Pushback";

thread_local! {
    static TITLE: RefCell<String> = const { RefCell::new(String::new()) };
    static CALL: Cell<Option<&'static str>> = const { Cell::new(None) };
}

/// Names the page. Without a name it is the lobby itself.
pub(crate) fn set_title(name: &str) {
    TITLE.replace(name.to_owned());
    show_title();
}

fn show_title() {
    let call = CALL.get().map(|call| format!("● {call} · ")).unwrap_or_default();
    let name = TITLE.with_borrow(|name| match name.as_str() {
        "" => String::new(),
        name => format!("{name} · "),
    });
    if let Some(document) = web_sys::window().and_then(|window| window.document()) {
        document.set_title(&format!("{call}{name}{SITE}"));
    }
}

/// Calls the visitor back to a hidden page, in its title and, where it is allowed, by a notification. Until they come.
pub(crate) fn call_back(what: &'static str, about: &str) {
    if !visibility::is_hidden() {
        return;
    }
    CALL.set(Some(what));
    show_title();
    if may_notify() == Some(NotificationPermission::Granted) {
        let options = NotificationOptions::new();
        options.set_body(about);
        options.set_tag(SITE);
        // Browsers on phones refuse; the title is there.
        Notification::new_with_options(what, &options).ok();
    }
    spawn_local(async {
        visibility::until_visible().await;
        call_off();
    });
}

/// There is nothing more to come back for.
pub(crate) fn call_off() {
    if CALL.take().is_some() {
        show_title();
    }
}

/// What the visitor has said about notifications. `None` in a browser without them, or where they cannot be asked for.
pub(crate) fn may_notify() -> Option<NotificationPermission> {
    let window = web_sys::window()?;
    let has = Reflect::has(&window, &"Notification".into()).unwrap_or(false);
    (has && window.is_secure_context()).then(Notification::permission)
}

/// Asks whether notifications may be shown.
pub(crate) fn ask_to_notify() {
    // The answer is read when there is something to say.
    Notification::request_permission().ok();
}
