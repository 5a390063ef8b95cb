//! What stands in a part's place while there is nothing to show: loading, nothing there, or an error.

use leptos::prelude::*;

/// Grey bars where rows will be.
#[component]
pub(crate) fn Skeleton(rows: usize) -> impl IntoView {
    view! {
        <div class="skeleton" role="status">
            <span class="unseen">"Loading"</span>
            {(0..rows).map(|_| view! { <i aria-hidden="true"></i> }).collect_view()}
        </div>
    }
}

/// Nothing there, and what would bring something.
#[component]
pub(crate) fn Empty(children: Children) -> impl IntoView {
    view! { <div class="empty">{children()}</div> }
}

/// What went wrong, and the next step.
#[component]
pub(crate) fn Failure(
    #[prop(into)] sentence: Signal<String>,
    #[prop(into)] retry: Callback<()>,
) -> impl IntoView {
    view! {
        <div class="empty failure" role="alert">
            <p>{sentence}</p>
            <button class="quiet" on:click=move |_| retry.run(())>"Try again"</button>
        </div>
    }
}
