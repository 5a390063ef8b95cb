//! A small badge: the transport that feeds a part of the page, and its state.

use leptos::prelude::*;

use crate::api::transport::{Status, Transport};

/// The badge, such as "SSE · live". Pressing it says why the part uses this transport, or why it was given up.
#[component]
pub(crate) fn Badge(
    /// The name by which tests find it.
    part: &'static str,
    transport: Transport,
    #[prop(into)] status: Signal<Status>,
) -> impl IntoView {
    let about = move || match status.get() {
        Status::Stopped(why) => why,
        _ => transport.reason().to_owned(),
    };
    let id = format!("why-{part}");
    view! {
        <button
            type="button"
            class="badge"
            data-testid=format!("badge-{part}")
            data-state=move || status.with(Status::state)
            popovertarget=id.clone()
        >
            <i aria-hidden="true"></i>
            {transport.name()}
            " · "
            {move || status.with(Status::words)}
        </button>
        <p class="why" id=id popover="auto">{about}</p>
    }
}

/// Says that a part of the page is not current, and since when.
#[component]
pub(crate) fn OldNotice(
    #[prop(into)] status: Signal<Status>,
    /// When the line was last heard, in milliseconds since 1970. Zero before that.
    heard_ms: StoredValue<f64>,
) -> impl IntoView {
    let old = Memo::new(move |_| {
        let heard_ms = heard_ms.get_value();
        let is_cut = status
            .with(|status| matches!(status, Status::Reconnecting { .. } | Status::Stopped(_)));
        (is_cut && heard_ms > 0.0).then(|| crate::api::clock::time_of_day(heard_ms))
    });
    view! {
        {move || old.get().map(|since| view! {
            <p class="old" role="status">"Not current: last heard at " <span class="num">{since}</span></p>
        })}
    }
}
