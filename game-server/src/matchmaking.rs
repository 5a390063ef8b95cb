//! Matchmaking: a task that owns the queue and publishes the state of each ticket.
//!
//! A ticket is bound to its player and survives any disconnect: the player follows it again by its name. It ends a
//! minute after the last request for it, and with the reservation of the seat that it found. The task matches the queue at a fixed interval, however many requests arrive
//! in between.

mod names;
mod queue;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::{Duration, Instant};

use shared::api::{MatchState, MatchTicket};
use shared::id::PlayerId;
use shared::sim::Mode;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{MissedTickBehavior, interval};

use crate::client_address::ClientAddress;
use crate::clock::now_ms;
use crate::node::NodeName;
use crate::room::{Opener, RESERVATION_KEPT, RoomHandle};
use crate::rooms::Rooms;
use crate::tasks::Tasks;
use names::{elsewhere, new_name};
use queue::{Candidate, Group, TicketNumber, Waiting, match_up, window};

/// Requests that wait for the task. When the queue is full, a caller waits.
const REQUESTS_MAX: usize = 256;
/// Tickets at once, waiting or matched. One more ends the one that nobody has asked for longest; when all are followed, it
/// is refused.
const TICKETS_MAX: usize = 10_000;
/// Ended tickets that are remembered, to answer 410 instead of 404. The oldest are forgotten first.
const ENDED_MAX: usize = 1_024;
/// A ticket ends this long after the last request for it.
const ABANDONED_AFTER: Duration = Duration::from_secs(60);
/// The interval at which the queue is matched.
const MATCH_EVERY: Duration = Duration::from_millis(250);

/// Why a player does not join the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JoinError {
    /// `TICKETS_MAX` tickets exist, and every one is followed.
    #[error("too many people wait for a match")]
    TooMany,
    /// The server stops.
    #[error("the server is stopping")]
    Stopping,
}

/// Why a request for a ticket is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
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
    /// It was made on another node.
    #[error("the request for a match is on the node {0}")]
    There(NodeName),
    /// The server stops.
    #[error("the server is stopping")]
    Stopping,
}

/// Why a ticket ended. The same player may search in several windows and programs: each of them is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TicketEnd {
    /// The player cancelled it.
    #[error("it was cancelled, maybe in another window")]
    Cancelled,
    /// The player made another request.
    #[error("you began another search, maybe in another window")]
    Replaced,
    /// Nothing asked for it for a minute.
    #[error("no window asked for it for a minute")]
    Abandoned,
    /// The seat that it led to is no longer reserved.
    #[error("the seat that was found is no longer kept")]
    SeatGone,
}

/// The state of a ticket, now and after each change. The ticket has ended when the sender is gone.
pub type TicketUpdates = watch::Receiver<MatchTicket>;

/// The address of the matchmaking task. Cheap to clone.
#[derive(Clone)]
pub struct Matchmaker {
    requests: mpsc::Sender<Request>,
}

type Reply<T, E = AskError> = oneshot::Sender<Result<T, E>>;

enum Request {
    Join { asker: Opener, rating: i32, mode: Mode, reply: Reply<TicketUpdates, JoinError> },
    Follow { player: PlayerId, ticket: String, reply: Reply<TicketUpdates> },
    Cancel { player: PlayerId, ticket: String, reply: Reply<()> },
}

/// Starts the task.
#[must_use]
/// `node` is the name of this node when there are others: a request for a match is on one of them.
pub fn start(
    tasks: &Tasks,
    rooms: Rooms,
    bots_fill_after: Duration,
    node: Option<NodeName>,
) -> Matchmaker {
    let (requests, inbox) = mpsc::channel(REQUESTS_MAX);
    let service = Service {
        node,
        rooms,
        bots_fill_after,
        tickets: HashMap::new(),
        numbers: HashMap::new(),
        names: HashMap::new(),
        queue: Vec::new(),
        next_number: 0,
        ended: VecDeque::new(),
    };
    tasks.spawn_vital("matchmaking", service.run(tasks.clone(), inbox));
    Matchmaker { requests }
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
        let asker = Opener { player, address };
        let request = |reply| Request::Join { asker, rating, mode, reply };
        self.ask(request).await.ok_or(JoinError::Stopping)?
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
        let request = |reply| Request::Follow { player, ticket, reply };
        self.ask(request).await.ok_or(AskError::Stopping)?
    }

    /// Ends a ticket.
    ///
    /// # Errors
    /// See [`AskError`].
    pub async fn cancel(&self, player: PlayerId, ticket: String) -> Result<(), AskError> {
        let request = |reply| Request::Cancel { player, ticket, reply };
        self.ask(request).await.ok_or(AskError::Stopping)?
    }

    /// Sends a request and waits for its answer. `None` when the server stops.
    async fn ask<T>(&self, request: impl FnOnce(oneshot::Sender<T>) -> Request) -> Option<T> {
        let (reply, answer) = oneshot::channel();
        self.requests.send(request(reply)).await.ok()?;
        answer.await.ok()
    }
}

