//! A small badge: the transport that feeds a part of the page, and its state.

use leptos::prelude::*;

use crate::api::transport::{Status, Transport};

/// The badge, such as "SSE · live". Its tooltip gives the reason for the transport.
#[component]
pub(crate) fn Badge(
    /// The name by which tests find it.
    part: &'static str,
    transport: Transport,
    #[prop(into)] status: Signal<Status>,
) -> impl IntoView {
    let title = move || match status.get() {
        Status::Stopped(why) => why,
        _ => transport.reason().to_owned(),
    };
    view! {
        <span
            class="badge"
            data-testid=format!("badge-{part}")
            data-state=move || status.with(Status::state)
            title=title
        >
            <i aria-hidden="true"></i>
            {transport.name()}
            " · "
            {move || status.with(Status::words)}
        </span>
    }
}
