//! Chat: a WebSocket in both directions, resumed after the last line that arrived.

mod outbox;
mod socket;

use std::collections::BTreeSet;

use leptos::prelude::*;
use leptos::task::spawn_local;
use shared::api::{ProblemKind, WebSocketTicket};
use shared::id::{PlayerId, PlayerName, RoomId};
use shared::protocol::chat::{
    ChatChannel, ChatClientMessage, ChatLine, ChatRefusal, ChatServerMessage, LINE_CHARS_MAX,
};
use web_sys::WebSocket;

use super::clock::frame_ms;
use super::line::Line;
use super::session::Identity;
use super::transport::Status;
use super::{ApiError, lenient, notify, post_empty, retry, storage};
use outbox::{LINE_TIMEOUT_MS, Outbox, PendingLine, Step};
use socket::{AfterClose, Connection, websocket_origin};

/// Lines kept on the page. The oldest are dropped first.
const LINES_MAX: usize = 300;
/// How often waiting lines are looked at, in milliseconds.
const OUTBOX_POLL_MS: u32 = 100;
/// After how many milliseconds a refused entry to a room is tried again: less often than the server permits messages.
const REENTER_MS: u32 = 500;

/// After how many WebSockets in a row that did not open the likely reason is said.
const UNOPENED_MAX: u32 = 3;
const NO_UPGRADE: &str = "The chat’s WebSocket does not open, although the server answers: a proxy on the way seems to refuse it. \
     Scores, rooms, matches and replays work without it; the chat goes on as soon as it is let through.";

/// Who receives a line.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) enum Recipient {
    /// Everyone in the lobby.
    #[default]
    Lobby,
    /// Everyone in a room.
    Room(RoomId),
    /// One person.
    Person(PlayerId, PlayerName),
}

impl Recipient {
    const fn channel(&self) -> ChatChannel {
        match self {
            Self::Lobby => ChatChannel::Lobby,
            Self::Room(room) => ChatChannel::Room { room: *room },
            Self::Person(player, _) => ChatChannel::Direct { player: *player },
        }
    }
}

/// The chat of the page.
#[derive(Debug, Clone, Copy)]
pub struct Chat {
    /// All lines in order, those of muted people too.
    pub(crate) lines: RwSignal<Vec<ChatLine>>,
    /// The state of the WebSocket.
    pub(crate) status: RwSignal<Status>,
    /// Why the last line was not sent.
    pub(crate) notice: RwSignal<Option<String>>,
    /// The text of a line that was not sent, for another try.
    pub(crate) returned: RwSignal<Option<String>>,
    /// Muted people: their lines are not shown.
    pub(crate) muted: RwSignal<BTreeSet<PlayerId>>,
    /// Who receives the next line.
    pub(crate) recipient: RwSignal<Recipient>,
    /// The room of the visitor, who plays or watches there. Its channel is offered too.
    pub(crate) room: RwSignal<Option<RoomId>>,
    /// Whether the server can know that the visitor is in the room. It admits no other visitors.
    is_present: StoredValue<bool>,
    /// Whether the server has answered the request to enter the room. It also answers visitors who are not in the
    /// room yet, and then refuses their lines.
    is_admitted: StoredValue<bool>,
    identity: Identity,
    socket: StoredValue<Option<WebSocket>, LocalStorage>,
    /// Of the current connection.
    line: StoredValue<Line, LocalStorage>,
    /// Why the chat has not opened for a while, and what works without it.
    pub(crate) trouble: RwSignal<Option<&'static str>>,
    outbox: StoredValue<Outbox>,
    /// Whether a task is sending what is in the outbox.
    is_sending: StoredValue<bool>,
}

