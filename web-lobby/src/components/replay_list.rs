//! Recorded rounds as a list.

use leptos::prelude::*;
use presentation::words;
use shared::api::ReplaySummary;

use super::badge::Badge;
use super::icon::{Icon, IconView};
use super::notice::{Empty, Failure, Skeleton};
use crate::api::clock::{Now, local};
use crate::api::pull::Replays;
use crate::api::transport::{Status, Transport};

/// The list, or its placeholder.
#[component]
pub(crate) fn ReplayList(
    replays: Replays,
    /// What to say when there are no replays.
    nothing: &'static str,
) -> impl IntoView {
    let is_known = Memo::new(move |_| replays.found.with(Option::is_some));
    let is_empty =
        Memo::new(move |_| replays.found.with(|found| found.as_ref().is_some_and(Vec::is_empty)));
    let sentence = Signal::derive(move || {
        replays.error.get().map(|error| error.to_string()).unwrap_or_default()
    });
    let has_failed = Memo::new(move |_| replays.error.with(Option::is_some));
    view! {
        <Show when=move || has_failed.get()>
            <Failure sentence=sentence retry=move |()| replays.refresh() />
        </Show>
        <Show when=move || is_known.get() fallback=move || {
            (!has_failed.get()).then(|| view! { <Skeleton rows=4 /> })
        }>
            <Show when=move || !is_empty.get() fallback=move || view! { <Empty>{nothing}</Empty> }>
                <ul class="replay-list">
                    <For
                        each=move || replays.found.get().unwrap_or_default()
                        key=|replay| (replay.id, replay.complete)
                        let:replay
                    >
                        <ReplayLine replay=replay />
                    </For>
                </ul>
            </Show>
        </Show>
    }
}

#[component]
fn ReplayLine(replay: ReplaySummary) -> impl IntoView {
    let now = Now::expect();
    let started = replay.started_at_ms;
    let best = replay.players.first().map(|best| {
        view! { <b>{best.name.to_string()}</b> " won with " <span class="num">{best.points}</span> }
    });
    let people = replay.players.iter().filter(|player| !player.bot).count();
    let company = match people {
        0 => format!("{} bots", replay.players.len()),
        _ => format!("{} of {} are people", people, replay.players.len()),
    };
    view! {
        <li data-testid="replay-row" data-replay=replay.id.to_string()>
            <a href=format!("/replays/{}", replay.id)>
                <span class="play-mark" aria-hidden="true"><IconView icon=Icon::Play /></span>
                <span class="title"><b>{replay.mode.title()}</b> " · " {best}</span>
                <span class="when" title=local(started)>{move || now.ago(started)}</span>
                <span class="detail">
                    {company}
                    " · "
                    <span class="num">{words::clock_of_ticks(replay.ticks.into())}</span>
                    " · "
                    <span class="num">{words::bytes(replay.bytes)}</span>
                    {(!replay.complete).then_some(" · cut short")}
                </span>
            </a>
        </li>
    }
}

/// The badge and the button that requests the data again.
#[component]
pub(crate) fn RefreshBar(
    part: &'static str,
    #[prop(into)] status: Signal<Status>,
    #[prop(into)] refresh: Callback<()>,
) -> impl IntoView {
    view! {
        <span class="refresh">
            <Badge part=part transport=Transport::Pull status=status />
            <button
                class="quiet slim"
                data-testid=format!("refresh-{part}")
                on:click=move |_| refresh.run(())
                disabled=move || status.get() == Status::Connecting
                aria-label="Refresh"
                title="Ask the server again"
            >
                <IconView icon=Icon::Refresh />
            </button>
        </span>
    }
}
