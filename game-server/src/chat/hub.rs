//! The state of the chat task: which connection follows which room, who may write, and who receives a line.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::ws::Utf8Bytes;
use serde::Serialize;
use shared::id::{PlayerId, RoomId};
use shared::protocol::SERVER_MESSAGE_BYTES_MAX;
use shared::protocol::chat::{
    ChatChannel, ChatClientMessage, ChatLine, ChatRefusal, ChatServerMessage, HISTORY_LINES,
    LINE_CHARS_MAX, LINE_REFILL_MS, LINES_BURST_MAX,
};
use shared::text::tidy_line;

use super::request::{ConnectionId, Joined, Request};
use super::send_queue::{SendQueue, send_queue};
use crate::clock::now_ms;
use crate::limits::{Bucket, Rate};
use crate::player::Player;
use crate::presence::{Presence, TeamSeat};
use crate::storage::{ChatLog, Players, Readable, TeamLines};

/// Rooms that one connection may follow. Entering one more leaves the one that was entered first.
const ROOMS_MAX: usize = 8;
/// Lines of each channel that a returning client gets. When there are more, it is told of a gap.
const MISSED_LINES_MAX: usize = 200;
/// Bytes of history in one message. The oldest lines are left out.
const HISTORY_BYTES_MAX: usize = SERVER_MESSAGE_BYTES_MAX - 1024;
/// Players whose rate is remembered. When more write, those whose bucket is full are forgotten.
const SPEAKERS_MAX: usize = 4_096;

const LINES: Rate = Rate { burst: LINES_BURST_MAX, refill: Duration::from_millis(LINE_REFILL_MS) };

/// The state of the chat.
pub(super) struct Hub {
    log: Arc<dyn ChatLog>,
    players: Arc<dyn Players>,
    presence: Arc<Presence>,
    listeners: BTreeMap<ConnectionId, Listener>,
    speakers: HashMap<PlayerId, Bucket>,
    /// The number of the last line.
    sequence: u64,
    connections: u64,
}

struct Listener {
    player: Player,
    /// Bounded: when it is full, the client reads too slowly and the connection is closed.
    queue: SendQueue,
    /// The one entered first comes first.
    rooms: Vec<RoomId>,
}

impl Listener {
    fn enter(&mut self, room: RoomId) {
        self.exit(room);
        if self.rooms.len() >= ROOMS_MAX {
            self.rooms.remove(0);
        }
        self.rooms.push(room);
    }

    fn exit(&mut self, room: RoomId) {
        self.rooms.retain(|entered| *entered != room);
    }
}

/// Earlier lines.
#[derive(Debug, Default)]
struct History {
    /// The oldest first.
    lines: Vec<ChatLine>,
    /// Whether older ones were left out.
    is_cut: bool,
}

/// Why a line is not sent, and the wait after which it could be.
type Refused = (ChatRefusal, Option<Duration>);

impl Hub {
    pub(super) fn new(
        log: Arc<dyn ChatLog>,
        players: Arc<dyn Players>,
        presence: Arc<Presence>,
        sequence: u64,
    ) -> Self {
        Self {
            log,
            players,
            presence,
            listeners: BTreeMap::new(),
            speakers: HashMap::new(),
            sequence,
            connections: 0,
        }
    }

    pub(super) async fn answer(&mut self, request: Request) {
        match request {
            Request::Join { player, after, reply } => {
                let joined = self.join(player, after).await;
                let connection = joined.connection;
                if reply.send(joined).is_err() {
                    self.listeners.remove(&connection);
                }
            }
            Request::Message { from, message } => match message {
                ChatClientMessage::Say { channel, text, nonce } => {
                    self.say(from, channel, &text, nonce).await;
                }
                ChatClientMessage::Enter { room } => self.enter(from, room).await,
                ChatClientMessage::Exit { room } => {
                    if let Some(listener) = self.listeners.get_mut(&from) {
                        listener.exit(room);
                    }
                }
            },
            Request::Rename { player } => self.rename(&player),
            Request::Leave { connection } => {
                self.listeners.remove(&connection);
            }
        }
    }

    fn rename(&mut self, player: &Player) {
        let own = self.listeners.values_mut().filter(|listener| listener.player.id == player.id);
        own.for_each(|listener| listener.player.name.clone_from(&player.name));
    }

