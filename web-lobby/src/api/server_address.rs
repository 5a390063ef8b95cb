//! The address of this server in links that leave the page.

use std::cell::Cell;

use leptos::prelude::*;
use leptos::task::spawn_local;
use shared::api::ServerInfo;

use super::get;

thread_local! {
    static ADDRESS: Cell<Option<RwSignal<Option<String>>>> = const { Cell::new(None) };
}

/// Asks the server for its address, for the whole page.
pub(crate) fn provide() {
    let address = RwSignal::new(None);
    ADDRESS.set(Some(address));
    spawn_local(async move {
        // Without an answer, links have the address of the page.
        if let Ok(ServerInfo { url: Some(url), .. }) = get("/api/about").await {
            address.set(Some(url));
        }
    });
}

/// Scheme, host and port for links: what the operator has named, or else where this page is from.
pub(crate) fn origin() -> String {
    ADDRESS.get().and_then(|address| address.get()).unwrap_or_else(page_origin)
}

/// Where this page is from.
pub(crate) fn page_origin() -> String {
    window().location().origin().unwrap_or_default()
}

/// Whether links lead nowhere on other machines.
pub(crate) fn is_this_machine_only() -> bool {
    is_loopback(&origin())
}

fn is_loopback(origin: &str) -> bool {
    let host = origin.split_once("://").map_or(origin, |(_, host)| host);
    host.starts_with("localhost") || host.starts_with("127.") || host.starts_with("[::1]")
}

#[cfg(test)]
mod tests {
    use super::is_loopback;

    #[test]
    fn links_to_this_machine_are_recognised() {
        for origin in ["http://localhost:7777", "http://127.0.0.1:80", "http://[::1]:7777"] {
            assert!(is_loopback(origin), "{origin}");
        }
        for origin in ["https://play.example.org", "http://192.168.1.7:7777", "http://lan:7777"] {
            assert!(!is_loopback(origin), "{origin}");
        }
    }
}
