//! `/players/:id`: one player's rating, totals and rounds.

use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use presentation::words;
use shared::api::PlayerProfile;

use crate::api::pull::{Pull, ReplayFilter, Replays};
use crate::api::session::Identity;
use crate::components::icon::{Icon, IconView};
use crate::components::notice::{Failure, Skeleton};
use crate::components::rating_curve::RatingCurve;
use crate::components::replay_list::{RefreshBar, ReplayList};
use crate::components::title::page_title;

/// How many replays the page shows.
const REPLAYS: u32 = 10;

/// The page of a player.
#[component]
pub(crate) fn PlayerPage() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.with(|params| params.get("id").unwrap_or_default()));
    let profile =
        Pull::<PlayerProfile>::new(Signal::derive(move || format!("/api/players/{}", id.get())));
    let filter = Signal::derive(move || ReplayFilter {
        player: id.get().parse().ok(),
        limit: REPLAYS,
        mode: None,
    });
    let replays = Replays::new(filter);
    let refresh = move |()| {
        profile.refresh();
        replays.refresh();
    };
    let identity = Identity::expect();
    let name = Memo::new(move |_| identity.me.with(|me| me.as_ref().map(|me| me.name.clone())));
    // A new name shows here at once, too.
    Effect::new(move |before: Option<()>| {
        name.track();
        if before.is_some() {
            profile.refresh();
        }
    });
    page_title(move || {
        profile.data.with(|player| match player {
            Some(player) => player.row.name.to_string(),
            None => "Player".to_owned(),
        })
    });
    let sentence = Signal::derive(move || {
        profile.error.get().map(|error| error.to_string()).unwrap_or_default()
    });
    view! {
        <div class="page">
            <Show when=move || profile.error.with(Option::is_some)>
                <Failure sentence=sentence retry=refresh />
                <p class="help"><a href="/#scores">"All players, on the scoreboard"</a></p>
            </Show>
            {move || match profile.data.get() {
                Some(player) => view! {
                    <div class="page-head">
                        <h1>{player.row.name.to_string()}</h1>
                        <RefreshBar part="profile" status=profile.status refresh=refresh />
                    </div>
                    <Figures player=player />
                }.into_any(),
                None if profile.error.with(Option::is_some) => ().into_any(),
                None => view! { <Skeleton rows=6 /> }.into_any(),
            }}
            <Show when=move || profile.data.with(Option::is_some)>
                <section class="panel" aria-labelledby="rounds-title">
                    <div class="panel-head"><h2 id="rounds-title">"Rounds"</h2></div>
                    <ReplayList replays=replays nothing="No recorded round with this player yet." />
                </section>
            </Show>
        </div>
    }
}

/// What a rating means.
const fn about_rating(is_provisional: bool) -> &'static str {
    if is_provisional {
        "Everybody begins at 1500. The “?” says that this rating is still uncertain: it moves by about a hundred points in a round at first, and settles after about twenty rounds. Rounds in private rooms, Practice and Crowd change no rating."
    } else {
        "Everybody begins at 1500. A round moves a settled rating by at most 30 points. Rounds in private rooms, Practice and Crowd change no rating."
    }
}

#[component]
fn Figures(player: PlayerProfile) -> impl IntoView {
    let identity = Identity::expect();
    let row = player.row;
    let is_me =
        move || identity.me.with(|me| me.as_ref().is_some_and(|me| me.player == row.player));
    let figures = [
        ("Rating", words::rating(row.rating, row.provisional)),
        ("Points", row.points.to_string()),
        ("Rounds", row.rounds.to_string()),
        ("Won", row.wins.to_string()),
        ("Knock-outs", row.knockouts.to_string()),
        ("Falls", row.falls.to_string()),
    ];
    let figures = figures
        .map(|(what, value)| view! { <div><dt>{what}</dt><dd class="num">{value}</dd></div> });
    let playing = row.playing.map(|room| {
        view! {
            <a class="button quiet" href=format!("/rooms/{room}/watch")>
                <IconView icon=Icon::Eye />
                "Playing now: watch"
            </a>
        }
    });
    let has_curve = player.curve.len() > 1;
    view! {
        <p class="tags">
            {row.bot.then(|| view! {
                <span class="tag"><IconView icon=Icon::Bot />"A bot, on the ladder as a benchmark"</span>
            })}
            {playing}
            <Show when=is_me>
                <button class="quiet" on:click=move |_| identity.is_asking_name.set(true)>"Change your name"</button>
            </Show>
        </p>
        <dl class="figures">{figures.collect_view()}</dl>
        <section class="panel" aria-labelledby="curve-title">
            <div class="panel-head"><h2 id="curve-title">"Rating"</h2></div>
            {if has_curve {
                view! { <RatingCurve points=player.curve /> }.into_any()
            } else {
                view! { <p class="empty">"The curve begins after two rated rounds."</p> }.into_any()
            }}
            <p class="help foot">{about_rating(row.provisional)}</p>
        </section>
    }
}
