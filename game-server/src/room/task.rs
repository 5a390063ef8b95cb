//! The room's task: a loop that ticks while there is something to do, and waits otherwise.
//!
//! A tick receives what clients have sent, steps the game, does what the game wants done, and flushes what is new:
//! no task, no queue and no wake-up lies between a client and its room.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use shared::api::Role;
use shared::protocol::close;
use shared::tick::TICK_DURATION;
use tokio::sync::mpsc::error::TryRecvError;
use tokio::sync::{mpsc, oneshot};
use tokio::time::sleep_until;

use super::broadcast::BroadcastLog;
use super::connection::handshake::Handshake;
use super::effects::Effects;
use super::game::Game;
use super::game::actions::Action;
use super::game::members::TooManySpectators;
use super::handle::{EnterError, Entrant, REQUESTS_MAX, Request, RoomHandle};
use super::network::Network;
use super::parts::RoomParts;
use super::readers::Readers;
use super::settings::RoomSpec;
use super::tick_timer::TickScheduler;
use crate::clock::Now;
use crate::drain::Drain;
use crate::metrics::{Counted, RoomMetrics};
use crate::socket::Closing;
use crate::tasks::Tasks;

/// How long a permanent room waits until it looks around again.
const FAR: Duration = Duration::from_secs(24 * 60 * 60);

/// The name of the task.
const TASK: &str = "room";

const RESTART: Closing = (close::RESTART, "the server restarts");
const DRAINED: Closing = (close::RESTART, "the server restarts soon: play on in another room");
const ENDED: Closing = (close::ROOM_ENDED, "the room has ended");
const DESERTED: Closing = (close::ROOM_ENDED, "nobody was there for too long");
const FAULT: Closing = (close::ROOM_FAULT, "a fault of the server ended the room");
const IDLE: Closing = (close::ROOM_ENDED, "nobody has acted there for a long time");
const REPLACED: Closing = (close::ROOM_ENDED, "its owner has opened another room");

/// Opens a room. Its task runs until the room ends or the server stops.
#[must_use]
pub fn open(spec: RoomSpec, parts: &RoomParts) -> RoomHandle {
    let (room, handle) = Room::new(spec, parts);
    parts.tasks.spawn(TASK, room.live());
    handle
}

/// A room and everything in it.
struct Room {
    spec: RoomSpec,
    tasks: Tasks,
    drain: Drain,
    scheduler: TickScheduler,
    metrics: Arc<RoomMetrics>,
    requests: mpsc::Receiver<Request>,
    game: Game,
    network: Network,
    effects: Effects,
    readers: Readers,
    /// A room in which nobody acts for this long closes.
    idle_max: Duration,
    /// The request for which the empty room closes.
    vacated: Option<oneshot::Sender<()>>,
    _counted: Counted,
}

impl Room {
    fn new(spec: RoomSpec, parts: &RoomParts) -> (Self, RoomHandle) {
        let (sender, requests) = mpsc::channel(REQUESTS_MAX);
        let log = BroadcastLog::new();
        let reader = log.reader();
        let game = Game::new(spec, &parts.settings, parts.seeds.next_room(), Now::read());
        let network = Network::new(spec, parts, &log);
        let readers = Readers::default();
        let (effects, view) = Effects::new(spec, parts, log, readers.clone());
        let room = Self {
            spec,
            tasks: parts.tasks.clone(),
            drain: parts.drain.clone(),
            scheduler: parts.scheduler.clone(),
            metrics: parts.metrics.clone(),
            requests,
            game,
            network,
            effects,
            readers: readers.clone(),
            idle_max: parts.settings.idle_max,
            vacated: None,
            _counted: parts.metrics.open.enter(),
        };
        (room, RoomHandle::new(spec, sender, view, reader, readers))
    }

    /// Runs to the end. A panic ends this room alone: its players and spectators are told, a running round has no result,
    /// and its recording plays up to there.
    async fn live(mut self) {
        match AssertUnwindSafe(self.run()).catch_unwind().await {
            Ok(closing) => self.close(closing).await,
            Err(panic) => {
                self.tasks.note_panic(TASK, &*panic);
                self.break_off().await;
            }
        }
    }

