//! `/replays`: every recorded round, the newest first.

use leptos::prelude::*;
use shared::sim::Mode;

use crate::api::pull::{ReplayFilter, Replays};
use crate::api::transport::Status;
use crate::components::replay_list::{RefreshBar, ReplayList};
use crate::components::title::page_title;

/// How many replays each request brings.
const LIMIT: u32 = 20;

/// The list with its filter.
#[component]
pub(crate) fn ReplaysPage() -> impl IntoView {
    page_title(|| "Replays".to_owned());
    let mode = RwSignal::new(None::<Mode>);
    let filter =
        Signal::derive(move || ReplayFilter { mode: mode.get(), player: None, limit: LIMIT });
    let replays = Replays::new(filter);
    let option = move |wanted: Option<Mode>| {
        view! {
            <label class="segment">
                <input
                    type="radio"
                    name="replay-mode"
                    prop:checked=move || mode.get() == wanted
                    on:change=move |_| mode.set(wanted)
                />
                <span>{wanted.map_or("All", Mode::title)}</span>
            </label>
        }
    };
    view! {
        <div class="page">
            <div class="page-head">
                <h1>"Replays"</h1>
                <RefreshBar part="replays" status=replays.status refresh=move |()| replays.refresh() />
            </div>
            <fieldset class="segments">
                <legend class="unseen">"Mode"</legend>
                {option(None)}
                {Mode::ALL.map(|mode| option(Some(mode))).collect_view()}
            </fieldset>
            <section class="panel" aria-label="Recorded rounds">
                <ReplayList
                    replays=replays
                    nothing="No such round has been recorded yet. Each round is, as soon as it ends."
                />
                <Show when=move || replays.has_older.get()>
                    <div class="more">
                        <button
                            class="quiet"
                            disabled=move || replays.status.get() == Status::Connecting
                            on:click=move |_| replays.load_older()
                        >
                            "Older rounds"
                        </button>
                    </div>
                </Show>
            </section>
        </div>
    }
}
