//! Matchmaking: requests for matches, which all nodes of a lobby share, and what a client is shown of its own.
//!
//! A ticket is bound to its player and survives any disconnect: the player follows it again by its name, on any node. It ends
//! when nothing has asked for it for a minute (to 75 s, because that it is asked for is noted each 15 s), and with the reservation
//! of the seat that it found. The tickets are the rows of a table, changed by compare-and-set. One node at a time, the steward,
//! matches them at a fixed interval, however many requests arrive in between.

mod board;
mod matcher;
mod queue;
mod seats;
mod tickets;

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::stream::{self, FuturesUnordered, StreamExt as _};
use shared::id::PlayerId;
use shared::sim::Mode;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

pub use self::board::TicketUpdates;
use self::board::{Board, NOTED_EVERY};
use self::matcher::{MATCH_EVERY, Matcher};
use self::seats::Seats;
use self::tickets::{ATTEMPTS, Changed, SeenTicket, change};
pub use self::tickets::{Queue, TicketEnd, TicketRow};
use crate::client_address::ClientAddress;
use crate::cluster::kv_table::TableName;
use crate::cluster::nodes::Nodes;
use crate::cluster::post::Post;
use crate::cluster::steward::Steward;
use crate::cluster::table::{Expect, WriteError};
use crate::node::NodeName;
use crate::presence::Presence;
use crate::rooms::Rooms;
use crate::tasks::Tasks;

/// The table of the tickets.
pub const QUEUE: TableName = TableName { table: "queue", task: "table queue" };
/// Tickets at once, waiting or matched. One more ends the one that nobody has asked for longest; when all are followed, it
/// is refused.
const TICKETS_MAX: usize = 10_000;
/// Another node may follow a ticket that this one does not. It notes that in the table within this time.
const NOTED_ELSEWHERE: Duration = NOTED_EVERY.saturating_mul(2);
/// The least time between two looks at the table, which many change.
const LOOK_PAUSE: Duration = Duration::from_millis(20);
/// How long a request waits for what the table has and this node does not know yet.
const KNOWN_WITHIN: Duration = Duration::from_secs(2);
/// Notes that are written at the same time.
const NOTES_AT_ONCE: usize = 16;

/// Why a player does not join the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JoinError {
    /// `TICKETS_MAX` tickets exist, and every one is followed.
    #[error("too many people wait for a match")]
    TooMany,
    /// What the nodes share does not answer.
    #[error("the queue does not answer just now: try again in a moment")]
    Away,
    /// The server stops.
    #[error("the server is stopping")]
    Stopping,
}

/// Why a request for a ticket is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// No such ticket is known.
    #[error("there is no such request for a match")]
    Unknown,
    /// It has ended.
    #[error("the search for a match has ended: {0}")]
    Ended(TicketEnd),
    /// The ticket belongs to another player.
    #[error("the request for a match is somebody else's")]
    NotYours,
    /// What the nodes share does not answer.
    #[error("the queue does not answer just now: try again in a moment")]
    Away,
    /// The server stops.
    #[error("the server is stopping")]
    Stopping,
}

/// What the nodes of a lobby share for matchmaking, or a server has alone.
pub struct Shared {
    /// The tickets.
    pub queue: Queue,
    /// Requests to other nodes.
    pub post: Arc<dyn Post>,
    /// Which nodes live. `None`: there is one.
    pub nodes: Option<Nodes>,
    /// The name of this node.
    pub node: NodeName,
    /// Which node matches.
    pub steward: Steward,
}

/// Takes requests for matches. Cheap to clone.
#[derive(Clone)]
pub struct Matchmaker {
    queue: Queue,
    board: Arc<Board>,
    seats: Seats,
    /// How long a ticket must not have been asked for to be ended for another one.
    unasked_min: Duration,
}

