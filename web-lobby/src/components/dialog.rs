//! A modal dialog: the browser's own element, which keeps the focus inside and closes on Escape.

use leptos::html;
use leptos::prelude::*;

/// Shows its children while `open`.
#[component]
pub(crate) fn Dialog(
    /// The heading.
    title: &'static str,
    #[prop(into)] open: Signal<bool>,
    /// Called when the visitor closes it.
    #[prop(into)]
    close: Callback<()>,
    children: ChildrenFn,
) -> impl IntoView {
    let dialog = NodeRef::<html::Dialog>::new();
    Effect::new(move |_| {
        let Some(dialog) = dialog.get() else { return };
        if open.get() && !dialog.open() {
            // It fails only when it is open already.
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
