//! The title of a page, in the browser's tab and history.

use leptos::prelude::*;

use crate::api::attention;

/// Names the page for as long as the calling component is on it. An empty name is the lobby.
pub(crate) fn page_title(name: impl Fn() -> String + 'static) {
    Effect::new(move |_| attention::set_title(&name()));
}