/// Starts the tasks: one that follows the tickets, and one that matches them while this node is the steward. From then on the
/// rooms of this node answer to the steward.
#[must_use]
pub fn start(
    tasks: &Tasks,
    shared: Shared,
    rooms: Rooms,
    presence: Arc<Presence>,
    bots_fill_after: Duration,
) -> Matchmaker {
    let Shared { queue, post, nodes, node, steward } = shared;
    post.answer_with(Arc::new(rooms.clone()));
    let board = Arc::new(Board::new(queue.clone(), bots_fill_after));
    let unasked_min = if nodes.is_some() { NOTED_ELSEWHERE } else { Duration::ZERO };
    let seats = Seats { own: node, nodes, post, rooms, presence };
    let matcher = Matcher {
        queue: queue.clone(),
        board: board.clone(),
        seats: seats.clone(),
        bots_fill_after,
    };
    let matchmaker = Matchmaker { queue, board, seats, unasked_min };
    tasks.spawn_vital("matchmaking", matchmaker.clone().follow_all(tasks.clone()));
    tasks.spawn_vital("matcher", matcher.run(tasks.clone(), steward));
    matchmaker
}

impl Matchmaker {
    /// Looks for a match. A player who already looks for one in the same mode keeps that ticket; after a match, as long
    /// as the seat is reserved. A ticket in another mode ends. A room that is opened for the match may count for the
    /// player and the address.
    ///
    /// # Errors
    /// See [`JoinError`].
    pub async fn join(
        &self,
        player: PlayerId,
        address: ClientAddress,
        rating: i32,
        mode: Mode,
    ) -> Result<TicketUpdates, JoinError> {
        self.join_at(player, address, rating, mode, Instant::now()).await
    }

    async fn join_at(
        &self,
        player: PlayerId,
        address: ClientAddress,
        rating: i32,
        mode: Mode,
        now: Instant,
    ) -> Result<TicketUpdates, JoinError> {
        let key = player.to_string();
        for _ in 0..ATTEMPTS {
            if self.board.is_closed() {
                return Err(JoinError::Stopping);
            }
            let found = self.queue.read(&key).await.or(Err(JoinError::Away))?;
            let before = found.as_deref().map(|row| &row.value);
            if let Some(row) = &found
                && row.value.mode == mode
                && self.can_be_kept(player, &row.value).await
            {
                self.know(player, row.revision).await.ok_or(JoinError::Away)?;
                match self.board.follow(player, &row.value.ticket, now) {
                    Some(following) => return Ok(following),
                    // It has just ended.
                    None => continue,
                }
            }
            if !before.is_some_and(TicketRow::is_live) {
                self.make_room(now).await?;
            }
            let row = TicketRow::new(mode, rating, address, before);
            let ticket = row.ticket.clone();
            let expect = found.map_or(Expect::Absent, |row| Expect::Revision(row.revision));
            match self.queue.put(&key, row, expect).await {
                Ok(_) => {}
                Err(WriteError::Conflict) => continue,
                Err(WriteError::Away(_)) => return Err(JoinError::Away),
            }
            if let Some(following) = self.board.follow(player, &ticket, now) {
                return Ok(following);
            }
        }
        Err(if self.board.is_closed() { JoinError::Stopping } else { JoinError::Away })
    }

    /// Follows a ticket.
    ///
    /// # Errors
    /// See [`AskError`].
    pub async fn follow(
        &self,
        player: PlayerId,
        ticket: String,
    ) -> Result<TicketUpdates, AskError> {
        self.follow_at(player, &ticket, Instant::now()).await
    }

    async fn follow_at(
        &self,
        player: PlayerId,
        ticket: &str,
        now: Instant,
    ) -> Result<TicketUpdates, AskError> {
        for _ in 0..ATTEMPTS {
            let row = self.find(player, ticket).await?;
            self.know(player, row.revision).await.ok_or(AskError::Away)?;
            if let Some(following) = self.board.follow(player, ticket, now) {
                return Ok(following);
            }
        }
        Err(if self.board.is_closed() { AskError::Stopping } else { AskError::Away })
    }

    /// Ends a ticket.
    ///
    /// # Errors
    /// See [`AskError`].
    pub async fn cancel(&self, player: PlayerId, ticket: String) -> Result<(), AskError> {
        let row = self.find(player, &ticket).await?;
        match self.end(player, row, &ticket, TicketEnd::Cancelled).await {
            Changed::Done => Ok(()),
            Changed::Refused(row) => {
                let why = row.and_then(|row| row.value.end_of(&ticket));
                Err(why.map_or(AskError::Unknown, AskError::Ended))
            }
            Changed::Away => Err(AskError::Away),
        }
    }

