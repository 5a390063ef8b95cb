//! A small sign that says over which transport a part is fed, and whether data flows.

use leptos::prelude::*;

use crate::api::link::{Link, Transport};

/// "SSE · live", with the reason for the transport under the pointer.
#[component]
pub(crate) fn Badge(
    /// The name by which tests find it.
    part: &'static str,
    transport: Transport,
    #[prop(into)] link: Signal<Link>,
) -> impl IntoView {
    let title = move || match link.get() {
        Link::Stopped(why) => why,
        _ => transport.reason().to_owned(),
    };
    view! {
        <span
            class="badge"
            data-testid=format!("badge-{part}")
            data-state=move || link.with(Link::state)
            title=title
        >
            <i aria-hidden="true"></i>
            {transport.name()}
            " · "
            {move || link.with(Link::words)}
        </span>
    }
}
