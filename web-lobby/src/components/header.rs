//! The bar at the top: the navigation and the visitor's name.

use leptos::prelude::*;
use leptos_router::components::A;

use super::icon::{Icon, IconView};
use crate::api::session::Identity;

/// The bar at the top of every page.
#[component]
pub(crate) fn Header() -> impl IntoView {
    view! {
        <header class="top">
            <a class="brand" href="/" aria-label="Pushback, to the lobby">
                <svg viewBox="0 0 32 32" aria-hidden="true">
                    <ellipse class="slab" cx="16" cy="24" rx="14" ry="6" />
                    <ellipse class="ice" cx="16" cy="21.5" rx="14" ry="6" />
                    <circle class="disc" cx="12" cy="16.5" r="5.5" />
                    <path class="push" d="M20.5 10.5a8.5 8.5 0 0 1 0 11M24.5 8a13 13 0 0 1 0 16" />
                </svg>
                "Pushback"
            </a>
            <nav aria-label="Pages">
                <A href="/" exact=true>"Play"</A>
                <A href="/replays">"Replays"</A>
                <A href="/determinism">"Determinism"</A>
            </nav>
            <SessionButton />
        </header>
    }
}

#[component]
fn SessionButton() -> impl IntoView {
    let identity = Identity::expect();
    let name = move || identity.me.with(|me| me.as_ref().map(|me| me.name.to_string()));
    let page =
        move || identity.me.with(|me| me.as_ref().map(|me| format!("/players/{}", me.player)));
    view! {
        <div class="myself">
            <Show
                when=move || page().is_some()
                fallback=move || {
                    view! {
                        <button class="quiet" on:click=move |_| identity.is_asking_name.set(true)>
                            <IconView icon=Icon::User />
                            "Choose a name"
                        </button>
                    }
                }
            >
                <a class="me" href=move || page().unwrap_or_default() title="Your rating and rounds">
                    <IconView icon=Icon::User />
                    <span>{name}</span>
                </a>
                <button class="quiet slim" on:click=move |_| identity.is_asking_name.set(true)>"Rename"</button>
            </Show>
        </div>
    }
}