    async fn join(&mut self, player: Player, after: Option<u64>) -> Joined {
        let mut channels = vec![Readable::Lobby, Readable::Direct(player.id)];
        // A client follows a room by entering it. A returning client also gets the lines that it missed in its rooms.
        if after.is_some() {
            let rooms = self.presence.rooms_of(player.id);
            channels.extend(rooms.into_iter().map(|(room, seat)| readable(room, seat)));
        }
        // A number that was never given comes from another log: the client starts again.
        let known = after.filter(|after| *after <= self.sequence);
        let History { lines, is_cut } = self.history(&channels, known, player.id).await;
        let gap = after.is_some() && (is_cut || known.is_none());
        let (id, name) = (player.id, player.name.clone());
        let hello = ChatServerMessage::Hello { player: id, name, lines, gap };

        self.connections += 1;
        let connection = ConnectionId(self.connections);
        let (queue, messages) = send_queue();
        self.listeners.insert(connection, Listener { player, queue, rooms: Vec::new() });
        self.send(connection, &encode(&hello));
        Joined { connection, messages }
    }

    async fn enter(&mut self, connection: ConnectionId, room: RoomId) {
        let Some(listener) = self.listeners.get(&connection) else { return };
        let player = listener.player.id;
        let History { lines, is_cut } = if self.presence.is_in(player, room) {
            let seat = self.presence.seat_in(player, room);
            self.history(&[readable(room, seat)], None, player).await
        } else {
            // A player outside the room reads nothing, and receives nothing until the player is inside.
            History::default()
        };
        if let Some(listener) = self.listeners.get_mut(&connection) {
            listener.enter(room);
        }
        self.send(connection, &encode(&ChatServerMessage::Entered { room, lines, gap: is_cut }));
    }

    async fn history(
        &self,
        channels: &[Readable],
        after: Option<u64>,
        reader: PlayerId,
    ) -> History {
        let limit = after.map_or(HISTORY_LINES, |_| MISSED_LINES_MAX);
        // One more line than the limit shows whether lines are left out.
        let asked = u32::try_from(limit + 1).unwrap_or(u32::MAX);
        let mut history = History::default();
        for channel in channels {
            match self.log.lines(*channel, after.unwrap_or(0), asked).await {
                Ok(mut found) => {
                    let too_many = found.len().saturating_sub(limit);
                    history.is_cut |= too_many > 0;
                    history.lines.extend(found.drain(too_many..));
                }
                Err(error) => {
                    tracing::error!(%error, "chat history could not be read");
                    history.is_cut = true;
                }
            }
        }
        history.lines.sort_by_key(|line| line.sequence);
        history.lines = history.lines.into_iter().map(|line| as_seen_by(reader, line)).collect();
        history.keep_what_fits();
        history
    }

    async fn say(&mut self, from: ConnectionId, channel: ChatChannel, text: &str, nonce: u32) {
        let Some(listener) = self.listeners.get(&from) else { return };
        let speaker = listener.player.clone();
        let text = tidy_line(text);
        if let Err(refused) = self.check(&speaker, channel, &text).await {
            self.refuse(from, nonce, refused);
            return;
        }
        let line = ChatLine {
            sequence: self.sequence + 1,
            at_ms: now_ms(),
            channel,
            from: speaker.id,
            name: speaker.name,
            text,
            nonce: None,
        };
        // Kept before it is sent: a line that a client has read survives a restart, and no number is given twice.
        if let Err(error) = self.log.add_line(line.clone()).await {
            tracing::error!(%error, "a line of chat could not be kept");
            // The line may have been written in spite of the error: its number is then used.
            if let Ok(last) = self.log.last_sequence().await {
                self.sequence = self.sequence.max(last);
            }
            self.refuse(from, nonce, (ChatRefusal::Failed, None));
            return;
        }
        self.sequence = line.sequence;
        self.publish(from, line, nonce);
    }

    fn refuse(&mut self, from: ConnectionId, nonce: u32, (reason, wait): Refused) {
        let retry_in_ms = wait.map(|wait| wait.as_millis().try_into().unwrap_or(u64::MAX));
        self.send(from, &encode(&ChatServerMessage::Refused { nonce, reason, retry_in_ms }));
    }

