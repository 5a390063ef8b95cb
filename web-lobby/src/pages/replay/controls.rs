//! The bar below a recording: play, speed, steps, follow and share.

use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;
use presentation::recording_player::{PlaybackCommand, PlaybackState, SPEEDS};
use presentation::words;
use shared::sim::Slot;

use super::keys::ViewerCommand;
use super::moment::Moment;
use super::shown::Shown;
use crate::api::clipboard;
use crate::api::notify;
use crate::api::server_address::origin;
use crate::components::match_canvas::Hud;

/// Shapes from Lucide (ISC licence), each in a box of 24 by 24.
const PLAY: &str = "M6 4l14 8l-14 8Z";
const PAUSE: &str = "M7 4v16M17 4v16";
const AGAIN: &str = "M3 12a9 9 0 1 0 9-9a9.75 9.75 0 0 0-6.74 2.74L3 8M3 3v5h5";
const BACK: &str = "M19 5l-9 7l9 7ZM6 5v14";
const AHEAD: &str = "M5 5l9 7l-9 7ZM18 5v14";
const FULL: &str = "M8 3H5a2 2 0 0 0-2 2v3M21 8V5a2 2 0 0 0-2-2h-3M3 16v3a2 2 0 0 0 2 2h3M16 21h3a2 2 0 0 0 2-2v-3";
const LINK: &str = "M10 13a5 5 0 0 0 7.5.5l3-3a5 5 0 0 0-7-7l-1.7 1.7M14 11a5 5 0 0 0-7.5-.5l-3 3a5 5 0 0 0 7 7l1.7-1.7";
const FILE: &str = "M12 15V3M7 10l5 5l5-5M21 15v4a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2v-4";

/// How long "Copied" is shown, in milliseconds.
const COPIED_MS: u32 = 2_000;

/// The bar.
#[component]
pub(crate) fn Controls(
    shown: Shown,
    act: impl Fn(ViewerCommand) + Copy + Send + Sync + 'static,
    /// The path of the page without its query, and the path of the file.
    page: String,
    file: String,
    hides_spoilers: RwSignal<bool>,
) -> impl IntoView {
    let Shown { line, state, speed, hud, follow, .. } = shown;
    let (icon, word) = (
        move || match state.get() {
            PlaybackState::Playing | PlaybackState::Buffering => PAUSE,
            PlaybackState::Paused => PLAY,
            PlaybackState::Ended => AGAIN,
        },
        move || match state.get() {
            PlaybackState::Playing | PlaybackState::Buffering => "Pause (space)",
            PlaybackState::Paused => "Play (space)",
            PlaybackState::Ended => "Play again (space)",
        },
    );
    let clock = Memo::new(move |_| {
        let line = line.get();
        format!("{} / {}", words::clock_of_ticks(line.at), words::clock_of_ticks(line.total.into()))
    });
    view! {
        <div class="controls" role="toolbar" aria-label="Playback">
            <button type="button" class="icon-button main" data-testid="play" title=word
                aria-label=word on:click=move |_| act(PlaybackCommand::TogglePlay.into())>{svg_of(Signal::derive(icon))}</button>
            {button("5 seconds back (←)", BACK, move || act(PlaybackCommand::Skip { seconds: -5.0 }.into()))}
            {button("5 seconds ahead (→)", AHEAD, move || act(PlaybackCommand::Skip { seconds: 5.0 }.into()))}
            <span class="tabular controls-clock">{clock}</span>
            <div class="speeds" role="group" aria-label="Speed">
                {SPEEDS.into_iter().enumerate().map(|(index, one)| view! {
                    <button type="button"
                        aria-pressed=move || if speed.get() == index { "true" } else { "false" }
                        on:click=move |_| act(PlaybackCommand::SetSpeed { index }.into())>{one.name}"×"</button>
                }).collect_view()}
            </div>
            <FollowChoice hud=hud follow=follow />
            <label class="switch" title="h">
                <input type="checkbox" prop:checked=hides_spoilers
                    on:change=move |event| hides_spoilers.set(event_target_checked(&event)) />
                "Hide spoilers"
            </label>
            <span class="spring"></span>
            <ShareButton shown=shown page=page />
            <a class="icon-button" href=file download="" rel="external"
                title="Download the file" aria-label="Download the file">{svg_of(FILE)}</a>
            {button("Full screen (f)", FULL, move || act(ViewerCommand::ToggleFullScreen))}
        </div>
    }
}

fn button(word: &'static str, icon: &'static str, press: impl Fn() + 'static) -> impl IntoView {
    view! {
        <button type="button" class="icon-button" title=word aria-label=word
            on:click=move |_| press()>{svg_of(icon)}</button>
    }
}

fn svg_of(path: impl Into<Signal<&'static str>>) -> impl IntoView {
    let path: Signal<&'static str> = path.into();
    view! { <svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><path d=path /></svg> }
}

/// The choice of the player that the camera follows.
#[component]
fn FollowChoice(#[prop(into)] hud: Signal<Hud>, follow: RwSignal<Option<Slot>>) -> impl IntoView {
    let people = Memo::new(move |_| {
        hud.with(|hud| {
            let person = |row: &crate::components::match_canvas::Standing| {
                (row.person.slot, row.person.name.clone())
            };
            let mut people = Vec::new();
            for person in hud.standings.iter().map(person) {
                let place = people.partition_point(|known| *known < person);
                people.insert(place, person);
            }
            people
        })
    });
    let option = move |(slot, name): (Slot, String)| {
        view! {
            <option value=slot.0.to_string() prop:selected=move || follow.get() == Some(slot)>
                {name}
            </option>
        }
    };
    view! {
        <label class="follow">
            <span>"Follow"</span>
            <select on:change=move |event| {
                follow.set(event_target_value(&event).parse().ok().map(Slot));
            }>
                <option value="" prop:selected=move || follow.get().is_none()>"everyone"</option>
                {move || people.get().into_iter().map(option).collect_view()}
            </select>
        </label>
    }
}

/// Copies a link to this moment. Shows the link where the browser does not allow copying.
#[component]
fn ShareButton(shown: Shown, page: String) -> impl IntoView {
    let copied = RwSignal::new(false);
    let by_hand = RwSignal::new(None::<String>);
    let share = move |_| {
        let moment =
            Moment { tick: shown.line.get_untracked().at, follow: shown.follow.get_untracked() };
        let link = format!("{}{page}{}", origin(), moment.write());
        spawn_local(async move {
            if clipboard::copy(&link).await {
                copied.try_set(true);
                notify::sleep(COPIED_MS).await;
                copied.try_set(false);
            } else {
                by_hand.try_set(Some(link));
            }
        });
    };
    // Selects the link, ready to be copied with the keyboard.
    let field = NodeRef::<html::Input>::new();
    Effect::new(move |_| {
        if let Some(field) = field.get() {
            field.focus().ok();
            field.select();
        }
    });
    let word = move || match (copied.get(), by_hand.with(Option::is_some)) {
        (true, _) => "Copied",
        (false, true) => "Press Ctrl+C",
        (false, false) => "Copy link",
    };
    view! {
        {move || by_hand.get().map(|link| view! {
            <input
                class="share-link"
                readonly
                node_ref=field
                prop:value=link
                aria-label="Link to this moment"
            />
        })}
        <button type="button" class="button share" data-testid="share" on:click=share>
            {svg_of(LINK)}
            <span aria-live="polite">{word}</span>
        </button>
    }
}
