//! Chat: a WebSocket that both sides speak on, resumed after the last line that was seen.

mod outbox;
mod socket;

use std::collections::BTreeSet;

use leptos::prelude::*;
use leptos::task::spawn_local;
use shared::api::{ProblemKind, WebSocketTicket};
use shared::id::{PlayerId, PlayerName, RoomId};
use shared::protocol::chat::{
    ChatChannel, ChatClientMessage, ChatLine, ChatRefusal, ChatServerMessage,
};
use web_sys::WebSocket;

use super::link::Link;
use super::session::Identity;
use super::wake;
use super::{ApiError, post_empty, storage};
use outbox::{Outbox, PATIENCE_MS, Saying, Step};
use socket::{Connection, Next, websocket_origin};

/// Lines kept on the page; the oldest go first.
const LINES_MAX: usize = 300;
/// How often a line that waits looks whether it can be said, in milliseconds.
const LOOK_EVERY_MS: u32 = 100;
/// One who was not in the room asks again after so many milliseconds: less often than the server permits messages.
const ENTER_AGAIN_MS: u32 = 500;

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
    const fn channel(&self) -> ChatChannel {
        match self {
            Self::Lobby => ChatChannel::Lobby,
            Self::Room(room) => ChatChannel::Room { room: *room },
            Self::Person(player, _) => ChatChannel::Direct { player: *player },
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
    /// Whether the server has answered since one asked to be let in. Who is not there (yet) is answered, too, and then
    /// refused.
    is_let_in: StoredValue<bool>,
    identity: Identity,
    socket: StoredValue<Option<WebSocket>, LocalStorage>,
    outbox: StoredValue<Outbox>,
    /// Whether somebody sees to what is in there.
    is_speaking: StoredValue<bool>,
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
            outbox: StoredValue::new(Outbox::default()),
            is_speaking: StoredValue::new(false),
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
            let channel = self.to.with_untracked(To::channel);
            let until_ms = js_sys::Date::now() + PATIENCE_MS;
            let saying = Saying { channel, text, until_ms };
            match self.outbox.try_update_value(|outbox| outbox.push(saying)) {
                Some(Err(saying)) => self.give_back(saying, "others are still on their way"),
                Some(Ok(())) => self.speak().await,
                None => {}
            }
        });
    }

    /// Sends what waits, one line after the other, as soon as each can be sent.
    async fn speak(self) {
        if self.is_speaking.get_value() {
            return;
        }
        self.is_speaking.set_value(true);
        loop {
            let is_open = |channel: &ChatChannel| {
                let is_room = matches!(channel, ChatChannel::Room { .. });
                self.is_connected() && (!is_room || self.is_let_in.get_value())
            };
            let now_ms = js_sys::Date::now();
            match self.outbox.try_update_value(|outbox| outbox.step(now_ms, is_open)) {
                Some(Step::Send(message)) => drop(self.send(&message)),
                Some(Step::GiveBack(saying)) => {
                    let why = self.why_it_waited(&saying.channel);
                    self.give_back(saying, &why);
                }
                Some(Step::Wait) => {}
                Some(Step::Rest) | None => return self.is_speaking.set_value(false),
            }
            wake::sleep(LOOK_EVERY_MS).await;
        }
    }

    /// The server did not take a line. It comes back, unless waiting helps: who watches is in the room as long as its
    /// stream is open, and between two rounds none is, just when people have something to say.
    fn take_back(self, saying: Saying, reason: ChatRefusal, retry_in_ms: Option<u64>) {
        let ChatChannel::Room { room } = saying.channel else {
            return self.give_back(saying, &refused(reason, retry_in_ms));
        };
        let is_here = self.room.get_untracked() == Some(room);
        if reason != ChatRefusal::NotThere || !is_here {
            return self.give_back(saying, &refused(reason, retry_in_ms));
        }
        self.is_let_in.set_value(false);
        self.outbox.update_value(|outbox| outbox.again(saying));
        spawn_local(async move {
            wake::sleep(ENTER_AGAIN_MS).await;
            self.enter_room();
        });
    }

    /// Why a line was not taken in all the time that it had.
    fn why_it_waited(self, channel: &ChatChannel) -> String {
        let is_room = matches!(channel, ChatChannel::Room { .. });
        if !self.is_connected() {
            "there is no connection just now".to_owned()
        } else if is_room && !self.is_let_in.get_value() {
            refused(ChatRefusal::NotThere, None)
        } else {
            "no answer came".to_owned()
        }
    }

    fn give_back(self, saying: Saying, why: &str) {
        self.notice.set(Some(format!("Not sent: {why}.")));
        self.returned.set(Some(saying.text));
    }

    fn is_connected(self) -> bool {
        self.socket.with_value(|socket| {
            socket.as_ref().is_some_and(|socket| socket.ready_state() == WebSocket::OPEN)
        })
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
        let mut backoff = wake::backoff();
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
        let ticket: WebSocketTicket = post_empty("/api/chat/tickets").await?;
        let seen = self.lines.with_untracked(|lines| lines.last().map(|line| line.sequence));
        let after = seen.map(|sequence| format!("&after={sequence}")).unwrap_or_default();
        let url = format!("{}{}{after}", websocket_origin(), ticket.url);
        let connection = Connection::open(self, &url).ok_or(ApiError::Offline)?;
        self.socket.set_value(Some(connection.socket.clone()));
        Ok(connection)
    }

    fn take(self, text: &str) {
        match serde_json::from_str(text) {
            Ok(ChatServerMessage::Hello { player, lines, gap, .. }) => {
                self.outbox.update_value(|outbox| outbox.reconnected(player, &lines));
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
            Ok(ChatServerMessage::Line(line)) => {
                self.answered(line.nonce);
                self.add(vec![line]);
            }
            Ok(ChatServerMessage::Refused { nonce, reason, retry_in_ms }) => {
                if let Some(saying) = self.answered(Some(nonce)) {
                    self.take_back(saying, reason, retry_in_ms);
                }
            }
            // A newer server says more than this build knows.
            Err(_) => {}
        }
    }

    /// The line that was sent under this number, if it is one that waits for the answer.
    fn answered(self, nonce: Option<u32>) -> Option<Saying> {
        self.outbox.try_update_value(|outbox| outbox.answered(nonce?)).flatten()
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

/// Why, and when it can be tried again.
fn refused(reason: ChatRefusal, retry_in_ms: Option<u64>) -> String {
    let later = retry_in_ms.map(|ms| format!(". Try again in {} s", ms.div_ceil(1_000)));
    format!("{reason}{}", later.unwrap_or_default())
}
