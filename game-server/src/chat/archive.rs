//! Earlier lines and the players who are known, read by the connection that needs them; the writing of lines, and the reading of
//! those that other nodes have written.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use shared::id::{PlayerId, RoomId};
use shared::protocol::chat::{ChatLine, ChatRefusal, HISTORY_LINES};

use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::cluster::post::{Hint, Post};
use crate::presence::{Presence, TeamSeat};
use crate::storage::{ChatLog, LogPart, Players, Readable, StoreError, StoreFuture, TeamLines};

/// Lines of each channel that a returning client gets. When there are more, it is told of a gap.
pub(super) const MISSED_LINES_MAX: usize = 200;
/// Lines of other nodes that are read, and then sent, at once: a quarter of what may wait for one connection.
const LINES_AT_ONCE: u32 = 64;
/// The longest time for one question to the store: a connection to a database that is gone may seem open for a quarter of an
/// hour. The authors of lines that wait are told before that.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);
/// How long a client that has a line of another node waits until this node has sent it, too.
const REACHED_WITHIN: Duration = Duration::from_secs(2);

/// The log as the chat uses it. Cheap to clone.
#[derive(Clone)]
pub(super) struct Archive {
    log: Arc<dyn ChatLog>,
    players: Arc<dyn Players>,
    presence: Arc<Presence>,
    post: Arc<dyn Post>,
    /// The number of the newest line that was sent.
    published: Arc<watch::Sender<u64>>,
}

/// Lines that were read for a connection.
#[derive(Debug, Default)]
pub(super) struct Read {
    /// Of each channel the oldest first.
    pub(super) lines: Vec<ChatLine>,
    /// The channels that they were read of.
    pub(super) channels: Vec<Readable>,
    /// The newest line that had been sent when the reading began: it and all before it were there to be read.
    pub(super) until: u64,
    /// Whether older ones were left out.
    pub(super) is_cut: bool,
    /// Whether the client has earlier lines.
    pub(super) is_return: bool,
}

/// What became of lines that were written together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kept {
    Yes,
    /// One of the numbers is that of another line; or of the same, if this had become [`Kept::Unknown`] before.
    Taken,
    /// It is not known: the same attempt can be made again.
    Unknown,
    /// They were not kept, and cannot be.
    No,
}

/// What the store answers, unless that takes too long.
async fn answer<T>(question: StoreFuture<'_, T>) -> Result<T, StoreError> {
    timeout(ANSWER_WITHIN, question).await.unwrap_or_else(|_late| Err(StoreError::timed_out()))
}

impl Archive {
    pub(super) fn new(
        log: Arc<dyn ChatLog>,
        players: Arc<dyn Players>,
        presence: Arc<Presence>,
        post: Arc<dyn Post>,
        last: u64,
    ) -> Self {
        Self { log, players, presence, post, published: Arc::new(watch::Sender::new(last)) }
    }

    /// Whether no other node uses the log.
    pub(super) fn is_alone(&self) -> bool {
        self.post.is_alone()
    }

    /// Notes the number of the newest line, before it is sent.
    pub(super) fn note_published(&self, sequence: u64) {
        self.published.send_replace(sequence);
    }

    /// Tells the other nodes that the log has this line.
    pub(super) fn tell_others(&self, sequence: u64) {
        self.post.tell(Hint::ChatLine { sequence });
    }

    /// Whether the log has a line of this number, which has not been sent here.
    pub(super) async fn has_unsent(&self, sequence: u64) -> bool {
        if self.is_alone() || sequence <= self.published() {
            return false;
        }
        match answer(self.log.last_sequence()).await {
            Ok(last) => sequence <= last,
            Err(error) => {
                tracing::error!(%error, "the end of the chat's log could not be read");
                false
            }
        }
    }

    /// Waits until the line of this number was sent, though not for long.
    pub(super) async fn reached(&self, sequence: u64) {
        let mut published = self.published.subscribe();
        let reached = published.wait_for(|published| *published >= sequence);
        // A client that does not find its last line again is told of a gap.
        timeout(REACHED_WITHIN, reached).await.ok();
    }

