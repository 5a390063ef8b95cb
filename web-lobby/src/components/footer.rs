//! The line at the bottom: further links.

use leptos::prelude::*;

/// Links that few visitors need.
#[component]
pub(crate) fn Footer() -> impl IntoView {
    view! {
        <footer class="bottom">
            <span>"Every part says how it is fed: press its badge to read why."</span>
            <nav aria-label="More">
                <a href="/determinism">"Determinism"</a>
                <a href="/api/docs" rel="external">"API"</a>
                <a href="/metrics" rel="external">"Metrics"</a>
            </nav>
        </footer>
    }
}
