//! Key presses on the replay page, and the list of keys.

use leptos::prelude::*;
use wasm_bindgen::JsCast as _;
use web_sys::KeyboardEvent;

use super::keys::{Focus, ViewerCommand, command_of_key, key_at};

pub(crate) fn command_of(event: &KeyboardEvent) -> Option<ViewerCommand> {
    if event.ctrl_key() || event.meta_key() || event.alt_key() {
        return None;
    }
    command_of_key(&key_at(&event.code(), &event.key()), focus_of(event))
}

/// Types of `<input>` that take no text.
const PRESSED: [&str; 4] = ["checkbox", "radio", "button", "submit"];

fn focus_of(event: &KeyboardEvent) -> Focus {
    let asks = document().query_selector("dialog[open]").ok().flatten().is_some();
    let target = event.target().and_then(|target| target.dyn_into::<web_sys::HtmlElement>().ok());
    let Some(target) = target.filter(|_| !asks) else {
        return if asks { Focus::Text } else { Focus::Page };
    };
    let is_in = |selector| target.closest(selector).ok().flatten().is_some();
    let in_theatre = is_in(".theatre-main");
    let is_written = match target.tag_name().as_str() {
        "INPUT" => !PRESSED.contains(&target.get_attribute("type").unwrap_or_default().as_str()),
        "TEXTAREA" | "SELECT" => true,
        _ => target.is_content_editable(),
    };
    match () {
        () if is_written => Focus::Text,
        () if is_in("a, button, input, summary") => Focus::Pressable { in_viewer: in_theatre },
        () if in_theatre => Focus::Viewer,
        () => Focus::Page,
    }
}

/// The list of keys.
#[component]
pub(crate) fn KeyList() -> impl IntoView {
    let rows = [
        ("space", "play, pause"),
        ("← →", "5 seconds"),
        (", .", "one picture"),
        ("1 … 9", "10 % … 90 %"),
        ("Home End", "begin, end"),
        ("− +", "speed"),
        ("f  h", "full screen, spoilers"),
    ];
    view! {
        <details class="panel keys">
            <summary>"Keys"</summary>
            <dl>
                {rows.map(|(keys, does)| view! { <dt><kbd>{keys}</kbd></dt><dd>{does}</dd> }).collect_view()}
            </dl>
            <p class="muted small">"Digits count by their place, and so do letters on a keyboard without Latin ones."</p>
            <p class="muted small">"Press the picture first: elsewhere arrows, Home and End scroll the page."</p>
        </details>
    }
}