impl Chat {
    /// Connects as soon as there is a session, and stays connected for as long as the page lives.
    pub(crate) fn provide() {
        let chat = Self {
            lines: RwSignal::new(Vec::new()),
            status: RwSignal::new(Status::Idle),
            notice: RwSignal::new(None),
            returned: RwSignal::new(None),
            muted: RwSignal::new(stored_mutes()),
            recipient: RwSignal::new(Recipient::Lobby),
            room: RwSignal::new(None),
            is_present: StoredValue::new(false),
            is_admitted: StoredValue::new(false),
            identity: Identity::expect(),
            socket: StoredValue::new_local(None),
            line: StoredValue::new_local(Line::new()),
            trouble: RwSignal::new(None),
            outbox: StoredValue::new(Outbox::new(random_number())),
            is_sending: StoredValue::new(false),
        };
        provide_context(chat);
        spawn_local(chat.stay_connected());
        storage::on_change_elsewhere(move || chat.muted.set(stored_mutes()));
        // A connection belongs to the player with whom it was opened, and so do the lines that it brought.
        let player = Memo::new(move |_| chat.identity.me.get().map(|me| me.player));
        Effect::new(move |before: Option<Option<PlayerId>>| {
            let player = player.get();
            if before.flatten().is_some_and(|before| player != Some(before)) {
                chat.lines.set(Vec::new());
                chat.disconnect();
            }
            player
        });
    }

    /// The page's one.
    pub(crate) fn expect() -> Self {
        expect_context()
    }

    /// Sends a line. Asks for a name first when there is none. A line that cannot be sent comes back in `returned`.
    pub(crate) fn send_line(self, text: String) {
        let refusal = refusal_of(&text);
        self.notice.set(refusal.map(str::to_owned));
        if refusal.is_some() {
            return self.returned.set(Some(text));
        }
        spawn_local(async move {
            if self.identity.require().await.is_none() {
                return self.returned.set(Some(text));
            }
            let channel = self.recipient.with_untracked(Recipient::channel);
            let until_ms = frame_ms() + LINE_TIMEOUT_MS;
            let line = PendingLine { channel, text, until_ms };
            match self.outbox.try_update_value(|outbox| outbox.push(line)) {
                Some(Err(line)) => self.return_line(line, "others are still on their way"),
                Some(Ok(())) => self.send_pending().await,
                None => {}
            }
        });
    }

    /// Sends the waiting lines one after the other, each as soon as its channel takes it.
    async fn send_pending(self) {
        if self.is_sending.get_value() {
            return;
        }
        self.is_sending.set_value(true);
        loop {
            let is_open = |channel: &ChatChannel| {
                let is_room = matches!(channel, ChatChannel::Room { .. });
                self.is_connected() && (!is_room || self.is_admitted.get_value())
            };
            let now_ms = frame_ms();
            match self.outbox.try_update_value(|outbox| outbox.step(now_ms, is_open)) {
                Some(Step::Send(message)) => drop(self.send(&message)),
                Some(Step::Suspect) => self.line.with_value(Line::lose),
                Some(Step::Return(line)) => {
                    let why = self.timeout_reason(&line.channel);
                    self.return_line(line, &why);
                }
                Some(Step::Wait) => {}
                Some(Step::Done) | None => return self.is_sending.set_value(false),
            }
            notify::sleep(OUTBOX_POLL_MS).await;
        }
    }

    /// Handles a refusal. The line comes back, unless waiting helps: a spectator is in the room only while the stream
    /// is open, and between two rounds it is not, which is just when people have something to say.
    fn handle_refusal(self, line: PendingLine, reason: ChatRefusal, retry_in_ms: Option<u64>) {
        let ChatChannel::Room { room } = line.channel else {
            return self.return_line(line, &refusal_text(reason, retry_in_ms));
        };
        let is_here = self.room.get_untracked() == Some(room);
        if reason != ChatRefusal::NotThere || !is_here {
            return self.return_line(line, &refusal_text(reason, retry_in_ms));
        }
        self.is_admitted.set_value(false);
        self.outbox.update_value(|outbox| outbox.put_back(line));
        spawn_local(async move {
            notify::sleep(REENTER_MS).await;
            self.enter_room();
        });
    }

    /// Why a line was not taken in time.
    fn timeout_reason(self, channel: &ChatChannel) -> String {
        let is_room = matches!(channel, ChatChannel::Room { .. });
        if !self.is_connected() {
            "there is no connection just now".to_owned()
        } else if is_room && !self.is_admitted.get_value() {
            refusal_text(ChatRefusal::NotThere, None)
        } else {
            "no answer came".to_owned()
        }
    }

    fn return_line(self, line: PendingLine, why: &str) {
        self.notice.set(Some(format!("Not sent: {why}.")));
        self.returned.set(Some(line.text));
    }

    fn is_connected(self) -> bool {
        self.socket.with_value(|socket| {
            socket.as_ref().is_some_and(|socket| socket.ready_state() == WebSocket::OPEN)
        })
    }