    /// Returns why the room closes.
    async fn run(&mut self) -> Closing {
        tracing::info!(room = %self.spec.id, mode = self.spec.mode.title(), private = self.spec.private, "room opened");
        let phase = self.scheduler.next_phase();
        let mut timer = None;
        self.start(Now::read());

        loop {
            let closing = if self.is_idle() {
                timer = None;
                self.wait().await
            } else {
                let timer = timer.get_or_insert_with(|| self.scheduler.timer(phase));
                let due = timer.tick().await;
                self.tick_and_answer(due)
            };
            if let Some(closing) = closing {
                break closing;
            }
        }
    }

    fn start(&mut self, now: Now) {
        let actions = self.game.start(now);
        self.perform(actions, now);
    }

    /// Whether nothing happens, so that the room needs no ticks.
    fn is_idle(&self) -> bool {
        self.game.is_idle() && self.network.is_empty()
    }

    /// Waits for a request. Returns why the room closes, if it does.
    async fn wait(&mut self) -> Option<Closing> {
        let now = Instant::now();
        let wakes_at = self.deserted_at(now).into_iter().chain(self.idle_at(now));
        let wakes_at = wakes_at.chain(self.readers.next_change(now)).min();
        let wakes_at = wakes_at.unwrap_or(now + FAR);
        tokio::select! {
            () = self.tasks.stopping() => Some(RESTART),
            () = self.drain.draining() => Some(DRAINED),
            request = self.requests.recv() => match request {
                Some(request) => {
                    self.answer(request, Now::read());
                    self.vacated.is_some().then_some(REPLACED)
                }
                None => Some(ENDED),
            },
            // Nothing ticks here that would show who watches.
            () = self.readers.changed() => self.look_around(Now::read()),
            () = sleep_until(wakes_at.into()) => self.look_around(Now::read()),
        }
    }

    /// Shows who watches a room in which nothing ticks. Returns why the room closes, if it does.
    fn look_around(&mut self, now: Now) -> Option<Closing> {
        let closing = self.closing_at(now.at);
        if closing.is_none() {
            self.effects.publish(&self.game, now);
        }
        closing
    }

    /// When the room closes because nobody acts. A reader of its stream keeps it as well.
    fn idle_at(&self, now: Instant) -> Option<Instant> {
        let acted_at = self.game.acted_at()?;
        let read_at = self.readers.are_there(now).then_some(now).or(self.readers.last_seen());
        Some(read_at.map_or(acted_at, |at| acted_at.max(at)) + self.idle_max)
    }

    /// When the room closes because nobody is there, unless somebody comes. While its stream is read, it does not.
    fn deserted_at(&self, now: Instant) -> Option<Instant> {
        let deserted_at = self.game.closes_at()?;
        if self.readers.are_there(now) {
            return Some(now + self.spec.empty_max);
        }
        let last_seen = self.readers.last_seen();
        Some(last_seen.map_or(deserted_at, |at| deserted_at.max(at + self.spec.empty_max)))
    }

    /// A tick, and the answers to all requests since the last one: while the room plays, only its timer wakes it.
    /// Returns why the room closes, if it does.
    fn tick_and_answer(&mut self, due: Instant) -> Option<Closing> {
        let now = Now::read();
        self.metrics.tick_late.record(now.at.saturating_duration_since(due));
        self.tick(now);
        self.metrics.tick.record(now.at.elapsed());
        // At most one queue full of requests: those that arrive meanwhile are answered in the next tick.
        for _ in 0..self.requests.max_capacity() {
            match self.requests.try_recv() {
                Ok(request) => self.answer(request, now),
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => return Some(ENDED),
            }
        }
        if self.tasks.is_stopping() {
            return Some(RESTART);
        }
        if self.drain.is_draining() && self.game.has_finished() {
            return Some(DRAINED);
        }
        if self.vacated.is_some() { Some(REPLACED) } else { self.closing_at(now.at) }
    }

    /// Why the room closes now, if it does.
    fn closing_at(&self, now: Instant) -> Option<Closing> {
        let is_deserted = self.deserted_at(now).is_some_and(|at| now >= at);
        let is_idle = self.idle_at(now).is_some_and(|at| now >= at);
        if is_deserted { Some(DESERTED) } else { is_idle.then_some(IDLE) }
    }