    async fn check(
        &mut self,
        speaker: &Player,
        channel: ChatChannel,
        text: &str,
    ) -> Result<(), Refused> {
        if text.is_empty() {
            return Err((ChatRefusal::Empty, None));
        }
        if text.chars().count() > LINE_CHARS_MAX {
            return Err((ChatRefusal::TooLong, None));
        }
        let may_speak = match channel {
            ChatChannel::Lobby => true,
            ChatChannel::Room { room } => self.presence.is_in(speaker.id, room),
            ChatChannel::Team { room, team } => {
                self.presence.team_in(speaker.id, room) == Some(team)
            }
            ChatChannel::Direct { player } => {
                if !self.is_known(player).await {
                    return Err((ChatRefusal::Unknown, None));
                }
                true
            }
        };
        if !may_speak {
            return Err((ChatRefusal::NotThere, None));
        }
        self.take_from_bucket(speaker.id).map_err(|wait| (ChatRefusal::TooFast, Some(wait)))
    }

    async fn is_known(&self, player: PlayerId) -> bool {
        self.listeners.values().any(|listener| listener.player.id == player)
            || matches!(self.players.player(player).await, Ok(Some(_)))
    }

    fn take_from_bucket(&mut self, speaker: PlayerId) -> Result<(), Duration> {
        let now = Instant::now();
        if self.speakers.len() >= SPEAKERS_MAX {
            self.speakers.retain(|_, bucket| !bucket.is_full(now));
        }
        self.speakers.entry(speaker).or_insert_with(|| Bucket::full(now)).take(LINES, now)
    }

    /// Sends a line to every player who may read it. It is encoded once, except for the two ends of a direct line.
    fn publish(&mut self, from: ConnectionId, line: ChatLine, nonce: u32) {
        let own = ChatLine { nonce: Some(nonce), ..line.clone() };
        self.send(from, &encode(&ChatServerMessage::Line(own)));

        let readers: Vec<_> = self
            .listeners
            .iter()
            .filter(|(id, listener)| **id != from && self.can_read(listener, &line))
            .map(|(id, listener)| (*id, listener.player.id))
            .collect();
        let for_all = encode(&ChatServerMessage::Line(line.clone()));
        for (connection, reader) in readers {
            let seen = as_seen_by(reader, line.clone());
            if seen == line {
                self.send(connection, &for_all);
            } else {
                self.send(connection, &encode(&ChatServerMessage::Line(seen)));
            }
        }
    }

    fn can_read(&self, listener: &Listener, line: &ChatLine) -> bool {
        let reader = listener.player.id;
        match line.channel {
            ChatChannel::Lobby => true,
            ChatChannel::Room { room } => {
                listener.rooms.contains(&room) && self.presence.is_in(reader, room)
            }
            ChatChannel::Team { room, team } => {
                listener.rooms.contains(&room) && self.presence.team_in(reader, room) == Some(team)
            }
            ChatChannel::Direct { player } => reader == player || reader == line.from,
        }
    }

    fn send(&mut self, connection: ConnectionId, text: &Utf8Bytes) {
        let Some(listener) = self.listeners.get(&connection) else { return };
        if listener.queue.send(text.clone()).is_err() {
            // The queue is full, or the connection is gone: the messages end here, and the connection closes.
            self.listeners.remove(&connection);
        }
    }
}

/// The lines of a room that a player may read: all that was said to everyone there, and what was said to the own team
/// since the player sat down in it. Whoever changes sides does not take along what the other side planned.
fn readable(room: RoomId, seat: Option<TeamSeat>) -> Readable {
    Readable::Room(room, seat.map(|TeamSeat { team, since_ms }| TeamLines { team, since_ms }))
}

/// The `Direct` channel names the other player, which differs between the two readers.
fn as_seen_by(reader: PlayerId, mut line: ChatLine) -> ChatLine {
    if let ChatChannel::Direct { player } = &mut line.channel
        && *player == reader
    {
        *player = line.from;
    }
    line
}

impl History {
    /// Keeps the newest lines that fit into one message.
    fn keep_what_fits(&mut self) {
        let mut bytes = 0;
        let fitting = self.lines.iter().rev().take_while(|line| {
            bytes += json(line).len() + 1;
            bytes <= HISTORY_BYTES_MAX
        });
        let left_out = self.lines.len() - fitting.count();
        self.is_cut |= left_out > 0;
        self.lines.drain(..left_out);
    }
}

fn encode(message: &ChatServerMessage) -> Utf8Bytes {
    json(message).into()
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("a message of plain data encodes")
}

#[cfg(test)]
mod tests;
