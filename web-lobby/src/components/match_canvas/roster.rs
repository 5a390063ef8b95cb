//! The list of players, best first. Pressing a player makes the camera follow them.

use leptos::prelude::*;
use shared::sim::Slot;

use super::hud::{Hud, Standing, badge};

/// The current scores. The row of the followed player is pressed.
#[component]
pub fn Roster(#[prop(into)] hud: Signal<Hud>, follow: RwSignal<Option<Slot>>) -> impl IntoView {
    let standings = Memo::new(move |_| hud.with(|hud| hud.standings.clone()));
    let slots = Memo::new(move |_| {
        standings.with(|rows| rows.iter().map(|row| row.person.slot).collect::<Vec<_>>())
    });
    let teams = Memo::new(move |_| hud.with(|hud| hud.teams));
    let others = Memo::new(move |_| {
        let others = hud.with(|hud| hud.others);
        (others > 0).then(|| format!("And {others} more."))
    });
    view! {
        <section class="panel roster" aria-label="Players">
            <h2>"Players"</h2>
            {move || teams.get().map(|[first, second]| view! {
                <p class="stage-teams tabular">
                    "Team 1 "<b class="team-0">{first}</b>" : "<b class="team-1">{second}</b>" Team 2"
                </p>
            })}
            <Show when=move || standings.with(Vec::is_empty)>
                <p class="muted">"Nobody yet."</p>
            </Show>
            <ol>
                <For each=move || slots.get() key=|seat| *seat let:seat>
                    <li><RosterLine standings=standings seat=seat follow=follow /></li>
                </For>
            </ol>
            {move || others.get().map(|others| view! { <p class="muted small">{others}</p> })}
            <p class="muted small">"Knock-outs / falls, and points. Press a player to follow them."</p>
        </section>
    }
}

/// The row of a player. It stays the same element while its numbers and its place change, so that it keeps the focus.
#[component]
fn RosterLine(
    standings: Memo<Vec<Standing>>,
    seat: Slot,
    follow: RwSignal<Option<Slot>>,
) -> impl IntoView {
    // The last known row stays while the list removes the line.
    let row = Memo::new(move |known: Option<&Option<Standing>>| {
        let found = standings.with(|rows| rows.iter().find(|row| row.person.slot == seat).cloned());
        found.or_else(|| known.cloned().flatten())
    });
    let of = move |read: fn(&Standing) -> u16| row.with(|row| row.as_ref().map(read));
    let (knockouts, falls) = (move || of(|row| row.knockouts), move || of(|row| row.falls));
    let team = move || row.with(|row| row.as_ref().and_then(|row| row.team));
    let score = move || {
        let (knockouts, falls) = (knockouts().unwrap_or(0), falls().unwrap_or(0));
        let team = team().map(|team| format!("Team {}: ", team + 1)).unwrap_or_default();
        format!("{team}{knockouts} knock-outs, {falls} falls")
    };
    let name = Memo::new(move |_| row.with(|row| row.as_ref().map(|row| row.person.name.clone())));
    let note = Memo::new(move |_| row.with(|row| row.as_ref().and_then(note)));
    let press = move |_| {
        follow.update(|follow| *follow = if *follow == Some(seat) { None } else { Some(seat) });
    };
    view! {
        <button
            type="button"
            class="roster-line"
            data-team=team
            class:fallen=move || row.with(|row| row.as_ref().is_some_and(|row| row.fallen))
            aria-pressed=move || if follow.get() == Some(seat) { "true" } else { "false" }
            on:click=press
        >
            {badge(seat)}
            <span class="roster-name">{name}</span>
            {move || note.get().map(|note| view! { <small>{note}</small> })}
            <span class="tabular muted" aria-hidden="true">{knockouts}"/"{falls}</span>
            <span class="unseen">{score}</span>
            <b class="tabular">{move || row.with(|row| row.as_ref().map(|row| row.points))}</b>
        </button>
    }
}

const fn note(row: &Standing) -> Option<&'static str> {
    match (row.reconnecting, row.bot) {
        (true, _) => Some("reconnecting"),
        (false, true) => Some("bot"),
        (false, false) => None,
    }
}
