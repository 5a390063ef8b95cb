//! A text to take along, with a button that copies it.

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::icon::{Icon, Picture};
use crate::api::clipboard;

/// What became of the last press.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Copied {
    NotYet,
    Done,
    /// The browser lets nobody at its clipboard: the text is selected instead.
    ByHand,
}

/// Shows a text and copies it.
#[component]
pub(crate) fn CopyText(
    /// What the text is, for those who do not see it.
    label: &'static str,
    text: String,
) -> impl IntoView {
    let copied = RwSignal::new(Copied::NotYet);
    let field = NodeRef::<leptos::html::Input>::new();
    let value = text.clone();
    let copy = move |_| {
        let text = text.clone();
        spawn_local(async move {
            let is_done = clipboard::copy(&text).await;
            if let Some(field) = field.get_untracked().filter(|_| !is_done) {
                field.select();
            }
            copied.set(if is_done { Copied::Done } else { Copied::ByHand });
        });
    };
    view! {
        <div class="copy">
            <input
                node_ref=field
                readonly
                aria-label=label
                prop:value=value.clone()
                value=value
                on:focus=move |_| {
                    if let Some(field) = field.get_untracked() {
                        field.select();
                    }
                }
            />
            <button class="quiet" on:click=copy aria-label=format!("Copy: {label}")>
                <Show when=move || copied.get() == Copied::Done fallback=|| view! { <Picture icon=Icon::Copy /> }>
                    <Picture icon=Icon::Check />
                </Show>
                <span aria-live="polite">
                    {move || match copied.get() {
                        Copied::NotYet => "Copy",
                        Copied::Done => "Copied",
                        Copied::ByHand => "Press Ctrl+C",
                    }}
                </span>
            </button>
        </div>
    }
}