    async fn end(
        &self,
        player: PlayerId,
        seen: SeenTicket,
        ticket: &str,
        why: TicketEnd,
    ) -> Changed {
        let allowed = |row: &TicketRow| {
            let is_live = row.ticket == ticket && row.is_live();
            is_live.then(|| row.ended(why))
        };
        let changed = change(&*self.queue, player, seen, allowed).await;
        self.board.look_at(player, Instant::now());
        changed
    }

    /// The row of a ticket that has not ended.
    async fn find(&self, player: PlayerId, ticket: &str) -> Result<SeenTicket, AskError> {
        if self.board.is_closed() {
            return Err(AskError::Stopping);
        }
        let key = player.to_string();
        let knows = |row: &SeenTicket| row.value.knows(ticket);
        let row = match self.queue.get(&key).filter(knows) {
            Some(row) => row,
            None if self.board.owner(ticket).is_some_and(|owner| owner != player) => {
                return Err(AskError::NotYours);
            }
            // It may be new, of another node.
            None => {
                let row = self.queue.read(&key).await.or(Err(AskError::Away))?;
                row.filter(knows).ok_or(AskError::Unknown)?
            }
        };
        row.value.end_of(ticket).map_or(Ok(row), |why| Err(AskError::Ended(why)))
    }

    /// Waits until this node knows the row of a player at this revision or a later one.
    async fn know(&self, player: PlayerId, revision: u64) -> Option<()> {
        let (key, mut changes) = (player.to_string(), self.queue.changes());
        let known = async {
            while self.queue.get(&key).is_none_or(|row| row.revision < revision) {
                changes.changed().await.ok()?;
            }
            Some(())
        };
        timeout(KNOWN_WITHIN, known).await.ok().flatten()
    }

    /// Whether a ticket can be kept: it waits, or a seat is still reserved for its player in the room that was found.
    async fn can_be_kept(&self, player: PlayerId, row: &TicketRow) -> bool {
        match row.seat() {
            Some(seat) => self.seats.is_reserved(seat, player).await,
            None => row.is_waiting(),
        }
    }

    /// Ends the ticket that nobody has asked for longest, if there are too many.
    async fn make_room(&self, now: Instant) -> Result<(), JoinError> {
        if self.board.len() < TICKETS_MAX {
            return Ok(());
        }
        let unasked = self.board.longest_unasked(self.unasked_min, now);
        let (player, row) = unasked.ok_or(JoinError::TooMany)?;
        let ticket = row.value.ticket.clone();
        match self.end(player, row, &ticket, TicketEnd::Abandoned).await {
            Changed::Done | Changed::Refused(_) => Ok(()),
            Changed::Away => Err(JoinError::Away),
        }
    }

    /// Publishes the changes of all tickets, and notes those that are asked for.
    async fn follow_all(self, tasks: Tasks) {
        let (mut changes, has_tickets) = (self.queue.changes(), self.board.has_tickets());
        let mut beats = interval(MATCH_EVERY);
        beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // At most one.
        let mut notes = FuturesUnordered::new();
        self.board.look(Instant::now());
        loop {
            let has = *has_tickets.borrow();
            tokio::select! {
                () = tasks.stopping() => break,
                changed = changes.changed() => {
                    if changed.is_err() {
                        break;
                    }
                    self.board.look(Instant::now());
                    sleep(LOOK_PAUSE).await;
                }
                _ = beats.tick(), if has => {
                    self.beat(Instant::now());
                    if notes.is_empty() {
                        notes.push(self.note_asked(Instant::now()));
                    }
                }
                _ = notes.next(), if !notes.is_empty() => {}
            }
        }
        // Those who follow are told that the server stops.
        self.board.close();
    }

    fn beat(&self, now: Instant) {
        self.board.beat(|player, seat| self.seats.look(player, seat), now);
    }

    /// Notes for all nodes which tickets are asked for here.
    async fn note_asked(&self, now: Instant) {
        let due = stream::iter(self.board.to_be_noted(now));
        due.for_each_concurrent(NOTES_AT_ONCE, async |(player, row)| {
            let ticket = row.value.ticket.clone();
            let is_same = |row: &TicketRow| row.ticket == ticket && row.is_waiting();
            let allowed = |row: &TicketRow| is_same(row).then(|| row.asked_for());
            // What cannot be written now is due again.
            change(&*self.queue, player, row, allowed).await;
        })
        .await;
    }
}

#[cfg(test)]
mod tests;
