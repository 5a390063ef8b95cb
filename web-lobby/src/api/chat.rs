//! Chat: a WebSocket that both sides speak on, resumed after the last line that was seen.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

use leptos::prelude::*;
use leptos::task::spawn_local;
use shared::api::{ProblemKind, SeatTicket};
use shared::id::{PlayerId, PlayerName, RoomId};
use shared::protocol::CHAT_SUBPROTOCOL;
use shared::protocol::chat::{Channel, ChatClientMessage, ChatLine, ChatServerMessage};
use shared::protocol::close::{NextStep, next_step};
use wasm_bindgen::JsCast as _;
use wasm_bindgen::closure::Closure;
use web_sys::{CloseEvent, Event, MessageEvent, WebSocket};

use super::link::{Backoff, Link};
use super::session::Identity;
use super::wake::{self, Gate};
use super::{ApiError, post_empty, storage};

/// Lines kept on the page; the oldest go first.
const LINES_MAX: usize = 300;
/// A line waits for so long for a connection, in milliseconds; then it comes back.
const PATIENCE_MS: f64 = 8_000.0;
/// How often it looks, in milliseconds.
const LOOK_EVERY_MS: u32 = 100;

/// Who shall read a line.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) enum To {
    /// Everyone in the lobby.
    #[default]
    Lobby,
    /// Everyone in a room.
    Room(RoomId),
    /// One person.
    Person(PlayerId, PlayerName),
}

impl To {
    const fn channel(&self) -> Channel {
        match self {
            Self::Lobby => Channel::Lobby,
            Self::Room(room) => Channel::Room { room: *room },
            Self::Person(player, _) => Channel::Direct { player: *player },
        }
    }
}

/// The chat, for the whole page.
#[derive(Debug, Clone, Copy)]
pub struct Chat {
    /// Lines in order, those of muted people too.
    pub(crate) lines: RwSignal<Vec<ChatLine>>,
    /// How the WebSocket stands.
    pub(crate) link: RwSignal<Link>,
    /// Why the last line was not sent.
    pub(crate) notice: RwSignal<Option<String>>,
    /// Text that was refused, to be tried again.
    pub(crate) returned: RwSignal<Option<String>>,
    /// People whose lines are not shown.
    pub(crate) muted: RwSignal<BTreeSet<PlayerId>>,
    /// To whom the next line goes.
    pub(crate) to: RwSignal<To>,
    /// The room where one sits or watches, whose channel is offered too.
    pub(crate) room: RwSignal<Option<RoomId>>,
    /// Whether the server can know that one is there: it does not let others in.
    is_there: StoredValue<bool>,
    /// Whether the server has let one in since the connection was made.
    is_let_in: StoredValue<bool>,
    identity: Identity,
    socket: StoredValue<Option<WebSocket>, LocalStorage>,
    /// The line that was sent last, and its nonce.
    sent: StoredValue<(u32, String)>,
}

impl Chat {
    /// Connects as soon as there is a session, and for as long as the page lives.
    pub(crate) fn provide() {
        let muted = storage::get(storage::MUTED).unwrap_or_default();
        let chat = Self {
            lines: RwSignal::new(Vec::new()),
            link: RwSignal::new(Link::Idle),
            notice: RwSignal::new(None),
            returned: RwSignal::new(None),
            muted: RwSignal::new(muted.split(' ').filter_map(|id| id.parse().ok()).collect()),
            to: RwSignal::new(To::Lobby),
            room: RwSignal::new(None),
            is_there: StoredValue::new(false),
            is_let_in: StoredValue::new(false),
            identity: Identity::expect(),
            socket: StoredValue::new_local(None),
            sent: StoredValue::new((0, String::new())),
        };
        provide_context(chat);
        spawn_local(chat.stay_connected());
        // A connection keeps the name that it was opened with.
        let name = Memo::new(move |_| chat.identity.me.get().map(|me| me.name));
        Effect::new(move |before: Option<Option<PlayerName>>| {
            let name = name.get();
            if before.flatten().is_some_and(|before| name.as_ref() != Some(&before)) {
                chat.leave_for_now();
            }
            name
        });
    }

    /// The one of the page.
    pub(crate) fn expect() -> Self {
        expect_context()
    }

    /// Sends a line; asks for a name first when there is none. What cannot be sent comes back in `returned`.
    pub(crate) fn say(self, text: String) {
        self.notice.set(None);
        spawn_local(async move {
            if self.identity.needed().await.is_none() {
                return self.returned.set(Some(text));
            }
            let began_ms = js_sys::Date::now();
            while !self.send_line(&text) {
                if js_sys::Date::now() - began_ms > PATIENCE_MS {
                    self.notice.set(Some("Not sent: there is no connection just now.".to_owned()));
                    return self.returned.set(Some(text));
                }
                wake::sleep(LOOK_EVERY_MS).await;
            }
        });
    }