    /// Sends a message. Returns false when there is no connection.
    fn send(self, message: &ChatClientMessage) -> bool {
        let Ok(message) = serde_json::to_string(message) else { return false };
        self.socket.with_value(|socket| {
            let open = socket.as_ref().filter(|socket| socket.ready_state() == WebSocket::OPEN);
            open.is_some_and(|socket| socket.send_with_str(&message).is_ok())
        })
    }

    /// Enters the channel of the room where the visitor has a seat, and leaves the previous one.
    pub(crate) fn set_room(self, room: Option<RoomId>) {
        if self.room.get_untracked() != room {
            self.leave_room();
            self.room.set(room);
            self.is_present.set_value(true);
            self.enter_room();
        }
    }

    /// Offers the channel of a watched room, which opens with [`Chat::spectator_arrived`].
    pub(crate) fn watch_room(self, room: RoomId) {
        self.leave_room();
        self.room.set(Some(room));
        self.recipient.set(Recipient::Room(room));
    }

    /// The server knows now that the visitor watches the room. It sends the lines that were missed, too.
    pub(crate) fn spectator_arrived(self) {
        self.is_present.set_value(true);
        self.enter_room();
    }

    fn leave_room(self) {
        if let Some(room) = self.room.get_untracked() {
            self.send(&ChatClientMessage::Exit { room });
            self.recipient.set(Recipient::Lobby);
        }
        self.is_present.set_value(false);
        self.is_admitted.set_value(false);
    }

    fn enter_room(self) {
        if let Some(room) = self.room.get_untracked().filter(|_| self.is_present.get_value()) {
            self.send(&ChatClientMessage::Enter { room });
        }
    }

    /// Mutes or unmutes a person, now and on later visits.
    pub(crate) fn toggle_mute(self, player: PlayerId) {
        // What this page shows decides what the press means; what is stored may have changed in another window.
        let was_muted = self.muted.with_untracked(|muted| muted.contains(&player));
        let mut muted = stored_mutes();
        if was_muted {
            muted.remove(&player);
        } else {
            muted.insert(player);
        }
        let list: Vec<_> = muted.iter().map(PlayerId::to_string).collect();
        storage::set(storage::MUTED, &list.join(" "));
        self.muted.set(muted);
    }

    /// Ends the connection. The next one follows by itself.
    fn disconnect(self) {
        self.socket.with_value(|socket| socket.as_ref().map(WebSocket::close));
    }

    async fn stay_connected(self) {
        let mut backoff = retry::backoff();
        let mut unopened = 0;
        loop {
            let me = self.identity.wait_for_session().await;
            if matches!(self.status.get_untracked(), Status::Idle | Status::Stopped(_)) {
                self.status.set(Status::Connecting);
            }
            let step = match self.connect().await {
                Ok(connection) => {
                    let outcome = connection.ended().await;
                    if self.status.get_untracked() == Status::Live {
                        backoff.reset();
                        unopened = 0;
                    } else {
                        unopened += 1;
                    }
                    self.trouble.set((unopened >= UNOPENED_MAX).then_some(NO_UPGRADE));
                    outcome
                }
                Err(error) => self.after_error(&error),
            };
            self.socket.set_value(None);
            self.outbox.update_value(Outbox::disconnected);
            self.is_admitted.set_value(false);
            match step {
                AfterClose::Retry(after_s) => {
                    retry::wait(&mut backoff, after_s, |status| self.status.set(status)).await;
                }
                AfterClose::SignIn => {
                    let is_another = self.identity.me.get_untracked().as_ref() != Some(&me);
                    let renewed = if is_another { Ok(()) } else { self.identity.renew().await };
                    if let Err(error @ ApiError::NoCookies) = &renewed {
                        // Until a sign-in lasts.
                        self.status.set(Status::Stopped(error.to_string()));
                        continue;
                    }
                    let wait_s = renewed.is_err().then_some(2);
                    retry::wait(&mut backoff, wait_s, |status| self.status.set(status)).await;
                }
                AfterClose::SignedOut => {
                    self.notice.set(Some("You were signed out.".to_owned()));
                    if self.identity.reload().await.is_err() {
                        retry::wait(&mut backoff, None, |status| self.status.set(status)).await;
                    }
                    self.status.set(Status::Idle);
                }
                AfterClose::Stop(reason) => return self.status.set(Status::Stopped(reason)),
            }
        }
    }

