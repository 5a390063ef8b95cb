//! The chat: the lines, and a field to write one.

pub mod line;

use leptos::html;
use leptos::prelude::*;
use shared::protocol::chat::{ChatLine, LINE_CHARS_MAX};
use shared::text::is_blank;

use super::badge::Badge;
use super::icon::{Icon, IconView};
use super::notice::Empty;
use crate::api::chat::{Chat, Recipient};
use crate::api::session::Identity;
use crate::api::storage;
use crate::api::transport::{Status, Transport};
use line::{Line, MutedList};

/// From this many characters on, the number of characters left is shown.
const COUNT_FROM: usize = LINE_CHARS_MAX - 60;
/// How close lines of one author must be to stand under one name, in milliseconds.
const SAME_AUTHOR_MS: u64 = 120_000;
/// How close to the bottom the log must be to follow new lines, in pixels.
const BOTTOM_PX: i32 = 60;

/// The chat as a column that can be folded.
#[component]
pub(crate) fn ChatPanel() -> impl IntoView {
    let chat = Chat::expect();
    let folded = RwSignal::new(storage::get(storage::CHAT_FOLDED).is_some());
    let fold = move |_| {
        folded.update(|folded| *folded = !*folded);
        if folded.get_untracked() {
            storage::set(storage::CHAT_FOLDED, "yes");
        } else {
            storage::remove(storage::CHAT_FOLDED);
        }
    };
    view! {
        <aside class="panel chat" class:folded=folded aria-label="Chat">
            <div class="panel-head">
                <button
                    class="quiet slim fold"
                    aria-expanded=move || (!folded.get()).to_string()
                    aria-label="Chat column"
                    title=move || if folded.get() { "Unfold the chat" } else { "Fold the chat" }
                    on:click=fold
                >
                    {move || {
                        let icon = if folded.get() { Icon::Message } else { Icon::ChevronRight };
                        view! { <IconView icon=icon /> }
                    }}
                </button>
                <h2>"Chat"</h2>
                <Badge part="chat" transport=Transport::Socket status=chat.status />
            </div>
            <div class="chat-body">
                {move || chat.trouble.get().map(|why| view! { <p class="trouble" role="status">{why}</p> })}
                {move || match chat.status.get() {
                    Status::Stopped(why) => Some(view! { <p class="trouble" role="status">{why}</p> }),
                    _ => None,
                }}
                <Channels chat=chat />
                <Log chat=chat />
                <MutedList chat=chat />
                <LineForm chat=chat />
            </div>
        </aside>
    }
}

/// The choice of the channel, when there is more than the lobby.
#[component]
fn Channels(chat: Chat) -> impl IntoView {
    let channel = move |to: Recipient, title: String| {
        let is_chosen = {
            let to = to.clone();
            move || chat.recipient.get() == to
        };
        view! {
            <button
                class="quiet slim"
                aria-pressed=move || is_chosen().to_string()
                on:click=move |_| chat.recipient.set(to.clone())
            >
                {title}
            </button>
        }
    };
    view! {
        {move || chat.room.get().map(|room| view! {
            <div class="channels" role="group" aria-label="Channel">
                {channel(Recipient::Lobby, "Lobby".to_owned())}
                {channel(Recipient::Room(room), format!("Room {room}"))}
            </div>
        })}
    }
}

