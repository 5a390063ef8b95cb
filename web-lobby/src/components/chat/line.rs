//! One line of the chat, and the list of muted people.

use leptos::prelude::*;
use shared::id::PlayerId;
use shared::protocol::chat::{ChatChannel, ChatLine};

use crate::api::chat::{Chat, Recipient};
use crate::api::clock::{date_ms, local, time_of_day};
use crate::api::session::Identity;
use crate::components::icon::{Icon, IconView};

/// A line, with the actions on its author.
#[component]
pub(super) fn Line(
    chat: Chat,
    line: ChatLine,
    /// It continues the previous line's author, so it shows no name.
    continues: bool,
) -> impl IntoView {
    let identity = Identity::expect();
    let (from, name) = (line.from, line.name.clone());
    let is_mine = move || identity.me.with(|me| me.as_ref().is_some_and(|me| me.player == from));
    let (whisper_to, mute) = (format!("Whisper to {name}"), format!("Mute {name}"));
    let whisper = {
        let name = name.clone();
        move |_| chat.recipient.set(Recipient::Person(from, name.clone()))
    };
    let channel_tag = match line.channel {
        ChatChannel::Lobby => None,
        ChatChannel::Room { room } => Some(format!("in {room}")),
        ChatChannel::Team { .. } => Some("to the team".to_owned()),
        ChatChannel::Direct { .. } => Some("privately".to_owned()),
    };
    let time = time_of_day(date_ms(line.at_ms));
    let time = time.get(..5).unwrap_or(&time).to_owned();
    view! {
        <div class="line" class:mine=is_mine data-testid="chat-line" data-from=name.to_string()>
            <p class:unseen=continues>
                <a class="name" href=format!("/players/{from}")>{name.to_string()}</a>
                {channel_tag.map(|place| view! { <span class="tag">{place}</span> })}
                <time title=local(line.at_ms)>{time}</time>
            </p>
            <p class="text">{line.text}</p>
            <Show when=move || !is_mine()>
                <span class="acts">
                    <button
                        class="quiet slim"
                        aria-label=whisper_to.clone()
                        title="Whisper"
                        on:click=whisper.clone()
                    >
                        <IconView icon=Icon::Whisper />
                    </button>
                    <button
                        class="quiet slim"
                        aria-label=mute.clone()
                        title="Mute: hide all lines of this player"
                        on:click=move |_| chat.toggle_mute(from)
                    >
                        <IconView icon=Icon::Mute />
                    </button>
                </span>
            </Show>
        </div>
    }
}

/// The muted people, each with a button to unmute them.
#[component]
pub(super) fn MutedList(chat: Chat) -> impl IntoView {
    let muted = move || chat.muted.with(|muted| muted.iter().copied().collect::<Vec<_>>());
    let count = Memo::new(move |_| chat.muted.with(|muted| muted.len()));
    view! {
        <Show when=move || { count.get() > 0 }>
            <details class="muted">
                <summary>{move || format!("{} muted", count.get())}</summary>
                <ul>
                    <For each=muted key=|player| *player let:player>
                        <li>
                            <span>{name_of(chat, player)}</span>
                            <button class="quiet slim" on:click=move |_| chat.toggle_mute(player)>
                                "Unmute"
                            </button>
                        </li>
                    </For>
                </ul>
            </details>
        </Show>
    }
}

/// The name on the author's newest line, or the id.
fn name_of(chat: Chat, player: PlayerId) -> String {
    let name = chat.lines.with_untracked(|lines| {
        lines.iter().rev().find(|line| line.from == player).map(|line| line.name.to_string())
    });
    name.unwrap_or_else(|| player.to_string())
}