    fn send_line(self, text: &str) -> bool {
        let nonce = self.sent.with_value(|(nonce, _)| nonce.wrapping_add(1));
        let channel = self.to.with_untracked(To::channel);
        if matches!(channel, Channel::Room { .. }) && !self.is_let_in.get_value() {
            return false;
        }
        let is_sent = self.send(&ChatClientMessage::Say { channel, text: text.to_owned(), nonce });
        if is_sent {
            self.sent.set_value((nonce, text.to_owned()));
        }
        is_sent
    }

    /// Sends a message. False: there is no connection now.
    fn send(self, message: &ChatClientMessage) -> bool {
        let Ok(message) = serde_json::to_string(message) else { return false };
        self.socket.with_value(|socket| {
            let open = socket.as_ref().filter(|socket| socket.ready_state() == WebSocket::OPEN);
            open.is_some_and(|socket| socket.send_with_str(&message).is_ok())
        })
    }

    /// Follows the channel of the room where one has a seat, and leaves the one before.
    pub(crate) fn follow_room(self, room: Option<RoomId>) {
        if self.room.get_untracked() != room {
            self.leave_room();
            self.room.set(room);
            self.is_there.set_value(true);
            self.enter_room();
        }
    }

    /// Speaks in a room that one watches, from [`Chat::arrive`] on.
    pub(crate) fn watch_room(self, room: RoomId) {
        self.leave_room();
        self.room.set(Some(room));
        self.to.set(To::Room(room));
    }

    /// The server knows now, or again, that one is in the room: what was said there meanwhile comes too.
    pub(crate) fn arrive(self) {
        self.is_there.set_value(true);
        self.enter_room();
    }

    fn leave_room(self) {
        if let Some(room) = self.room.get_untracked() {
            self.send(&ChatClientMessage::Exit { room });
            self.to.set(To::Lobby);
        }
        self.is_there.set_value(false);
        self.is_let_in.set_value(false);
    }

    fn enter_room(self) {
        if let Some(room) = self.room.get_untracked().filter(|_| self.is_there.get_value()) {
            self.send(&ChatClientMessage::Enter { room });
        }
    }

    /// Hides or shows a person's lines, from now on and on every visit.
    pub(crate) fn toggle_mute(self, player: PlayerId) {
        self.muted.update(|muted| {
            if !muted.remove(&player) {
                muted.insert(player);
            }
            let list: Vec<_> = muted.iter().map(PlayerId::to_string).collect();
            storage::set(storage::MUTED, &list.join(" "));
        });
    }

    /// Ends the connection; the next one follows by itself.
    fn leave_for_now(self) {
        self.socket.with_value(|socket| socket.as_ref().map(WebSocket::close));
    }

    async fn stay_connected(self) {
        let mut backoff = Backoff::default();
        loop {
            let me = self.identity.known().await;
            if self.link.get_untracked() == Link::Idle {
                self.link.set(Link::Connecting);
            }
            let step = match self.connect().await {
                Ok(connection) => {
                    let outcome = connection.ended().await;
                    if self.link.get_untracked() == Link::Live {
                        backoff.reset();
                    }
                    outcome
                }
                Err(error) => self.after_refusal(&error),
            };
            self.socket.set_value(None);
            self.is_let_in.set_value(false);
            match step {
                Next::Retry(after_s) => {
                    wake::wait_to_retry(&mut backoff, after_s, |link| self.link.set(link)).await;
                }
                Next::SignIn => {
                    let renewed = self.identity.me.get_untracked().as_ref() != Some(&me)
                        || self.identity.renew().await.is_ok();
                    let patience = (!renewed).then_some(2);
                    wake::wait_to_retry(&mut backoff, patience, |link| self.link.set(link)).await;
                }
                Next::Stop(reason) => return self.link.set(Link::Stopped(reason)),
            }
        }
    }

    fn after_refusal(self, error: &ApiError) -> Next {
        match error.kind() {
            Some(ProblemKind::SignIn) => Next::SignIn,
            _ if error.may_pass() => Next::Retry(error.retry_after_s()),
            _ => Next::Stop(error.to_string()),
        }
    }