#[component]
fn Log(chat: Chat) -> impl IntoView {
    let identity = Identity::expect();
    let log = NodeRef::<html::Div>::new();
    let shown = Memo::new(move |_| {
        chat.muted.with(|muted| {
            chat.lines.with(|lines| {
                let mut before = None;
                let unmuted = lines.iter().filter(|line| !muted.contains(&line.from));
                unmuted
                    .map(|line| (line.clone(), continues(before.replace(line), line)))
                    .collect::<Vec<_>>()
            })
        })
    });
    let is_empty = Memo::new(move |_| shown.with(Vec::is_empty));
    // Keeps the newest line in view, unless the visitor has scrolled up.
    Effect::new(move |before: Option<()>| {
        shown.track();
        let Some(log) = log.get() else { return };
        let below = log.scroll_height() - log.scroll_top() - log.client_height();
        if before.is_none() || below < BOTTOM_PX + log.client_height() / 4 {
            request_animation_frame(move || log.set_scroll_top(log.scroll_height()));
        }
    });
    let empty_text = move || match (identity.me.with(Option::is_some), chat.status.get()) {
        (false, _) => "Choose a name to read and to write: say something below.",
        (true, Status::Live) => "Nobody has said anything yet. Be the first.",
        (true, _) => "Opening the chat …",
    };
    view! {
        <div
            class="log"
            role="log"
            aria-live="polite"
            aria-label="What was said"
            tabindex="0"
            node_ref=log
        >
            <Show when=move || is_empty.get()>
                <Empty>{empty_text}</Empty>
            </Show>
            <For each=move || shown.get() key=|(line, continues)| (line.sequence, *continues) let((line, continues))>
                <Line chat=chat line=line continues=continues />
            </For>
        </div>
    }
}

/// Whether a line continues the previous one, so that it needs no name of its own.
fn continues(before: Option<&ChatLine>, line: &ChatLine) -> bool {
    before.is_some_and(|before| {
        before.from == line.from
            && before.channel == line.channel
            && line.at_ms.saturating_sub(before.at_ms) < SAME_AUTHOR_MS
    })
}

/// How many characters are left, or how many are too many, as a negative number.
fn left_of(length: usize) -> String {
    let sign = if length > LINE_CHARS_MAX { "\u{2212}" } else { "" };
    format!("{sign}{}", LINE_CHARS_MAX.abs_diff(length))
}

#[component]
fn LineForm(chat: Chat) -> impl IntoView {
    let field = NodeRef::<html::Input>::new();
    let length = RwSignal::new(0);
    let fill = move |text: &str| {
        if let Some(field) = field.get_untracked() {
            field.set_value(text);
            length.set(text.trim().chars().count());
        }
    };
    // A line that was not sent comes back into the field, unless there is a new text.
    Effect::new(move |_| {
        if let Some(text) = chat.returned.get() {
            if field.get_untracked().is_some_and(|field| field.value().is_empty()) {
                fill(&text);
            }
            chat.returned.set(None);
        }
    });
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let text = field.get_untracked().map(|field| field.value()).unwrap_or_default();
        fill("");
        if !is_blank(&text) {
            chat.send_line(text);
        }
    };
    let person = move || match chat.recipient.get() {
        Recipient::Person(_, name) => Some(name.to_string()),
        Recipient::Lobby | Recipient::Room(_) => None,
    };
    let placeholder = move || match chat.recipient.get() {
        Recipient::Lobby => "Say something to everyone".to_owned(),
        Recipient::Room(_) => "Say something in the room".to_owned(),
        Recipient::Person(_, name) => format!("Whisper to {name}"),
    };
    view! {
        <form class="say" on:submit=submit autocomplete="off">
            {move || person().map(|name| view! {
                <p class="recipient">
                    <span>"only to " <b>{name}</b></span>
                    <button
                        type="button"
                        class="quiet slim"
                        aria-label="Recipient everyone again"
                        on:click=move |_| chat.recipient.set(Recipient::Lobby)
                    >
                        <IconView icon=Icon::Close />
                    </button>
                </p>
            })}
            <p class="help refused" role="status">{move || chat.notice.get()}</p>
            <div class="say-line">
                <input
                    node_ref=field
                    data-testid="chat-input"
                    aria-label=placeholder
                    placeholder=placeholder
                    on:input=move |event| length.set(event_target_value(&event).trim().chars().count())
                />
                <Show when=move || COUNT_FROM < length.get()>
                    <span class="num help" class:refused=move || LINE_CHARS_MAX < length.get()>
                        {move || left_of(length.get())}
                    </span>
                </Show>
                <button class="quiet slim" data-testid="chat-send" aria-label="Send">
                    <IconView icon=Icon::Send />
                </button>
            </div>
        </form>
    }
}
