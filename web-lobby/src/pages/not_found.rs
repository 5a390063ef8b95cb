//! The page of an unknown address.

use crate::components::title::page_title;
use leptos::prelude::*;

/// Says that there is no such page, and links back.
#[component]
pub(crate) fn NotFoundPage() -> impl IntoView {
    page_title(|| "Nothing here".to_owned());
    view! {
        <div class="page narrow">
            <h1>"Over the edge"</h1>
            <p>"There is nothing at this address. It may have been typed wrong, or what it named is gone."</p>
            <div class="buttons">
                <a class="button primary" href="/">"To the lobby"</a>
                <a class="button quiet" href="/replays">"Replays"</a>
            </div>
        </div>
    }
}
