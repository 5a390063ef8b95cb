//! A recorded match: it plays while it downloads, from any moment that a link names.

pub mod controls;
pub mod keyboard;
pub mod keys;
pub mod missing;
pub mod moment;
pub mod notice;
pub mod shown;
pub mod viewer;

use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_router::hooks::{use_params_map, use_query_map};
use presentation::words;
use shared::api::{ReplayPlayer, ReplaySummary};
use shared::id::ReplayId;

use crate::api;
use crate::api::transport::{Status, Transport};
use crate::components::badge::Badge;
use crate::components::title::page_title;
use missing::NoReplay;
use moment::Moment;
use viewer::Viewer;

/// `/replays/:id?t=SECONDS&follow=SLOT`.
#[component]
pub fn ReplayPage() -> impl IntoView {
    let params = use_params_map();
    let id =
        Memo::new(move |_| params.with(|params| params.get("id")).and_then(|id| id.parse().ok()));
    move || match id.get() {
        Some(id) => view! { <Replay id=id /> }.into_any(),
        None => view! { <NoReplay why="No replay has this address.".to_owned() /> }.into_any(),
    }
}

#[component]
fn Replay(id: ReplayId) -> impl IntoView {
    let query = use_query_map();
    let moment =
        query.with_untracked(|query| Moment::read(query.get_str("t"), query.get_str("follow")));
    let summary = RwSignal::new(None::<ReplaySummary>);
    spawn_local(async move {
        // The download reports when there is no recording. Without the details only the headline is missing.
        if let Ok(found) = api::get(&format!("/api/replays/{id}")).await {
            summary.try_set(Some(found));
        }
    });
    let status = RwSignal::new(Status::Idle);
    let hides_spoilers = RwSignal::new(api::storage::get(api::storage::SPOILERS_HIDDEN).is_some());
    Effect::new(move |_| {
        if hides_spoilers.get() {
            api::storage::set(api::storage::SPOILERS_HIDDEN, "yes");
        } else {
            api::storage::remove(api::storage::SPOILERS_HIDDEN);
        }
    });
    view! {
        <article class="page theatre">
            <Headline summary=summary status=status />
            <Viewer id=id moment=moment hides_spoilers=hides_spoilers status=status>
                <FinalResult summary=summary hides_spoilers=hides_spoilers />
            </Viewer>
        </article>
    }
}

/// Mode, time, length, players and size.
#[component]
fn Headline(
    #[prop(into)] summary: Signal<Option<ReplaySummary>>,
    #[prop(into)] status: Signal<Status>,
) -> impl IntoView {
    let text = move || {
        summary.with(|summary| match summary {
            Some(summary) => format!("{} replay", summary.mode.title()),
            None => "Replay".to_owned(),
        })
    };
    page_title(text);
    let details = move || {
        summary.with(|summary| {
            let summary = summary.as_ref()?;
            let player_counts = player_counts(&summary.players);
            let began = api::clock::local(summary.started_at_ms);
            let length = words::clock_of_ticks(summary.ticks.into());
            let size = words::bytes(summary.bytes);
            Some(format!("{} · {length} · {player_counts} · {size}", began))
        })
    };
    view! {
        <header class="theatre-head">
            <h1>{text}</h1>
            <p class="muted tabular">{details}</p>
            <Badge part="replay" transport=Transport::Stream status=status />
        </header>
    }
}

/// `2 players, 6 bots`, without a count of zero.
fn player_counts(players: &[ReplayPlayer]) -> String {
    let bots = players.iter().filter(|player| player.bot).count();
    let counts = [(players.len() - bots, "player"), (bots, "bot")];
    let some = counts.into_iter().filter(|(number, _)| *number > 0);
    let written = some.map(|(number, one)| words::count(number as u32, one));
    written.collect::<Vec<_>>().join(", ")
}

/// The final points, unless spoilers are hidden.
#[component]
fn FinalResult(
    #[prop(into)] summary: Signal<Option<ReplaySummary>>,
    hides_spoilers: RwSignal<bool>,
) -> impl IntoView {
    let lines = move || {
        let players = summary.with(|summary| summary.as_ref().map(|s| s.players.clone()));
        let line = |player: ReplayPlayer| {
            let profile = format!("/players/{}", player.player);
            view! {
                <li>
                    <a href=profile>{player.name.to_string()}</a>
                    {player.bot.then(|| view! { <small>"bot"</small> })}
                    <b class="tabular">{player.points}</b>
                </li>
            }
        };
        players.unwrap_or_default().into_iter().map(line).collect_view()
    };
    view! {
        <section class="panel result" aria-label="Final result">
            <h2>"Final result"</h2>
            <Show
                when=move || !hides_spoilers.get()
                fallback=|| view! { <p class="muted">"Hidden, like every spoiler."</p> }
            >
                <ol>{lines}</ol>
            </Show>
        </section>
    }
}
