//! A recorded match: plays while it downloads, both ways, at six speeds, from any moment that a link names.

pub mod controls;
mod keys;
pub mod viewer;

use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_router::hooks::{use_params_map, use_query_map};
use presentation::words;
use shared::api::{ReplayPlayer, ReplaySummary};
use shared::id::ReplayId;
use shared::sim::Slot;
use shared::tick::TICK_RATE_HZ;

use crate::api;
use crate::api::link::{Link, Transport};
use crate::components::badge::Badge;
use viewer::Viewer;

/// Where a link wants to begin, and whom it wants to follow.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Moment {
    tick: f64,
    follow: Option<Slot>,
}

impl Moment {
    /// Of `?t=SECONDS&follow=SLOT`. What cannot be read is left out.
    fn read(seconds: Option<&str>, slot: Option<&str>) -> Self {
        let seconds = seconds.and_then(|text| text.parse::<f64>().ok()).filter(|s| s.is_finite());
        Self {
            tick: seconds.unwrap_or(0.0).max(0.0) * f64::from(TICK_RATE_HZ),
            follow: slot.and_then(|text| text.parse().ok()).map(Slot),
        }
    }

    /// As the end of a link.
    fn write(self) -> String {
        let mut text = format!("?t={:.1}", self.tick / f64::from(TICK_RATE_HZ));
        if let Some(Slot(slot)) = self.follow {
            text.push_str("&follow=");
            text.push_str(&slot.to_string());
        }
        text
    }
}

/// `/replays/:id?t=SECONDS&follow=SLOT`.
#[component]
pub fn ReplayPage() -> impl IntoView {
    let params = use_params_map();
    let id =
        Memo::new(move |_| params.with(|params| params.get("id")).and_then(|id| id.parse().ok()));
    move || match id.get() {
        Some(id) => view! { <Replay id=id /> }.into_any(),
        None => view! { <Unknown why="That is no replay's address.".to_owned() /> }.into_any(),
    }
}

#[component]
fn Replay(id: ReplayId) -> impl IntoView {
    let query = use_query_map();
    let moment =
        query.with_untracked(|query| Moment::read(query.get_str("t"), query.get_str("follow")));
    let summary = RwSignal::new(None::<ReplaySummary>);
    spawn_local(async move {
        // The recording itself says when it cannot be had; without details it only lacks a headline.
        if let Ok(found) = api::get(&format!("/api/replays/{id}")).await {
            summary.try_set(Some(found));
        }
    });
    let link = RwSignal::new(Link::Idle);
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
            <Headline summary=summary link=link />
            <Viewer id=id moment=moment hides_spoilers=hides_spoilers link=link>
                <FinalResult summary=summary hides_spoilers=hides_spoilers />
            </Viewer>
        </article>
    }
}

/// What was played, when, how long.
#[component]
fn Headline(
    #[prop(into)] summary: Signal<Option<ReplaySummary>>,
    #[prop(into)] link: Signal<Link>,
) -> impl IntoView {
    let text = move || {
        summary.with(|summary| match summary {
            Some(summary) => format!("{} replay", summary.mode.title()),
            None => "Replay".to_owned(),
        })
    };
    let details = move || {
        summary.with(|summary| {
            let summary = summary.as_ref()?;
            let company = company(&summary.players);
            let began = js_sys::Date::new(&(summary.started_at_ms as f64).into());
            let began = began.to_locale_string("default", &js_sys::Object::new());
            let length = words::clock_of_ticks(summary.ticks.into());
            let size = words::bytes(summary.bytes);
            Some(format!("{} · {length} · {company} · {size}", String::from(began)))
        })
    };
    view! {
        <header class="theatre-head">
            <h1>{text}</h1>
            <p class="muted tabular">{details}</p>
            <Badge part="replay" transport=Transport::Stream link=link />
        </header>
    }
}

/// `2 players, 6 bots`, without what there is none of.
fn company(players: &[ReplayPlayer]) -> String {
    let bots = players.iter().filter(|player| player.bot).count();
    let counts = [(players.len() - bots, "player"), (bots, "bot")];
    let some = counts.into_iter().filter(|(number, _)| *number > 0);
    let written = some.map(|(number, one)| words::count(number as u32, one));
    written.collect::<Vec<_>>().join(", ")
}

/// The points at the end, unless they would spoil it.
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

/// There is no such replay.
#[component]
fn Unknown(why: String) -> impl IntoView {
    view! {
        <article class="page theatre-unknown">
            <h1>"No replay here"</h1>
            <p>{why}</p>
            <p><a class="button" href="/replays">"All replays"</a></p>
        </article>
    }
}

#[cfg(test)]
mod tests {
    use super::Moment;
    use shared::sim::Slot;

    #[test]
    fn a_link_leads_to_its_moment() {
        let moment = Moment::read(Some("12.5"), Some("3"));

        assert_eq!(moment, Moment { tick: 750.0, follow: Some(Slot(3)) });
        assert_eq!(moment.write(), "?t=12.5&follow=3");
    }

    #[test]
    fn nonsense_in_a_link_is_left_out() {
        assert_eq!(Moment::read(Some("NaN"), Some("x")), Moment::default());
        assert_eq!(Moment::read(Some("-4"), None), Moment::default());
    }
}
