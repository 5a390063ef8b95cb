//! Everyone in the match, best first; a press follows one of them.

use leptos::prelude::*;
use shared::sim::Slot;

use super::hud::{Hud, Standing, badge};

/// The scores of the moment. The row of the followed player is pressed.
#[component]
pub fn Roster(#[prop(into)] hud: Signal<Hud>, follow: RwSignal<Option<Slot>>) -> impl IntoView {
    let standings = Memo::new(move |_| hud.with(|hud| hud.standings.clone()));
    let teams = Memo::new(move |_| hud.with(|hud| hud.teams));
    let press = move |slot: Slot| {
        follow.update(|follow| *follow = if *follow == Some(slot) { None } else { Some(slot) });
    };
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
                <For each=move || standings.get() key=Standing::clone let:row>
                    <li>{line(row, follow, press)}</li>
                </For>
            </ol>
            <p class="muted small">"Press a player to follow them."</p>
        </section>
    }
}

fn line(
    row: Standing,
    follow: RwSignal<Option<Slot>>,
    press: impl Fn(Slot) + Copy + Send + 'static,
) -> impl IntoView {
    let slot = row.person.slot;
    let score = format!("{} knock-outs, {} falls", row.knockouts, row.falls);
    let note = match (row.reconnecting, row.bot) {
        (true, _) => Some("reconnecting"),
        (false, true) => Some("bot"),
        (false, false) => None,
    };
    view! {
        <button
            type="button"
            class="roster-line"
            class:fallen=row.fallen
            aria-pressed=move || if follow.get() == Some(slot) { "true" } else { "false" }
            on:click=move |_| press(slot)
            title=score
        >
            {badge(slot)}
            <span class="roster-name">{row.person.name}</span>
            {note.map(|note| view! { <small>{note}</small> })}
            <span class="tabular muted">{row.knockouts}"/"{row.falls}</span>
            <b class="tabular">{row.points}</b>
        </button>
    }
}
