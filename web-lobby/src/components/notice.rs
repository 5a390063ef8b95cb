//! Placeholders while there is nothing to show: loading, empty, or an error.

use leptos::prelude::*;

/// Grey bars in the place of rows that are loading.
#[component]
pub(crate) fn Skeleton(rows: usize) -> impl IntoView {
    view! {
        <div class="skeleton" role="status">
            <span class="unseen">"Loading"</span>
            {(0..rows).map(|_| view! { <i aria-hidden="true"></i> }).collect_view()}
        </div>
    }
}

/// Says that there is nothing, and what would change that.
#[component]
pub(crate) fn Empty(children: Children) -> impl IntoView {
    view! { <div class="empty">{children()}</div> }
}

/// Says what went wrong, and offers to try again.
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
