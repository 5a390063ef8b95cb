//! The state of the chat task: which connection follows which room, and who receives a line.
//!
//! **Invariant:** lines are sent in the order of their numbers, each once, and none is left out: `sequence` is the number of
//! the last line that was sent, and the next one that may be written is the one after it.

mod others;
mod saying;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::ws::Utf8Bytes;
use serde::Serialize;
use shared::id::{PlayerId, RoomId};
use shared::protocol::SERVER_MESSAGE_BYTES_MAX;
use shared::protocol::chat::{ChatChannel, ChatLine, ChatRefusal, ChatServerMessage};

use super::archive::{Archive, Read};
use super::repeats::{SaidLately, Utterance};
use super::request::{ConnectionId, Joined, Request};
use super::send_queue::{SendQueue, send_queue};
use super::unread::Unread;
use crate::limits::Bucket;
use crate::player::Player;
use crate::presence::Presence;

/// Rooms that one connection may follow. Entering one more leaves the one that was entered first.
const ROOMS_MAX: usize = 8;
/// Bytes of history in one message. The oldest lines are left out.
const HISTORY_BYTES_MAX: usize = SERVER_MESSAGE_BYTES_MAX - 1024;
/// The newest lines that are remembered, for connections that were reading when these were sent.
pub(super) const RECENT_LINES_MAX: usize = 512;

/// The state of the chat. Nothing here waits: the store is asked by others.
pub(super) struct Hub {
    archive: Archive,
    presence: Arc<Presence>,
    listeners: BTreeMap<ConnectionId, Listener>,
    speakers: HashMap<PlayerId, Bucket>,
    /// The number of the last line.
    sequence: u64,
    /// The newest lines, oldest first: all after the number `recent_after`.
    recent: VecDeque<ChatLine>,
    recent_after: u64,
    /// Lines that wait to be written.
    waiting: VecDeque<WaitingLine>,
    /// The lines that are being written, and since when.
    writing: Vec<WaitingLine>,
    began_to_write: Instant,
    /// Until then it is the other nodes' turn to write.
    rests_until: Instant,
    /// Lines of other nodes.
    unread: Unread,
    said_lately: SaidLately,
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

/// A line that waits to be written.
struct WaitingLine {
    /// Its number is 0 until it is written.
    line: ChatLine,
    author: Author,
    since: Instant,
}

impl WaitingLine {
    fn utterance(&self) -> Utterance {
        let Author { connection, nonce } = self.author;
        Utterance { player: self.line.from, connection: Some(connection), nonce }
    }

    /// Whether `line` has the same words for the same readers.
    fn says(&self, line: &ChatLine) -> bool {
        self.line.channel == line.channel && self.line.text == line.text
    }
}

/// Where the answer to a line goes.
#[derive(Clone, Copy)]
struct Author {
    connection: ConnectionId,
    nonce: u32,
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
    pub(super) fn new(archive: Archive, presence: Arc<Presence>, sequence: u64) -> Self {
        Self {
            archive,
            presence,
            listeners: BTreeMap::new(),
            speakers: HashMap::new(),
            sequence,
            recent: VecDeque::new(),
            recent_after: sequence,
            waiting: VecDeque::new(),
            writing: Vec::new(),
            began_to_write: Instant::now(),
            rests_until: Instant::now(),
            unread: Unread::default(),
            said_lately: SaidLately::default(),
            connections: 0,
        }
    }

    pub(super) fn archive(&self) -> &Archive {
        &self.archive
    }

    pub(super) fn answer(&mut self, request: Request) {
        match request {
            Request::Join { player, history, reply } => {
                let joined = self.join(player, history);
                let connection = joined.connection;
                if reply.send(joined).is_err() {
                    self.listeners.remove(&connection);
                }
            }
            Request::Say { from, channel, text, nonce, receiver } => {
                let author = Author { connection: from, nonce };
                if let Err(refused) = self.say(author, channel, &text, receiver) {
                    self.refuse(author, refused);
                }
            }
            Request::Enter { from, room, history } => self.enter(from, room, history),
            Request::Exit { from, room } => {
                if let Some(listener) = self.listeners.get_mut(&from) {
                    listener.exit(room);
                }
            }
            Request::Rename { player } => self.rename(&player),
            Request::Leave { connection } => {
                self.listeners.remove(&connection);
            }
            Request::ReadOn { sequence } => self.note_heard(sequence),
        }
    }

    fn rename(&mut self, player: &Player) {
        let own = self.listeners.values_mut().filter(|listener| listener.player.id == player.id);
        own.for_each(|listener| listener.player.name.clone_from(&player.name));
    }

    fn join(&mut self, player: Player, history: Read) -> Joined {
        let is_return = history.is_return;
        let History { lines, is_cut } = self.complete(history, player.id);
        let (id, name, gap) = (player.id, player.name.clone(), is_return && is_cut);
        let hello = ChatServerMessage::Hello { player: id, name, lines, gap };

        self.connections += 1;
        let connection = ConnectionId(self.connections);
        let (queue, messages) = send_queue();
        self.listeners.insert(connection, Listener { player, queue, rooms: Vec::new() });
        self.send(connection, &encode(&hello));
        Joined { connection, messages }
    }

    /// A player outside the room reads nothing, and receives nothing until the player is inside.
    fn enter(&mut self, connection: ConnectionId, room: RoomId, history: Option<Read>) {
        let Some(listener) = self.listeners.get(&connection) else { return };
        let player = listener.player.id;
        let History { lines, is_cut } =
            history.map(|read| self.complete(read, player)).unwrap_or_default();
        if let Some(listener) = self.listeners.get_mut(&connection) {
            listener.enter(room);
        }
        self.send(connection, &encode(&ChatServerMessage::Entered { room, lines, gap: is_cut }));
    }

    /// What was read, up to the last line that was sent: with those that were sent meanwhile, and without those that are
    /// written and not sent yet.
    fn complete(&self, read: Read, reader: PlayerId) -> History {
        let Read { mut lines, channels, until, is_cut, .. } = read;
        lines.retain(|line| line.sequence <= self.sequence);
        let is_missing = |line: &&ChatLine| {
            line.sequence > until && channels.iter().any(|channel| channel.has(line))
        };
        lines.extend(self.recent.iter().filter(is_missing).cloned());
        lines.sort_by_key(|line| line.sequence);
        lines.dedup_by_key(|line| line.sequence);
        let is_lost = until < self.recent_after;
        let lines = lines.into_iter().map(|line| as_seen_by(reader, line)).collect();
        let mut history = History { lines, is_cut: is_cut || is_lost };
        history.keep_what_fits();
        history
    }

    fn remember(&mut self, line: ChatLine) {
        if self.recent.len() >= RECENT_LINES_MAX
            && let Some(oldest) = self.recent.pop_front()
        {
            self.recent_after = oldest.sequence;
        }
        self.recent.push_back(line);
    }

    /// Sends a line to every player who may read it, and its author's nonce to the author, who is at this node if known. It
    /// is encoded once, except for the two ends of a direct line.
    fn publish(&mut self, author: Option<Author>, line: ChatLine) {
        if let Some(author) = author {
            self.answer_author(author, line.clone());
        }
        let from = author.map(|author| author.connection);

        let readers: Vec<_> = self
            .listeners
            .iter()
            .filter(|(id, listener)| Some(**id) != from && self.can_read(listener, &line))
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

    fn answer_author(&mut self, author: Author, line: ChatLine) {
        let own = ChatLine { nonce: Some(author.nonce), ..line };
        self.send(author.connection, &encode(&ChatServerMessage::Line(own)));
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
