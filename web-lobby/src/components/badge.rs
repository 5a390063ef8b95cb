//! A small badge: the transport that feeds a part of the page, and its state.

use leptos::prelude::*;
use presentation::words;

use crate::api::clock::{Now, time_of_day};
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
    /// What is not current: "Scores".
    what: &'static str,
    #[prop(into)] status: Signal<Status>,
    /// When the line was last heard, in milliseconds since 1970. Zero before that.
    heard_ms: StoredValue<f64>,
) -> impl IntoView {
    let now = Now::expect();
    move || {
        let (text, time) = match status.get() {
            Status::Late(since_ms) => (
                format!("{what} are late: the servers have not heard of each other"),
                format!(" for {}", words::span(now.seconds_since(since_ms))),
            ),
            Status::Reconnecting { .. } | Status::Stopped(_) if heard_ms.get_value() > 0.0 => {
                let heard_at = time_of_day(heard_ms.get_value());
                (format!("Not current: last heard at {heard_at}"), String::new())
            }
            _ => return None,
        };
        // A time that counts is not read out each second.
        Some(view! {
            <p class="old num"><span role="status">{text}</span><span aria-hidden="true">{time}</span></p>
        })
    }
}
