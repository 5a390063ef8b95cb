//! Matchmaking: a task that owns the queue and tells each who waits how it stands.
//!
//! A request is a ticket bound to its player. It survives any disconnect: whoever asks for it finds it where it
//! stands, and it ends a minute after the last asking. The queue is looked through on a beat, whatever the number of
//! requests between two beats.

mod queue;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::{Duration, Instant};

use shared::api::{MatchState, MatchTicket};
use shared::id::{PlayerId, RoomId};
use shared::sim::Mode;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{MissedTickBehavior, interval};

use crate::rooms::Rooms;
use crate::tasks::Tasks;
use crate::token::random_token;
use queue::{Group, Number, Offer, Waiting, match_up, window};

/// Requests that may wait for the task. A caller whose request finds no place waits.
const REQUESTS_MAX: usize = 256;
/// People in the queue, and those just matched. When there are as many, nobody else is taken.
const TICKETS_MAX: usize = 10_000;
/// Tickets that have ended and are still known to have been.
const ENDED_MAX: usize = 1_024;
/// A ticket that nobody asks for ends after so long.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(60);
/// How often the queue is looked through.
const BEAT: Duration = Duration::from_millis(250);

/// Why a ticket cannot be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// There never was such a ticket, as far as is remembered.
    #[error("there is no such request for a match")]
    Unknown,
    /// It has ended.
    #[error("the request for a match has ended: make a new one")]
    Ended,
    /// It is somebody else's.
    #[error("the request for a match is somebody else's")]
    NotYours,
    /// As many wait as may.
    #[error("too many people wait for a match")]
    TooMany,
    /// The server stops.
    #[error("the server is stopping")]
    Stopping,
}

/// Where a request stands, now and from now on. When the other end is gone, the request has ended.
pub type Following = watch::Receiver<MatchTicket>;

/// The address of the matchmaker.
#[derive(Clone)]
pub struct Matchmaker {
    requests: mpsc::Sender<Request>,
}

type Reply<T> = oneshot::Sender<Result<T, AskError>>;

enum Request {
    Join { player: PlayerId, rating: i32, mode: Mode, reply: Reply<Following> },
    Follow { player: PlayerId, ticket: String, reply: Reply<Following> },
    Cancel { player: PlayerId, ticket: String, reply: Reply<()> },
}

/// Starts the task.
#[must_use]
pub fn start(tasks: &Tasks, rooms: Rooms, bots_fill_after: Duration) -> Matchmaker {
    let (requests, inbox) = mpsc::channel(REQUESTS_MAX);
    let service = Service {
        rooms,
        bots_fill_after,
        tickets: HashMap::new(),
        numbers: HashMap::new(),
        names: HashMap::new(),
        queue: Vec::new(),
        next_number: 0,
        ended: VecDeque::new(),
    };
    tasks.spawn(service.run(tasks.clone(), inbox));
    Matchmaker { requests }
}

impl Matchmaker {
    /// Looks for a match. Who looks for one in the same mode already goes on with that, and who is expected in the
    /// room that was found is sent there again; a request in another mode ends.
    ///
    /// # Errors
    /// [`AskError::TooMany`], [`AskError::Stopping`].
    pub async fn join(
        &self,
        player: PlayerId,
        rating: i32,
        mode: Mode,
    ) -> Result<Following, AskError> {
        self.ask(|reply| Request::Join { player, rating, mode, reply }).await
    }

    /// Where a request stands.
    ///
    /// # Errors
    /// See [`AskError`].
    pub async fn follow(&self, player: PlayerId, ticket: String) -> Result<Following, AskError> {
        self.ask(|reply| Request::Follow { player, ticket, reply }).await
    }

    /// Ends a request.
    ///
    /// # Errors
    /// See [`AskError`].
    pub async fn cancel(&self, player: PlayerId, ticket: String) -> Result<(), AskError> {
        self.ask(|reply| Request::Cancel { player, ticket, reply }).await
    }

    async fn ask<T>(&self, request: impl FnOnce(Reply<T>) -> Request) -> Result<T, AskError> {
        let (reply, answer) = oneshot::channel();
        self.requests.send(request(reply)).await.or(Err(AskError::Stopping))?;
        answer.await.or(Err(AskError::Stopping))?
    }
}

