//! The overlay of a picture: time left, scores, and knock-outs.

use leptos::prelude::*;
use presentation::{palette, words};
use shared::sim::{PushKind, Slot, World, scoring};
use shared::snapshot::Roster;

/// The longest list of players: a longer one cannot be read.
const STANDINGS_MAX: usize = 24;
/// How many leaders the overlay shows.
const LEADERS: usize = 5;

/// A player's seat and name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Person {
    pub slot: Slot,
    pub name: String,
}

/// A line of the kill feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kill {
    /// Counts up and identifies the line.
    pub number: u32,
    /// Ticks since the round began.
    pub tick: u32,
    pub fallen: Person,
    pub by: Option<Person>,
    pub kind: Option<PushKind>,
}

/// The score of one player.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Standing {
    pub person: Person,
    pub bot: bool,
    /// 0 or 1. `None` without teams.
    pub team: Option<u8>,
    pub points: i16,
    pub knockouts: u16,
    pub falls: u16,
    pub reconnecting: bool,
    pub fallen: bool,
}

/// The content of the overlay.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Hud {
    /// The time that is left.
    pub clock: String,
    /// The players, best first, at most [`STANDINGS_MAX`].
    pub standings: Vec<Standing>,
    /// How many players are not listed.
    pub others: usize,
    /// The points of the two teams. `None` without teams.
    pub teams: Option<[i16; 2]>,
    pub kills: Vec<Kill>,
}

impl Person {
    pub fn of(roster: &Roster, slot: Slot) -> Self {
        Self { slot, name: roster.name(slot).to_owned() }
    }
}

impl Hud {
    pub(super) fn of(world: &World, roster: &Roster, kills: Vec<Kill>) -> Self {
        let standing = |disc: &shared::sim::Disc| {
            let entry = roster.entry(disc.slot);
            Standing {
                person: Person::of(roster, disc.slot),
                bot: entry.is_some_and(|entry| entry.bot.is_some()),
                team: world.mode.has_teams().then_some(disc.team),
                points: disc.points,
                knockouts: disc.knockouts,
                falls: disc.falls,
                reconnecting: entry.is_some_and(|entry| entry.reconnecting),
                fallen: !disc.is_standing(),
            }
        };
        let ranking = scoring::ranking(&world.discs);
        Self {
            clock: words::clock_of_ticks(world.remaining().into()),
            others: ranking.len().saturating_sub(STANDINGS_MAX),
            standings: ranking.into_iter().take(STANDINGS_MAX).map(standing).collect(),
            teams: world.mode.has_teams().then_some(world.team_points),
            kills,
        }
    }
}

/// The disc of a seat as a small icon, with its hue and its mark.
pub fn badge(slot: Slot) -> impl IntoView {
    let ring = palette::has_ring(slot);
    view! {
        <svg class="disc-badge" viewBox="0 0 12 12" aria-hidden="true">
            <circle cx="6" cy="6" r="5.5" fill=palette::hue(slot).body.css />
            {ring.then(|| view! { <circle cx="6" cy="6" r="2.6" fill=palette::ICE_EDGE.css /> })}
        </svg>
    }
}

/// The outline of a push in a box of 24 by 24. `None` is a fall without a push.
fn push_icon(kind: Option<PushKind>) -> &'static str {
    match kind {
        Some(PushKind::Pulse) => {
            "M4 12h7M3 8h4M3 16h4M16 7a5 5 0 1 1 0 10a5 5 0 1 1 0-10M16 10.5v3M14.5 12h3"
        }
        Some(PushKind::Shove) => "M4 12L19 4.5A16 16 0 0 1 19 19.5ZM9 12h6",
        Some(PushKind::Dash) => "M3 7h8M3 12h6M3 17h8M13 6l6 6l-6 6",
        Some(PushKind::Bump) => {
            "M7.5 7.5a4.5 4.5 0 1 0 0 9a4.5 4.5 0 1 0 0-9M16.5 7.5a4.5 4.5 0 1 0 0 9a4.5 4.5 0 1 0 0-9M12 2v3M12 19v3"
        }
        None => "M3 8h10l2 3M15 11v3M13 8v4M18 13v7M15 17l3 3l3-3",
    }
}

/// The overlay of a picture.
#[component]
pub fn HudOverlay(#[prop(into)] hud: Signal<Hud>) -> impl IntoView {
    let clock = Memo::new(move |_| hud.with(|hud| hud.clock.clone()));
    let leaders = Memo::new(move |_| {
        hud.with(|hud| hud.standings.iter().take(LEADERS).cloned().collect::<Vec<_>>())
    });
    let kills = Memo::new(move |_| hud.with(|hud| hud.kills.clone()));
    let teams = Memo::new(move |_| hud.with(|hud| hud.teams));
    view! {
        <div class="stage-clock" role="timer" aria-label="Time left">{clock}</div>
        <div class="stage-score">
            {move || teams.get().map(|[first, second]| view! {
                <p class="stage-teams"><b class="team-0">{first}</b>" : "<b class="team-1">{second}</b></p>
            })}
            <ol>
                <For
                    each=move || leaders.get()
                    key=|row| (row.person.clone(), row.points, row.team)
                    let:row
                >
                    <li data-team=row.team>{badge(row.person.slot)}<span>{row.person.name}</span><b>{row.points}</b></li>
                </For>
            </ol>
        </div>
        <ul class="stage-kills" aria-live="off">
            <For each=move || kills.get() key=|kill| kill.number let:kill>
                <li class:edge=kill.kind.is_none()>
                    {kill.by.map(|by| view! { {badge(by.slot)}<span>{by.name}</span> })}
                    <svg class="kill-icon" viewBox="0 0 24 24" aria-label="pushed">
                        <path d=push_icon(kill.kind) />
                    </svg>
                    {badge(kill.fallen.slot)}
                    <span>{kill.fallen.name}</span>
                </li>
            </For>
        </ul>
    }
}
