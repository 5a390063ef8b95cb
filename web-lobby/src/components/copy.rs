//! A text with a button that copies it. All of it can be read: a link shows where it leads.

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::icon::{Icon, IconView};
use crate::api::clipboard;

/// The result of the last press.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Copied {
    NotYet,
    Done,
    /// The browser does not allow copying, so the text was selected instead.
    ByHand,
}

/// A field with a text, and the button.
#[component]
pub(crate) fn CopyText(
    /// The description for screen readers.
    label: &'static str,
    /// `None` while the text is not known yet.
    text: Signal<Option<String>>,
    /// Called when the visitor has copied the text.
    #[prop(optional, into)]
    on_copied: Option<Callback<()>>,
) -> impl IntoView {
    let copied = RwSignal::new(Copied::NotYet);
    let field = NodeRef::<leptos::html::Textarea>::new();
    let select = move || field.get_untracked().inspect(|field| field.select()).is_some();
    let has_it = move || {
        if let Some(on_copied) = on_copied {
            on_copied.run(());
        }
    };
    let copy = move |_| {
        let Some(text) = text.get_untracked() else { return };
        spawn_local(async move {
            let is_done = clipboard::copy(&text).await;
            if is_done {
                has_it();
            } else {
                select();
            }
            copied.set(if is_done { Copied::Done } else { Copied::ByHand });
        });
    };
    keep_selected(field, text);
    view! {
        <div class="copy">
            <textarea
                node_ref=field
                readonly
                rows="2"
                aria-label=label
                placeholder="One moment …"
                prop:value=move || text.get().unwrap_or_default()
                on:focus=move |_| {
                    select();
                }
                on:copy=move |_| has_it()
            ></textarea>
            <button
                class="quiet"
                on:click=copy
                disabled=move || text.with(Option::is_none)
                aria-label=format!("Copy: {label}")
            >
                <Show when=move || copied.get() == Copied::Done fallback=|| view! { <IconView icon=Icon::Copy /> }>
                    <IconView icon=Icon::Check />
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

/// Keeps the text selected when it changes while the visitor is about to copy it by hand.
fn keep_selected(field: NodeRef<leptos::html::Textarea>, text: Signal<Option<String>>) {
    Effect::new(move |_| {
        text.track();
        let Some(field) = field.get() else { return };
        let focused = document().active_element();
        if focused.is_some_and(|focused| focused == **field) {
            field.select();
        }
    });
}
