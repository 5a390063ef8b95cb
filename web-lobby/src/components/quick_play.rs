//! Quick play: the button, the state of the search, and the seat that was found.

use leptos::prelude::*;
use presentation::words;
use shared::id::RoomId;
use web_sys::NotificationPermission;

use super::badge::Badge;
use super::icon::{Icon, IconView};
use super::invitation::WaysIn;
use super::mode_choice::{ModeChoice, about};
use super::private_room::PrivateRoomButton;
use crate::api::attention;
use crate::api::clock::Now;
use crate::api::long_poll::{QuickPlay, Search};
use crate::api::transport::Transport;

/// The panel for quick play.
#[component]
pub(crate) fn QuickPlayPanel() -> impl IntoView {
    let play = QuickPlay::expect();
    let step = Memo::new(move |_| play.search.with(Step::of));
    let found = move || match step.get() {
        Step::Matched(room) => Some(room.to_string()),
        Step::Idle | Step::Waiting => None,
    };
    view! {
        <section class="play" aria-label="Play">
            <p
                class="unseen"
                role="status"
                data-testid="match-status"
                data-state=move || step.get().name()
                data-room=found
            >
                {move || play.search.with(sentence)}
            </p>
            {move || match step.get() {
                Step::Idle => view! { <Choice play=play /> }.into_any(),
                Step::Waiting => view! { <Waiting play=play /> }.into_any(),
                Step::Matched(room) => view! { <Found play=play room=room /> }.into_any(),
            }}
        </section>
    }
}

/// The step that the panel shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Idle,
    Waiting,
    Matched(RoomId),
}

impl Step {
    const fn of(search: &Search) -> Self {
        match search {
            Search::Off | Search::Failed(_) => Self::Idle,
            Search::Asking | Search::Waiting { .. } => Self::Waiting,
            Search::Matched { room, .. } => Self::Matched(*room),
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Waiting => "waiting",
            Self::Matched(_) => "matched",
        }
    }
}

/// The state of the search for screen readers.
fn sentence(search: &Search) -> String {
    match search {
        Search::Off | Search::Failed(_) => String::new(),
        Search::Asking | Search::Waiting { .. } => "Looking for a match.".to_owned(),
        Search::Matched { room, until_ms } => format!("{}{room}.", seat_text(*until_ms)),
    }
}

/// What is said before the name of the room that was found.
const fn seat_text(until_ms: Option<u64>) -> &'static str {
    match until_ms {
        Some(_) => "There is a seat for you in room ",
        None => "You play in room ",
    }
}

#[component]
fn Choice(play: QuickPlay) -> impl IntoView {
    let failure = move || match play.search.get() {
        Search::Failed(why) => Some(why),
        Search::Off | Search::Asking | Search::Waiting { .. } | Search::Matched { .. } => None,
    };
    view! {
        <div class="choice">
            <ModeChoice group="mode" chosen=play.mode choose=move |mode| play.choose(mode) />
            <p class="about" class:refused=move || failure().is_some() aria-live="polite">
                {move || failure().unwrap_or_else(|| about(play.mode.get()).to_owned())}
            </p>
        </div>
        <div class="go">
            <PrivateRoomButton />
            <button class="primary big" data-testid="quick-play" on:click=move |_| play.start()>
                <IconView icon=Icon::Play />
                "Quick play"
            </button>
        </div>
    }
}

#[component]
fn Waiting(play: QuickPlay) -> impl IntoView {
    let now = Now::expect();
    let may_ask = RwSignal::new(attention::may_notify() == Some(NotificationPermission::Default));
    let facts = move || match play.search.get() {
        Search::Waiting { since_ms, window, in_queue, bots_at_ms } => {
            let waited = now.seconds_since(since_ms);
            let bots = match now.seconds_until(bots_at_ms) {
                0 => "any moment".to_owned(),
                seconds => format!("in {}", words::clock(seconds)),
            };
            vec![
                ("waited", words::clock(waited)),
                ("rating within", format!("±{window}")),
                ("in the queue", in_queue.to_string()),
                ("bots fill up", bots),
            ]
        }
        Search::Off | Search::Asking | Search::Matched { .. } | Search::Failed(_) => Vec::new(),
    };
    view! {
        <div class="searching">
            <span class="orbit" aria-hidden="true"><i></i></span>
            <div>
                <div class="play-head">
                    <h2>{move || format!("Looking for a {} match", play.mode.get().title())}</h2>
                    <Badge part="matchmaking" transport=Transport::LongPoll status=play.status />
                </div>
                <Show when=move || play.full.get()>
                    <p class="help refused" data-testid="server-full">
                        "The server opens no more rooms now. You get the next free seat; another mode may have one."
                    </p>
                </Show>
                <dl class="facts">
                    {move || {
                        facts()
                            .into_iter()
                            .map(|(what, value)| view! { <div><dt>{what}</dt><dd>{value}</dd></div> })
                            .collect_view()
                    }}
                </dl>
            </div>
        </div>
        <div class="go">
            <Show when=move || may_ask.get()>
                <button class="quiet" on:click=move |_| {
                    attention::ask_to_notify();
                    may_ask.set(false);
                }>"Notify me in other tabs"</button>
            </Show>
            <button class="quiet big" data-testid="cancel" on:click=move |_| play.cancel()>
                "Cancel"
            </button>
        </div>
    }
}

#[component]
fn Found(play: QuickPlay, room: RoomId) -> impl IntoView {
    let now = Now::expect();
    let until_ms = Memo::new(move |_| match play.search.get() {
        Search::Matched { until_ms, .. } => until_ms,
        Search::Off | Search::Asking | Search::Waiting { .. } | Search::Failed(_) => None,
    });
    let title = move || seat_text(until_ms.get());
    let left = move || {
        let left = until_ms.get().map(|until_ms| words::clock(now.seconds_until(until_ms)));
        left.map(|left| view! { <span class="about num" data-testid="seat-left">"kept for " {left}</span> })
    };
    view! {
        <div class="found">
            <div class="play-head">
                <h2>{title} <b class="room-id">{room.to_string()}</b></h2>
                {left}
                <Badge part="matchmaking" transport=Transport::LongPoll status=play.status />
            </div>
            <Show when=move || play.full.get()>
                <p class="help">"The server opens no more rooms now, so this one was running already."</p>
            </Show>
            <WaysIn room=room.into() />
        </div>
        <div class="go">
            <button class="quiet" data-testid="match-done" on:click=move |_| play.cancel()>
                "Done"
            </button>
        </div>
    }
}
