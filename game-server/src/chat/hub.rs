//! The state of the chat task: which connection follows which room, who may write, and who receives a line.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::ws::Utf8Bytes;
use serde::Serialize;
use shared::id::{PlayerId, RoomId};
use shared::protocol::SERVER_MESSAGE_BYTES_MAX;
use shared::protocol::chat::{
    ChatChannel, ChatLine, ChatRefusal, ChatServerMessage, LINE_CHARS_MAX, LINE_REFILL_MS,
    LINES_BURST_MAX,
};
use shared::text::tidy_line;

use super::archive::{Archive, Kept, Read};
use super::repeats::{SaidLately, Utterance};
use super::request::{ConnectionId, Joined, Request};
use super::send_queue::{SendQueue, send_queue};
use crate::clock::now_ms;
use crate::limits::{Bucket, Rate};
use crate::player::Player;
use crate::presence::Presence;

/// Rooms that one connection may follow. Entering one more leaves the one that was entered first.
const ROOMS_MAX: usize = 8;
/// Bytes of history in one message. The oldest lines are left out.
const HISTORY_BYTES_MAX: usize = SERVER_MESSAGE_BYTES_MAX - 1024;
/// Players whose rate is remembered. When more write, those whose bucket is full are forgotten.
const SPEAKERS_MAX: usize = 4_096;
/// Lines that wait to be written. When there are more, a line is refused at once.
const WAITING_LINES_MAX: usize = 256;
/// How long a line waits for its turn to be written. Then it is refused: its author is told before the client gives up.
const TURN_WITHIN: Duration = Duration::from_secs(3);
/// The newest lines that are remembered, for connections that were reading when these were sent.
const RECENT_LINES_MAX: usize = 512;

const LINES: Rate = Rate { burst: LINES_BURST_MAX, refill: Duration::from_millis(LINE_REFILL_MS) };

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
    /// The line that is being written.
    writing: Option<(ChatLine, Author)>,
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
    line: ChatLine,
    author: Author,
    since: Instant,
}

/// Where the answer to a line goes.
#[derive(Clone, Copy)]
struct Author {
    connection: ConnectionId,
    nonce: u32,
}

impl Author {
    fn utterance(self, player: PlayerId) -> Utterance {
        Utterance { player, connection: self.connection, nonce: self.nonce }
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
            writing: None,
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

    /// Takes a line to be written.
    fn say(
        &mut self,
        author: Author,
        channel: ChatChannel,
        text: &str,
        receiver: Result<(), ChatRefusal>,
    ) -> Result<(), Refused> {
        let Some(listener) = self.listeners.get(&author.connection) else { return Ok(()) };
        let speaker = listener.player.clone();
        let text = tidy_line(text);
        if self.is_repeated(author, speaker.id, channel, &text) {
            return Ok(());
        }
        self.check(&speaker, channel, &text, receiver)?;
        if self.waiting.len() >= WAITING_LINES_MAX {
            return Err((ChatRefusal::Failed, None));
        }
        let line = ChatLine {
            // It gets its number when its turn comes.
            sequence: 0,
            at_ms: now_ms(),
            channel,
            from: speaker.id,
            name: speaker.name,
            text,
            nonce: None,
        };
        self.waiting.push_back(WaitingLine { line, author, since: Instant::now() });
        Ok(())
    }

    /// Whether this line was said before over a connection that has died. Its answer then goes over the new one.
    fn is_repeated(
        &mut self,
        author: Author,
        speaker: PlayerId,
        channel: ChatChannel,
        text: &str,
    ) -> bool {
        let again = author.utterance(speaker);
        let is_it = |line: &ChatLine| line.channel == channel && line.text == text;
        let waiting = self.waiting.iter_mut().map(|waiting| (&waiting.line, &mut waiting.author));
        let writing = self.writing.iter_mut().map(|(line, author)| (&*line, author));
        let mut unsent = waiting.chain(writing);
        if let Some((_, earlier)) = unsent
            .find(|(line, earlier)| is_it(line) && again.repeats(&earlier.utterance(line.from)))
        {
            *earlier = author;
            return true;
        }
        let recent = &self.recent;
        let find = |sequence| recent.iter().find(|line| line.sequence == sequence && is_it(line));
        let is_one = |sequence| find(sequence).is_some();
        let said = self.said_lately.take_over(again, Instant::now(), is_one);
        let Some(said) = said.and_then(find).cloned() else { return false };
        let own = ChatLine { nonce: Some(author.nonce), ..said };
        self.send(author.connection, &encode(&ChatServerMessage::Line(own)));
        true
    }

    /// The next line to be written, with its number. `None` while one is being written. [`Hub::note_kept`] has to follow.
    pub(super) fn next_line(&mut self) -> Option<ChatLine> {
        if self.writing.is_some() {
            return None;
        }
        while let Some(WaitingLine { mut line, author, since }) = self.waiting.pop_front() {
            if since.elapsed() > TURN_WITHIN {
                self.refuse(author, (ChatRefusal::Failed, None));
                continue;
            }
            line.sequence = self.sequence + 1;
            self.writing = Some((line.clone(), author));
            return Some(line);
        }
        None
    }

    /// The line of [`Hub::next_line`] was written, or could not be. Kept before it is sent: a line that a client has read
    /// survives a restart, and no number is given twice.
    pub(super) fn note_kept(&mut self, kept: Kept) {
        let Some((line, author)) = self.writing.take() else { return };
        match kept {
            Kept::Yes => {
                self.sequence = line.sequence;
                self.archive.note_published(self.sequence);
                let said = author.utterance(line.from);
                self.said_lately.add(said, line.sequence, Instant::now());
                self.remember(line.clone());
                self.publish(author, line);
            }
            Kept::No { last } => {
                self.sequence = self.sequence.max(last.unwrap_or_default());
                self.archive.note_published(self.sequence);
                self.refuse(author, (ChatRefusal::Failed, None));
            }
        }
    }

    fn remember(&mut self, line: ChatLine) {
        if self.recent.len() >= RECENT_LINES_MAX
            && let Some(oldest) = self.recent.pop_front()
        {
            self.recent_after = oldest.sequence;
        }
        self.recent.push_back(line);
    }

    fn refuse(&mut self, to: Author, (reason, wait): Refused) {
        let retry_in_ms = wait.map(|wait| wait.as_millis().try_into().unwrap_or(u64::MAX));
        let refused = ChatServerMessage::Refused { nonce: to.nonce, reason, retry_in_ms };
        self.send(to.connection, &encode(&refused));
    }

    fn check(
        &mut self,
        speaker: &Player,
        channel: ChatChannel,
        text: &str,
        receiver: Result<(), ChatRefusal>,
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
            ChatChannel::Direct { .. } => {
                receiver.map_err(|reason| (reason, None))?;
                true
            }
        };
        if !may_speak {
            return Err((ChatRefusal::NotThere, None));
        }
        self.take_from_bucket(speaker.id).map_err(|wait| (ChatRefusal::TooFast, Some(wait)))
    }

    fn take_from_bucket(&mut self, speaker: PlayerId) -> Result<(), Duration> {
        let now = Instant::now();
        if self.speakers.len() >= SPEAKERS_MAX {
            self.speakers.retain(|_, bucket| !bucket.is_full(now));
        }
        self.speakers.entry(speaker).or_insert_with(|| Bucket::full(now)).take(LINES, now)
    }

    /// Sends a line to every player who may read it. It is encoded once, except for the two ends of a direct line.
    fn publish(&mut self, author: Author, line: ChatLine) {
        let Author { connection: from, nonce } = author;
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