struct Service {
    /// This node, when there are others.
    node: Option<NodeName>,
    rooms: Rooms,
    bots_fill_after: Duration,
    tickets: HashMap<TicketNumber, Ticket>,
    /// The ticket of each player: at most one.
    numbers: HashMap<PlayerId, TicketNumber>,
    /// Tickets by the names that clients know.
    names: HashMap<String, TicketNumber>,
    /// In the order of joining.
    queue: Vec<Waiting>,
    next_number: TicketNumber,
    ended: VecDeque<(String, TicketEnd)>,
}

struct Ticket {
    player: PlayerId,
    address: ClientAddress,
    /// No room could be opened for it in this pass, and none has a free seat.
    is_full: bool,
    name: String,
    waiting: Waiting,
    state: watch::Sender<MatchTicket>,
    /// When the player last asked for it.
    requested: Instant,
    /// Until when the seat is reserved. `None` without one. Nobody is told of a seat that is gone.
    kept_until: Option<Instant>,
}

impl Service {
    async fn run(mut self, tasks: Tasks, mut inbox: mpsc::Receiver<Request>) {
        let mut matching = interval(MATCH_EVERY);
        matching.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = tasks.stopping() => return,
                request = inbox.recv() => match request {
                    Some(request) => self.answer(request, Instant::now()),
                    None => return,
                },
                _ = matching.tick(), if !self.tickets.is_empty() => self.run_once(Instant::now()).await,
            }
        }
    }

    async fn run_once(&mut self, now: Instant) {
        self.match_queue(now).await;
        self.publish_progress(now);
        self.end_abandoned(now);
    }

    fn answer(&mut self, request: Request, now: Instant) {
        // A failed reply means that the caller is gone; a client that comes back asks again.
        match request {
            Request::Join { asker, rating, mode, reply } => {
                reply.send(self.join(asker, rating, mode, now)).ok();
            }
            Request::Follow { player, ticket, reply } => {
                let followed = self.find(player, &ticket).map(|number| {
                    let ticket = self.tickets.get_mut(&number).expect("a found ticket is there");
                    ticket.requested = now;
                    ticket.state.subscribe()
                });
                reply.send(followed).ok();
            }
            Request::Cancel { player, ticket, reply } => {
                let cancelled =
                    self.find(player, &ticket).map(|number| self.end(number, TicketEnd::Cancelled));
                reply.send(cancelled).ok();
            }
        }
    }

    fn join(
        &mut self,
        asker: Opener,
        rating: i32,
        mode: Mode,
        now: Instant,
    ) -> Result<TicketUpdates, JoinError> {
        let Opener { player, address } = asker;
        if let Some(&number) = self.numbers.get(&player) {
            if let Some(ticket) = self.tickets.get_mut(&number)
                && ticket.waiting.mode == mode
                && can_be_kept(ticket, &self.rooms)
            {
                ticket.requested = now;
                return Ok(ticket.state.subscribe());
            }
            self.end(number, TicketEnd::Replaced);
        }
        if self.tickets.len() >= TICKETS_MAX {
            let forgotten = self.longest_unasked().ok_or(JoinError::TooMany)?;
            self.end(forgotten, TicketEnd::Abandoned);
        }
        let number = self.next_number;
        self.next_number += 1;
        let waiting = Waiting { number, mode, rating, since: now };
        self.queue.push(waiting.clone());
        let in_queue = self.queue.iter().filter(|other| other.mode == mode).count();
        let state = self.state_of(&waiting, in_queue, false, now);
        let name = new_name(self.node.as_ref());
        let first = MatchTicket { ticket: name.clone(), version: 1, state };
        let (sender, following) = watch::channel(first);
        self.numbers.insert(player, number);
        self.names.insert(name.clone(), number);
        let ticket = Ticket {
            player,
            address,
            is_full: false,
            name,
            waiting,
            state: sender,
            requested: now,
            kept_until: None,
        };
        self.tickets.insert(number, ticket);
        Ok(following)
    }

    fn find(&self, player: PlayerId, name: &str) -> Result<TicketNumber, AskError> {
        let found = self.names.get(name).and_then(|number| self.tickets.get(number));
        match found {
            Some(ticket) if ticket.player == player => Ok(ticket.waiting.number),
            Some(_) => Err(AskError::NotYours),
            None => {
                match self.ended.iter().find(|(ended, _)| ended == name) {
                    Some((_, why)) => Err(AskError::Ended(*why)),
                    None => Err(elsewhere(name, self.node.as_ref())
                        .map_or(AskError::Unknown, AskError::There)),
                }
            }
        }
    }

    /// Matches the players who can play now, and sends them to a room.
    async fn match_queue(&mut self, now: Instant) {
        if self.queue.is_empty() {
            return;
        }
        for waiting in &self.queue {
            if let Some(ticket) = self.tickets.get_mut(&waiting.number) {
                ticket.is_full = false;
            }
        }
        let candidates = self.candidates();
        for group in match_up(&mut self.queue, candidates, self.bots_fill_after, now) {
            self.seat_group(group, now).await;
        }
    }

    async fn seat_group(&mut self, group: Group, now: Instant) {
        let tickets = group.members.iter().filter_map(|number| self.tickets.get(number));
        let players: Vec<_> =
            tickets.map(|t| Opener { player: t.player, address: t.address }).collect();
        let room = match group.room.map(|id| self.rooms.find(id)) {
            // The seat may be taken by now: the group then waits for the next pass.
            Some(Ok(room)) => {
                let players = players.iter().map(|asker| asker.player).collect();
                room.reserve(players).await.ok().map(|()| room)
            }
            Some(Err(_)) => None,
            None => match self.rooms.open_for(group.mode, players).await {
                Ok(room) => Some(room),
                Err(error) => {
                    tracing::debug!(%error, "a match found no room");
                    return self.seat_anywhere(group, now).await;
                }
            },
        };
        match room {
            Some(room) => self.matched(&group.members, &room, false, now),
            None => self.put_back(&group.members),
        }
    }

    /// No room can be opened: each player gets a seat in a room that is there, or waits for one.
    async fn seat_anywhere(&mut self, group: Group, now: Instant) {
        for number in group.members {
            let Some(player) = self.tickets.get(&number).map(|ticket| ticket.player) else {
                continue;
            };
            match self.rooms.reserve_anywhere(group.mode, player).await {
                Some(room) => self.matched(&[number], &room, true, now),
                None => {
                    if let Some(ticket) = self.tickets.get_mut(&number) {
                        ticket.is_full = true;
                    }
                    self.put_back(&[number]);
                }
            }
        }
    }

    fn matched(&mut self, members: &[TicketNumber], room: &RoomHandle, full: bool, now: Instant) {
        let (id, mode) = (room.spec().id, room.spec().mode.title());
        tracing::info!(room = %id, mode, people = members.len(), full, "matched");
        // The end of the reservation, on the steady clock and on the wall clock.
        let (until, until_ms) = (now + RESERVATION_KEPT, kept_until_ms());
        for number in members {
            let Some(ticket) = self.tickets.get_mut(number) else { continue };
            ticket.kept_until = Some(until);
            set(&ticket.state, MatchState::Matched { room: id, full, until_ms: Some(until_ms) });
        }
    }

    fn put_back(&mut self, members: &[TicketNumber]) {
        let tickets = members.iter().filter_map(|number| self.tickets.get(number));
        self.queue.extend(tickets.map(|ticket| ticket.waiting.clone()));
        self.queue.sort_by_key(|waiting| waiting.number);
    }

    fn candidates(&self) -> Vec<Candidate> {
        let candidate = |room: crate::room::RoomHandle| {
            let view = room.view();
            let (rating, people) = (view.rating?, view.details.summary.players);
            let (room, mode) = (room.spec().id, room.spec().mode);
            Some(Candidate { room, mode, rating, open_seats: view.open_seats, people })
        };
        self.rooms.public().into_iter().filter_map(candidate).collect()
    }

    /// Publishes how long each player has waited, once a second.
    fn publish_progress(&self, now: Instant) {
        let mut in_queue = BTreeMap::new();
        for waiting in &self.queue {
            *in_queue.entry(waiting.mode).or_default() += 1;
        }
        for waiting in &self.queue {
            if let Some(ticket) = self.tickets.get(&waiting.number) {
                let in_queue = in_queue.get(&waiting.mode).copied().unwrap_or_default();
                set(&ticket.state, self.state_of(waiting, in_queue, ticket.is_full, now));
            }
        }
    }

    fn state_of(&self, waiting: &Waiting, in_queue: usize, full: bool, now: Instant) -> MatchState {
        let waited = now.saturating_duration_since(waiting.since);
        let bots_in = self.bots_fill_after.saturating_sub(waited);
        MatchState::Waiting {
            waited_s: u32::try_from(waited.as_secs()).unwrap_or(u32::MAX),
            window: window(waited),
            in_queue: u32::try_from(in_queue).unwrap_or(u32::MAX),
            bots_in_s: u32::try_from(bots_in.as_millis().div_ceil(1_000)).unwrap_or(u32::MAX),
            full,
        }
    }

    /// Ends the tickets that nobody asks for, and those whose seat is no longer reserved.
    fn end_abandoned(&mut self, now: Instant) {
        let mut ended = Vec::new();
        for (number, ticket) in &mut self.tickets {
            if ticket.kept_until.is_some_and(|until| now >= until) {
                ended.push((*number, TicketEnd::SeatGone));
            } else if ticket.state.receiver_count() > 0 {
                ticket.requested = now;
            } else if now >= ticket.requested + ABANDONED_AFTER {
                ended.push((*number, TicketEnd::Abandoned));
            }
        }
        ended.into_iter().for_each(|(number, why)| self.end(number, why));
    }

    /// Of the tickets that nobody follows, the one that was not asked for longest.
    fn longest_unasked(&self) -> Option<TicketNumber> {
        let unfollowed = self.tickets.iter().filter(|(_, t)| t.state.receiver_count() == 0);
        unfollowed.min_by_key(|(number, ticket)| (ticket.requested, **number)).map(|(n, _)| *n)
    }

    fn end(&mut self, number: TicketNumber, why: TicketEnd) {
        // The queue is sorted by number.
        if let Ok(place) = self.queue.binary_search_by_key(&number, |waiting| waiting.number) {
            self.queue.remove(place);
        }
        let Some(ticket) = self.tickets.remove(&number) else { return };
        self.numbers.remove(&ticket.player);
        self.names.remove(&ticket.name);
        self.ended.push_back((ticket.name, why));
        if self.ended.len() > ENDED_MAX {
            self.ended.pop_front();
        }
    }
}

/// Whether a ticket can be kept: it waits, or a seat is still reserved for its player in the room that was found.
fn can_be_kept(ticket: &Ticket, rooms: &Rooms) -> bool {
    match ticket.state.borrow().state {
        MatchState::Waiting { .. } => true,
        MatchState::Matched { room, .. } => {
            rooms.find(room).is_ok_and(|room| room.view().reserved.contains(&ticket.player))
        }
    }
}

/// The end of a reservation that begins now, in milliseconds since 1970.
fn kept_until_ms() -> u64 {
    now_ms() + u64::try_from(RESERVATION_KEPT.as_millis()).unwrap_or_default()
}

/// Changes the state, and the version with it, unless it is the same.
fn set(ticket: &watch::Sender<MatchTicket>, state: MatchState) {
    ticket.send_if_modified(|ticket| {
        let changes = ticket.state != state;
        if changes {
            ticket.state = state;
            ticket.version += 1;
        }
        changes
    });
}

#[cfg(test)]
mod tests;