    fn tick(&mut self, now: Now) {
        self.tasks.panic_if_wanted(TASK);
        if self.drain.is_draining() {
            self.game.begin_no_more();
        }
        let has_answers = self.network.receive(&mut self.game, &self.effects.log, now.at);
        self.network.close_ended_sessions(&self.effects.log, now.at);
        let actions = self.game.note_departures(&self.network.take_ended(), now);
        self.perform(actions, now);
        let actions = self.effects.poll_settlement(&mut self.game, now);
        self.perform(actions, now);
        let actions = self.game.step(now);
        self.perform(actions, now);
        if self.game.is_round_over() {
            // The last snapshot of a crowd is not in the log.
            self.network.flush(&mut self.game, &self.effects.log, now.at);
            let actions = self.game.end_round(now);
            self.perform(actions, now);
        }
        self.effects.publish_if_due(&self.game, now);
        self.network.flush_if_due(&mut self.game, &self.effects.log, has_answers, now.at);
    }

    fn perform(&mut self, actions: Vec<Action>, now: Now) {
        self.effects.perform(actions, &self.game, &mut self.network, now);
    }

    fn answer(&mut self, request: Request, now: Now) {
        // A caller that went away meanwhile drops its handshake.
        match request {
            Request::Enter { entrant, role, reply } => {
                let entered = match role {
                    Role::Player => self.enter(entrant, now),
                    Role::Spectator => self.watch(entrant, now),
                };
                reply.send(entered).ok();
            }
            Request::Rename { player } => {
                let actions = self.game.rename(&player, now);
                self.perform(actions, now);
            }
            Request::CloseIfEmpty { reply } => {
                if self.game.is_vacant(now.at) && !self.readers.are_there(now.at) {
                    self.vacated = Some(reply);
                }
            }
            Request::Reserve { reply, .. } if self.drain.is_draining() => {
                reply.send(Err(EnterError::Ended)).ok();
            }
            Request::Reserve { players, reply } => {
                let reserved = self.game.reserve(&players, now).or(Err(EnterError::Full));
                // Published before it is answered: the caller's next look finds the reservation.
                self.effects.publish(&self.game, now);
                reply.send(reserved).ok();
            }
        }
    }

    fn enter(&mut self, entrant: Entrant, now: Now) -> Result<Handshake, EnterError> {
        let Entrant { player, rating, session, .. } = entrant;
        let (connection, handshake) = self.network.open(session);
        match self.game.enter(player, rating, connection, now) {
            Ok(actions) => {
                self.perform(actions, now);
                Ok(handshake)
            }
            Err(_full) => {
                self.network.discard(connection);
                Err(EnterError::Full)
            }
        }
    }

    fn watch(&mut self, entrant: Entrant, now: Now) -> Result<Handshake, EnterError> {
        let Entrant { player, session, address, .. } = entrant;
        let (connection, handshake) = self.network.open(session);
        match self.game.watch(player.id, address, connection, now) {
            Ok(actions) => {
                self.perform(actions, now);
                Ok(handshake)
            }
            Err(why) => {
                self.network.discard(connection);
                Err(match why {
                    TooManySpectators::InAll => EnterError::TooManySpectators,
                    TooManySpectators::FromAddress => EnterError::TooManySpectatorsFromAddress,
                })
            }
        }
    }

    /// Ends everything: the recording ends, and connections close.
    async fn close(mut self, closing: Closing) {
        let now = Now::read();
        if closing != RESTART {
            // All players left a round that still ran: it counts as it stands.
            let actions = self.game.end_round(now);
            self.perform(actions, now);
        }
        // From here on the room has ended, as others see it. It is not listed again, because that would be after its end.
        self.requests.close();
        if let Some(vacated) = self.vacated.take() {
            vacated.send(()).ok();
        }
        self.network.close_all(closing, &self.effects.log, now.at);
        let actions = self.game.cut_off();
        self.perform(actions, now);
        // The recorder settles the result of the last round, which nobody is here to be told.
        self.await_closing().await;
        tracing::info!(room = %self.spec.id, rounds = self.game.rounds(), why = closing.1, "room closed");
    }

    /// Ends the room after a panic: closes all connections, and touches nothing that may be half changed. Dropping the
    /// rest reports what a room reports that has gone.
    async fn break_off(mut self) {
        self.requests.close();
        self.network.close_all(FAULT, &self.effects.log, Instant::now());
        self.await_closing().await;
        tracing::error!(room = %self.spec.id, why = FAULT.1, "room closed");
    }

    /// Waits until all connections are gone. Each closing handshake ends after a bounded time.
    async fn await_closing(&mut self) {
        while !self.network.is_empty() {
            tokio::time::sleep(TICK_DURATION).await;
            self.network.advance_closing(Instant::now());
        }
    }
}

#[cfg(test)]
mod tests;