    fn after_error(self, error: &ApiError) -> AfterClose {
        match error.kind() {
            Some(ProblemKind::SignIn) => AfterClose::SignIn,
            _ if error.may_succeed_later() => AfterClose::Retry(error.retry_after_s()),
            _ => AfterClose::Stop(error.to_string()),
        }
    }

    async fn connect(self) -> Result<Connection, ApiError> {
        let ticket: WebSocketTicket = post_empty("/api/chat/tickets").await?;
        let seen = self.lines.with_untracked(|lines| lines.last().map(|line| line.sequence));
        let after = seen.map(|sequence| format!("&after={sequence}")).unwrap_or_default();
        let url = format!("{}{}{after}", websocket_origin(), ticket.url);
        let line = Line::new();
        self.line.set_value(line.clone());
        let connection = Connection::open(&url, line, move |text| self.receive(text));
        let connection = connection.ok_or(ApiError::Offline)?;
        self.socket.set_value(Some(connection.socket.clone()));
        Ok(connection)
    }

    fn receive(self, text: &str) {
        match lenient::read::<_, ChatLine>(text, "lines") {
            Some(ChatServerMessage::Hello { player, lines, gap, .. }) => {
                self.outbox.update_value(|outbox| outbox.greeted(player, &lines));
                // Lines are missing between the known ones and these. A short history is better than one with a hole.
                if gap {
                    self.lines.update(Vec::clear);
                }
                self.status.set(Status::Live);
                self.trouble.set(None);
                self.insert_lines(lines);
                self.enter_room();
            }
            Some(ChatServerMessage::Entered { room, lines, gap }) => {
                if gap && let Some(first) = lines.first().map(|line| line.sequence) {
                    let is_older =
                        |line: &ChatLine| line.channel.is_in(room) && line.sequence < first;
                    self.lines.update(|lines| lines.retain(|line| !is_older(line)));
                }
                if self.room.get_untracked() == Some(room) {
                    self.is_admitted.set_value(true);
                }
                self.insert_lines(lines);
            }
            Some(ChatServerMessage::Line(line)) => {
                self.take_answered(line.nonce);
                self.insert_lines(vec![line]);
            }
            Some(ChatServerMessage::Refused { nonce, reason, retry_in_ms }) => {
                if let Some(line) = self.take_answered(Some(nonce)) {
                    self.handle_refusal(line, reason, retry_in_ms);
                }
            }
            Some(ChatServerMessage::Heartbeat(beat)) => {
                self.line.with_value(|line| line.beat(beat));
            }
            // A newer server may send messages that this build does not know.
            None => {}
        }
    }

    /// The line that waited for the answer with this nonce.
    fn take_answered(self, nonce: Option<u32>) -> Option<PendingLine> {
        self.outbox.try_update_value(|outbox| outbox.take_answered(nonce?)).flatten()
    }

    /// Adds lines. After a disconnect some of them may be known.
    fn insert_lines(self, new: Vec<ChatLine>) {
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

fn random_number() -> u32 {
    (js_sys::Math::random() * f64::from(u32::MAX)) as u32
}

/// The people whom any window of this browser has muted.
fn stored_mutes() -> BTreeSet<PlayerId> {
    let stored = storage::get(storage::MUTED).unwrap_or_default();
    let mut muted = BTreeSet::new();
    for id in stored.split(' ').filter_map(|id| id.parse().ok()) {
        // One by one: collecting would bring a sorting algorithm with it.
        muted.insert(id);
    }
    muted
}

/// Why a text is not sent. The server counts in the same way.
fn refusal_of(text: &str) -> Option<&'static str> {
    if text.trim_start().starts_with('/') {
        // A mistyped command is never said aloud.
        return Some(
            "Not sent: there are no commands here. The buttons beside a line mute its author.",
        );
    }
    (text.trim().chars().count() > LINE_CHARS_MAX).then_some("Not sent: the line is too long.")
}

/// The reason of a refusal, and when to try again.
fn refusal_text(reason: ChatRefusal, retry_in_ms: Option<u64>) -> String {
    let later = retry_in_ms.map(|ms| format!(". Try again in {} s", ms.div_ceil(1_000)));
    format!("{reason}{}", later.unwrap_or_default())
}
