//! The ladder, live.

use leptos::prelude::*;
use presentation::words;
use shared::api::{ScoreRow, Scoreboard};
use shared::id::PlayerId;

use super::badge::{Badge, OldNotice};
use super::icon::{Icon, IconView};
use super::notice::{Empty, Skeleton};
use crate::api::session::Identity;
use crate::api::sse::LiveFeed;
use crate::api::transport::Transport;

/// The ladder with its heading.
#[component]
pub(crate) fn ScorePanel() -> impl IntoView {
    let feed = LiveFeed::<Scoreboard>::expect();
    let is_known = Memo::new(move |_| feed.state.with(Option::is_some));
    let is_empty = Memo::new(move |_| {
        feed.state.with(|board| board.as_ref().is_some_and(|board| board.rows.is_empty()))
    });
    view! {
        <section class="panel scores" aria-labelledby="scores-title">
            <div class="panel-head">
                <h2 id="scores-title">"Scoreboard"</h2>
                <Badge part="scoreboard" transport=Transport::Events status=feed.status />
            </div>
            <OldNotice what="Scores" status=feed.status heard_ms=feed.heard_ms />
            <div class="score-head" aria-hidden="true">
                <span>"#"</span>
                <span>"Player"</span>
                <span class="wide">"Won"</span>
                <span class="wide">"Falls"</span>
                <span>"Points"</span>
                <span>"Rating"</span>
            </div>
            <Show when=move || is_known.get() fallback=|| view! { <Skeleton rows=8 /> }>
                <Show when=move || !is_empty.get() fallback=|| view! {
                    <Empty>"Nobody has scored yet. The first round will fill this list."</Empty>
                }>
                    <ScoreList board=feed.state />
                    <p class="help foot">"A “?” marks a rating that is still uncertain. Settled players come first."</p>
                </Show>
            </Show>
        </section>
    }
}

/// The rows. A row stays the same element while its numbers change, so that it keeps the focus.
#[component]
pub(crate) fn ScoreList(#[prop(into)] board: Signal<Option<Scoreboard>>) -> impl IntoView {
    let players = Memo::new(move |_| {
        board.with(|board| {
            let rows = board.as_ref().map(|board| board.rows.as_slice()).unwrap_or_default();
            rows.iter().map(|row| row.player).collect::<Vec<_>>()
        })
    });
    view! {
        <ol class="score-list">
            <For each=move || players.get() key=|player| *player let:player>
                <ScoreLine board=board player=player />
            </For>
        </ol>
    }
}

#[component]
fn ScoreLine(board: Signal<Option<Scoreboard>>, player: PlayerId) -> impl IntoView {
    let identity = Identity::expect();
    // The row and its place, from 1. The last known one stays while the list removes the line.
    let line = Memo::new(move |known: Option<&Option<(usize, ScoreRow)>>| {
        let found = board.with(|board| {
            let rows = &board.as_ref()?.rows;
            let place = rows.iter().position(|row| row.player == player)?;
            Some((place + 1, rows[place].clone()))
        });
        found.or_else(|| known.cloned().flatten())
    });
    let row =
        move |of: fn(&ScoreRow) -> i64| line.with(|line| line.as_ref().map(|(_, row)| of(row)));
    let points = Memo::new(move |_| row(|row| row.points));
    let rating = Memo::new(move |_| row(|row| row.rating.into()));
    let is_provisional =
        Memo::new(move |_| line.with(|line| line.as_ref().is_some_and(|(_, row)| row.provisional)));
    let shown_rating = move || {
        line.with(|line| line.as_ref().map(|(_, row)| words::rating(row.rating, row.provisional)))
    };
    let place = move || line.with(|line| line.as_ref().map(|(place, _)| *place));
    let name =
        Memo::new(move |_| line.with(|line| line.as_ref().map(|(_, row)| row.name.to_string())));
    let is_bot = move || line.with(|line| line.as_ref().is_some_and(|(_, row)| row.bot));
    let playing =
        Memo::new(move |_| line.with(|line| line.as_ref().and_then(|(_, row)| row.playing)));
    let is_me = move || identity.me.with(|me| me.as_ref().is_some_and(|me| me.player == player));
    // Counts the changes, so that the style sheet can flash at each change but not at first.
    let changes = Memo::new(move |seen: Option<&(u32, Option<i64>)>| match seen {
        None => (0, points.get()),
        Some((count, before)) => (count + u32::from(*before != points.get()), points.get()),
    });
    let flash = move || match changes.get().0 {
        0 => "num",
        count if count % 2 == 1 => "num flash-a",
        _ => "num flash-b",
    };
    view! {
        <li
            data-testid="score-row"
            data-player=move || name.get()
            data-points=move || points.get()
            data-rating=move || rating.get()
            class:me=is_me
        >
            <span class="num place">{place}</span>
            <span class="who">
                <a href=format!("/players/{player}")>{move || name.get()}</a>
                <Show when=is_bot>
                    <span class="tag" title="A bot, on the ladder as a benchmark">
                        <IconView icon=Icon::Bot />
                        <span class="unseen">"bot"</span>
                    </span>
                </Show>
                {move || playing.get().map(|room| view! {
                    <a class="on-ice" href=format!("/rooms/{room}/watch") title="Playing now: watch">
                        <span class="unseen">"playing now: watch"</span>
                    </a>
                })}
            </span>
            <span class="num wide">{move || row(|row| row.wins.into())}</span>
            <span class="num wide">{move || row(|row| row.falls.into())}</span>
            <span class=flash>{move || points.get()}</span>
            <span class="num">
                {shown_rating}
                <Show when=move || is_provisional.get()><span class="unseen">" (still uncertain)"</span></Show>
            </span>
        </li>
    }
}
