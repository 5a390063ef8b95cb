//! Private rooms: choose the settings, open the room, send the link.

use leptos::prelude::*;
use shared::sim::{BotStrength, Mode};

use super::dialog::Dialog;
use super::invitation::{Invitation, WaysIn};
use super::mode_choice::{ModeChoice, about};
use crate::api::long_poll::QuickPlay;
use crate::api::private_room::{Opening, PrivateRoom};

/// The button, and the dialog that it opens.
#[component]
pub(crate) fn PrivateRoomButton() -> impl IntoView {
    let private = PrivateRoom::expect();
    let asking = RwSignal::new(false);
    let close = move |()| {
        asking.set(false);
        private.close();
    };
    view! {
        <button class="quiet big" data-testid="private-room" on:click=move |_| asking.set(true)>
            "Private room"
        </button>
        <Dialog title="A room for friends" open=asking close=close>
            {move || match private.opening.get() {
                Opening::Open(room) => {
                    let room = room.address();
                    view! {
                        <Invitation room=room />
                        <WaysIn room=room />
                        <p class="help">
                            "It waits ten minutes for your friends, and stays open while somebody plays or watches, over "
                            "any number of rounds."
                        </p>
                        <div class="buttons">
                            <button class="quiet" on:click=move |_| close(())>"Done"</button>
                        </div>
                    }.into_any()
                }
                Opening::Off | Opening::Asking | Opening::Failed(_) => {
                    view! { <RoomForm private=private close=close /> }.into_any()
                }
            }}
        </Dialog>
    }
}

/// The choices for the bots of a room.
const BOT_CHOICES: [(&str, Option<BotStrength>); 4] = [
    ("No bots", None),
    ("Gentle bots", Some(BotStrength::Gentle)),
    ("Keen bots", Some(BotStrength::Keen)),
    ("Fierce bots", Some(BotStrength::Fierce)),
];

#[component]
fn RoomForm(private: PrivateRoom, #[prop(into)] close: Callback<()>) -> impl IntoView {
    let mode: RwSignal<Mode> = RwSignal::new(QuickPlay::expect().mode.get_untracked());
    let bots = RwSignal::new(None);
    let refusal = move || match private.opening.get() {
        Opening::Failed(why) => Some(why),
        Opening::Off | Opening::Asking | Opening::Open(_) => None,
    };
    let is_asking = move || private.opening.get() == Opening::Asking;
    view! {
        <p class="help">"Only people with the link or the code can find it. Its rounds change no rating."</p>
        <ModeChoice group="room-mode" chosen=mode choose=move |chosen| mode.set(chosen) />
        <p class="about">{move || about(mode.get())}</p>
        <label class="field">
            "Free seats"
            <select on:change=move |event| {
                let chosen = event_target_value(&event);
                bots.set(BOT_CHOICES.iter().find(|(title, _)| *title == chosen).and_then(|(_, bots)| *bots));
            }>
                {BOT_CHOICES.map(|(title, _)| view! { <option>{title}</option> }).collect_view()}
            </select>
        </label>
        <p class="help refused" aria-live="polite">{refusal}</p>
        <div class="buttons">
            <button class="quiet" on:click=move |_| close.run(())>"Not now"</button>
            <button
                class="primary"
                data-testid="open-room"
                disabled=is_asking
                on:click=move |_| private.open(mode.get_untracked(), bots.get_untracked())
            >
                "Open the room"
            </button>
        </div>
    }
}