struct Service {
    rooms: Rooms,
    bots_fill_after: Duration,
    tickets: HashMap<Number, Ticket>,
    /// Each player's ticket; nobody has two.
    numbers: HashMap<PlayerId, Number>,
    /// Tickets by the names that clients know.
    names: HashMap<String, Number>,
    /// The longest wait first.
    queue: Vec<Waiting>,
    next_number: Number,
    ended: VecDeque<String>,
}

struct Ticket {
    player: PlayerId,
    name: String,
    waiting: Waiting,
    state: watch::Sender<MatchTicket>,
    /// Somebody asked for it then.
    seen: Instant,
}

impl Service {
    async fn run(mut self, tasks: Tasks, mut inbox: mpsc::Receiver<Request>) {
        let mut beat = interval(BEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = tasks.stopping() => return,
                request = inbox.recv() => match request {
                    Some(request) => self.answer(request, Instant::now()),
                    None => return,
                },
                _ = beat.tick(), if !self.tickets.is_empty() => self.beat(Instant::now()).await,
            }
        }
    }

    async fn beat(&mut self, now: Instant) {
        self.place(now).await;
        self.tell_progress(now);
        self.forget_unseen(now);
    }

    fn answer(&mut self, request: Request, now: Instant) {
        // Whoever asked and went away asks again.
        match request {
            Request::Join { player, rating, mode, reply } => {
                reply.send(self.join(player, rating, mode, now)).ok();
            }
            Request::Follow { player, ticket, reply } => {
                let followed = self.find(player, &ticket).map(|number| {
                    let ticket = self.tickets.get_mut(&number).expect("a found ticket is there");
                    ticket.seen = now;
                    ticket.state.subscribe()
                });
                reply.send(followed).ok();
            }
            Request::Cancel { player, ticket, reply } => {
                let cancelled = self.find(player, &ticket).map(|number| self.end(number));
                reply.send(cancelled).ok();
            }
        }
    }

    fn join(
        &mut self,
        player: PlayerId,
        rating: i32,
        mode: Mode,
        now: Instant,
    ) -> Result<Following, AskError> {
        if let Some(&number) = self.numbers.get(&player) {
            if let Some(ticket) = self.tickets.get_mut(&number)
                && ticket.waiting.mode == mode
                && is_good(ticket, &self.rooms)
            {
                ticket.seen = now;
                return Ok(ticket.state.subscribe());
            }
            self.end(number);
        }
        if self.tickets.len() >= TICKETS_MAX {
            return Err(AskError::TooMany);
        }
        let number = self.next_number;
        self.next_number += 1;
        let waiting = Waiting { number, mode, rating, since: now };
        self.queue.push(waiting.clone());
        let in_queue = self.queue.iter().filter(|other| other.mode == mode).count();
        let state = self.state_of(&waiting, in_queue, now);
        let name = random_token();
        let first = MatchTicket { ticket: name.clone(), version: 1, state };
        let (sender, following) = watch::channel(first);
        self.numbers.insert(player, number);
        self.names.insert(name.clone(), number);
        self.tickets.insert(number, Ticket { player, name, waiting, state: sender, seen: now });
        Ok(following)
    }

    fn find(&self, player: PlayerId, name: &str) -> Result<Number, AskError> {
        let found = self.names.get(name).and_then(|number| self.tickets.get(number));
        match found {
            Some(ticket) if ticket.player == player => Ok(ticket.waiting.number),
            Some(_) => Err(AskError::NotYours),
            None if self.ended.iter().any(|ended| ended == name) => Err(AskError::Ended),
            None => Err(AskError::Unknown),
        }
    }

    /// Brings together who can be.
    async fn place(&mut self, now: Instant) {
        if self.queue.is_empty() {
            return;
        }
        let offers = self.offers();
        for group in match_up(&mut self.queue, offers, self.bots_fill_after, now) {
            self.place_group(group).await;
        }
    }

    async fn place_group(&mut self, group: Group) {
        let players: Vec<_> = group
            .members
            .iter()
            .filter_map(|number| self.tickets.get(number))
            .map(|t| t.player)
            .collect();
        let room = match group.room.map(|id| self.rooms.find(id)) {
            // The seat may be gone since the offer was made: they wait on, and are looked at again.
            Some(Ok(room)) => room.reserve(players).await.ok().map(|()| room),
            Some(Err(_)) => None,
            None => match self.rooms.open_for(group.mode, players).await {
                Ok(room) => Some(room),
                Err(error) => {
                    tracing::debug!(%error, "a match found no room");
                    None
                }
            },
        };
        match room {
            Some(room) => {
                let id = room.spec().id;
                tracing::info!(room = %id, mode = group.mode.title(), people = group.members.len(), "matched");
                group.members.iter().for_each(|number| self.matched(*number, id));
            }
            None => self.put_back(&group.members),
        }
    }

    fn matched(&mut self, number: Number, room: RoomId) {
        if let Some(ticket) = self.tickets.get(&number) {
            set(&ticket.state, MatchState::Matched { room });
        }
    }

    fn put_back(&mut self, members: &[Number]) {
        let tickets = members.iter().filter_map(|number| self.tickets.get(number));
        self.queue.extend(tickets.map(|ticket| ticket.waiting.clone()));
        self.queue.sort_by_key(|waiting| waiting.number);
    }

    fn offers(&self) -> Vec<Offer> {
        let offer = |room: crate::room::RoomHandle| {
            let view = room.view();
            let (rating, people) = (view.rating?, view.details.summary.players);
            let (room, mode) = (room.spec().id, room.spec().mode);
            Some(Offer { room, mode, rating, open_seats: view.open_seats, people })
        };
        self.rooms.public().into_iter().filter_map(offer).collect()
    }

    /// Those who wait learn how long, once a second.
    fn tell_progress(&self, now: Instant) {
        let mut in_queue = BTreeMap::new();
        for waiting in &self.queue {
            *in_queue.entry(waiting.mode).or_default() += 1;
        }
        for waiting in &self.queue {
            if let Some(ticket) = self.tickets.get(&waiting.number) {
                let in_queue = in_queue.get(&waiting.mode).copied().unwrap_or_default();
                set(&ticket.state, self.state_of(waiting, in_queue, now));
            }
        }
    }

    fn state_of(&self, waiting: &Waiting, in_queue: usize, now: Instant) -> MatchState {
        let waited = now.saturating_duration_since(waiting.since);
        let bots_in = self.bots_fill_after.saturating_sub(waited);
        MatchState::Waiting {
            waited_s: u32::try_from(waited.as_secs()).unwrap_or(u32::MAX),
            window: window(waited),
            in_queue: u32::try_from(in_queue).unwrap_or(u32::MAX),
            bots_in_s: u32::try_from(bots_in.as_millis().div_ceil(1_000)).unwrap_or(u32::MAX),
        }
    }

    fn forget_unseen(&mut self, now: Instant) {
        let mut unseen = Vec::new();
        for (number, ticket) in &mut self.tickets {
            if ticket.state.receiver_count() > 0 {
                ticket.seen = now;
            } else if now >= ticket.seen + FORGOTTEN_AFTER {
                unseen.push(*number);
            }
        }
        unseen.into_iter().for_each(|number| self.end(number));
    }

    fn end(&mut self, number: Number) {
        // Numbers stand in the order of the waits.
        if let Ok(place) = self.queue.binary_search_by_key(&number, |waiting| waiting.number) {
            self.queue.remove(place);
        }
        let Some(ticket) = self.tickets.remove(&number) else { return };
        self.numbers.remove(&ticket.player);
        self.names.remove(&ticket.name);
        self.ended.push_back(ticket.name);
        if self.ended.len() > ENDED_MAX {
            self.ended.pop_front();
        }
    }
}

/// Whether a request goes on: it waits, or its player is expected in the room that was found. Another room would
/// be opened for nobody.
fn is_good(ticket: &Ticket, rooms: &Rooms) -> bool {
    match ticket.state.borrow().state {
        MatchState::Waiting { .. } => true,
        MatchState::Matched { room } => {
            rooms.find(room).is_ok_and(|room| room.view().reserved.contains(&ticket.player))
        }
    }
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
