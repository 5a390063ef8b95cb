//! The page of a recording that does not exist.

use leptos::prelude::*;

use crate::components::title::page_title;

/// Says that there is no such replay, and why.
#[component]
pub(crate) fn NoReplay(why: String) -> impl IntoView {
    page_title(|| "No replay here".to_owned());
    view! {
        <article class="page theatre-unknown">
            <h1>"No replay here"</h1>
            <p>{why}</p>
            <p><a class="button" href="/replays">"All replays"</a></p>
        </article>
    }
}
