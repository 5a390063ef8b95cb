//! A question in front of the page: the browser's own dialog, which keeps the focus inside and closes on Escape.

use leptos::html;
use leptos::prelude::*;

/// Shows its content while `open`.
#[component]
pub(crate) fn Dialog(
    /// The heading.
    title: &'static str,
    #[prop(into)] open: Signal<bool>,
    /// The person wants it closed.
    #[prop(into)]
    close: Callback<()>,
    children: ChildrenFn,
) -> impl IntoView {
    let dialog = NodeRef::<html::Dialog>::new();
    Effect::new(move |_| {
        let Some(dialog) = dialog.get() else { return };
        if open.get() && !dialog.open() {
            // Fails only where it is open already.
            dialog.show_modal().ok();
        } else if !open.get() {
            dialog.close();
        }
    });
    view! {
        <dialog
            node_ref=dialog
            aria-label=title
            on:cancel=move |event: leptos::ev::Event| {
                event.prevent_default();
                close.run(());
            }
        >
            <Show when=move || open.get()>
                <h2>{title}</h2>
                {children()}
            </Show>
        </dialog>
    }
}