    async fn connect(self) -> Result<Connection, ApiError> {
        let ticket: SeatTicket = post_empty("/api/chat/tickets").await?;
        let seen = self.lines.with_untracked(|lines| lines.last().map(|line| line.sequence));
        let after = seen.map(|sequence| format!("&after={sequence}")).unwrap_or_default();
        let url = format!("{}{}{after}", websocket_origin(), ticket.url);
        let connection = Connection::open(self, &url).ok_or(ApiError::Offline)?;
        self.socket.set_value(Some(connection.socket.clone()));
        Ok(connection)
    }

    fn take(self, text: &str) {
        match serde_json::from_str(text) {
            Ok(ChatServerMessage::Hello { lines, gap, .. }) => {
                // What was said before does not join up with these: rather a short history than one with a hole.
                if gap {
                    self.lines.update(Vec::clear);
                }
                self.link.set(Link::Live);
                self.add(lines);
                self.enter_room();
            }
            Ok(ChatServerMessage::Entered { room, lines, gap }) => {
                if gap && let Some(first) = lines.first().map(|line| line.sequence) {
                    let is_older =
                        |line: &ChatLine| line.channel.is_in(room) && line.sequence < first;
                    self.lines.update(|lines| lines.retain(|line| !is_older(line)));
                }
                if self.room.get_untracked() == Some(room) {
                    self.is_let_in.set_value(true);
                }
                self.add(lines);
            }
            Ok(ChatServerMessage::Line(line)) => self.add(vec![line]),
            Ok(ChatServerMessage::Refused { nonce, reason, retry_in_ms }) => {
                let later =
                    retry_in_ms.map(|ms| format!(" Try again in {} s.", ms.div_ceil(1_000)));
                self.notice.set(Some(format!("Not sent: {reason}.{}", later.unwrap_or_default())));
                let text =
                    self.sent.with_value(|(sent, text)| (*sent == nonce).then(|| text.clone()));
                self.returned.set(text);
            }
            // A newer server says more than this build knows.
            Err(_) => {}
        }
    }

    /// Adds lines; after a cut some may have come before.
    fn add(self, new: Vec<ChatLine>) {
        self.lines.update(|lines| {
            for line in new {
                let place = lines.partition_point(|known| known.sequence < line.sequence);
                if lines.get(place).is_none_or(|known| known.sequence != line.sequence) {
                    lines.insert(place, line);
                }
            }
            let surplus = lines.len().saturating_sub(LINES_MAX);
            lines.drain(..surplus);
        });
    }
}

/// What to do after a connection.
enum Next {
    Retry(Option<u32>),
    SignIn,
    Stop(String),
}

/// One WebSocket, closed when dropped.
struct Connection {
    socket: WebSocket,
    closed: Gate,
    close: Rc<RefCell<Option<(u16, String)>>>,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_close: Closure<dyn FnMut(CloseEvent)>,
    _on_error: Closure<dyn FnMut(Event)>,
}

impl Connection {
    fn open(chat: Chat, url: &str) -> Option<Self> {
        let socket = WebSocket::new_with_str(url, CHAT_SUBPROTOCOL).ok()?;
        let closed = Gate::new();
        let close = Rc::new(RefCell::new(None));

        let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            chat.take(&event.data().as_string().unwrap_or_default());
        });
        let on_close = {
            let (closed, close) = (closed.clone(), close.clone());
            Closure::<dyn FnMut(CloseEvent)>::new(move |event: CloseEvent| {
                *close.borrow_mut() = Some((event.code(), event.reason()));
                closed.open();
            })
        };
        let on_error = Closure::<dyn FnMut(Event)>::new(|_event: Event| {});

        socket.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        socket.set_onclose(Some(on_close.as_ref().unchecked_ref()));
        socket.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        Some(Self {
            socket,
            closed,
            close,
            _on_message: on_message,
            _on_close: on_close,
            _on_error: on_error,
        })
    }

    async fn ended(self) -> Next {
        self.closed.passed().await;
        let close = self.close.borrow_mut().take();
        // 1006 is the browser's word for a connection that broke without a close.
        let (code, reason) = close.filter(|(code, _)| *code != 1006).unzip();
        match next_step(code) {
            NextStep::Reconnect => Next::Retry(None),
            NextStep::SignIn => Next::SignIn,
            NextStep::Stay => {
                let reason = reason.filter(|reason| !reason.is_empty());
                Next::Stop(reason.unwrap_or_else(|| "The server closed the chat.".to_owned()))
            }
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.socket.set_onmessage(None);
        self.socket.set_onclose(None);
        self.socket.set_onerror(None);
        self.socket.close().ok();
    }
}

fn websocket_origin() -> String {
    let origin = super::invitation::origin();
    format!("ws{}", origin.strip_prefix("http").unwrap_or_default())
}