    fn published(&self) -> u64 {
        *self.published.borrow()
    }

    /// The lines for a client that connects: the newest, or those after the last one that it has.
    pub(super) async fn missed(&self, player: PlayerId, after: Option<u64>) -> Read {
        let mut channels = vec![Readable::Lobby, Readable::Direct(player)];
        // A client follows a room by entering it. A returning client also gets the lines that it missed in its rooms.
        if after.is_some() {
            let rooms = self.presence.rooms_of(player);
            channels.extend(rooms.into_iter().map(|(room, seat)| readable(room, seat)));
        }
        let until = self.published();
        // A number that was never given comes from another log: the client starts again.
        let known = after.filter(|after| *after <= until);
        let mut read = self.read(channels, until, known).await;
        read.is_return = after.is_some();
        read.is_cut |= read.is_return && known.is_none();
        read
    }

    /// The newest lines of a room. `None` for a player who is not there and reads nothing.
    pub(super) async fn room(&self, player: PlayerId, room: RoomId) -> Option<Read> {
        if !self.presence.is_in(player, room) {
            return None;
        }
        let seat = self.presence.seat_in(player, room);
        let until = self.published();
        Some(self.read(vec![readable(room, seat)], until, None).await)
    }

    /// Whether a player can be written to.
    pub(super) async fn knows(&self, player: PlayerId) -> Result<(), ChatRefusal> {
        match answer(self.players.player(player)).await {
            Ok(Some(_)) => Ok(()),
            Ok(None) => Err(ChatRefusal::Unknown),
            Err(error) => {
                tracing::error!(%error, "a player could not be looked up for the chat");
                Err(ChatRefusal::Failed)
            }
        }
    }

    /// Writes lines, all or none, and tells other nodes of them: a line that a client has read survives a restart.
    pub(super) fn keep(&self, lines: Vec<ChatLine>) -> impl Future<Output = Kept> + Send + use<> {
        let archive = self.clone();
        async move {
            let last = lines.last().map(|line| line.sequence);
            let Err(error) = answer(archive.log.add_lines(lines)).await else {
                last.into_iter().for_each(|last| archive.tell_others(last));
                return Kept::Yes;
            };
            if error.is_duplicate() {
                return Kept::Taken;
            }
            tracing::error!(error = &error as &dyn Error, "lines of chat could not be kept");
            if error.is_transient() { Kept::Unknown } else { Kept::No }
        }
    }

    /// Reads the first lines after a number, after a pause.
    pub(super) fn read_on(
        &self,
        after: u64,
        pause: Duration,
    ) -> impl Future<Output = Result<LogPart, StoreError>> + Send + use<> {
        let log = self.log.clone();
        async move {
            if !pause.is_zero() {
                sleep(pause).await;
            }
            answer(log.lines_after(after, LINES_AT_ONCE)).await
        }
    }

    async fn read(&self, channels: Vec<Readable>, until: u64, after: Option<u64>) -> Read {
        let limit = after.map_or(HISTORY_LINES, |_| MISSED_LINES_MAX);
        // One more line than the limit shows whether lines are left out.
        let asked = u32::try_from(limit + 1).unwrap_or(u32::MAX);
        let mut read = Read { until, ..Read::default() };
        for channel in &channels {
            match answer(self.log.lines(*channel, after.unwrap_or(0), asked)).await {
                Ok(mut found) => {
                    let too_many = found.len().saturating_sub(limit);
                    read.is_cut |= too_many > 0;
                    read.lines.extend(found.drain(too_many..));
                }
                Err(error) => {
                    tracing::error!(%error, "chat history could not be read");
                    read.is_cut = true;
                }
            }
        }
        read.channels = channels;
        read
    }
}

/// The lines of a room that a player may read: all that was said to everyone there, and what was said to the own team
/// since the player sat down in it. Whoever changes sides does not take along what the other side planned.
fn readable(room: RoomId, seat: Option<TeamSeat>) -> Readable {
    Readable::Room(room, seat.map(|TeamSeat { team, since_ms }| TeamLines { team, since_ms }))
}
