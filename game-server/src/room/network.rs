//! The network of a room: every connection is received from at the start of a tick and flushed at its end.

use std::sync::Arc;
use std::time::{Duration, Instant};

use shared::protocol::ServerMessage;
use shared::tick::{SNAPSHOT_EVERY_TICKS, TICK_RATE_HZ};

use super::broadcast::{BroadcastLog, LogCursor, SharedBatch};
use super::connection::end::Departure;
use super::connection::handshake::Handshake;
use super::connection::id::ConnectionId;
use super::connection::messages::Sender;
use super::connection::open::{OpenConnection, Opening};
use super::connection::socket::{READ_BYTES, Socket};
use super::connection::statistics::{Owner, Statistics};
use super::connection::update::Update;
use super::connections::Connections;
use super::game::Game;
use super::interest::InterestSet;
use super::parts::RoomParts;
use super::settings::RoomSpec;
use crate::clock::now_ms;
use crate::metrics::RoomMetrics;
use crate::presence::{Presence, TeamSeat};
use crate::sessions::life::SessionLife;
use crate::socket::{Closing, SESSION_ENDED};

/// How often a room looks for connections whose sessions have ended.
const SESSIONS_EVERY_TICKS: u32 = TICK_RATE_HZ / 2;

/// Every connection of a room, and how far they have been sent its stream.
pub(super) struct Network {
    connections: Connections,
    opener: Opener,
    /// The most bytes of a snapshot for one player of a crowd.
    crowd_bytes_max: usize,
    /// The log as all connections read it that are up to date.
    batch: SharedBatch,
    /// Ticks in which the sockets were read. Wraps.
    ticks: u32,
    /// The last flush of all connections: its tick, and where the log ended.
    flushed: (u32, u64),
}

/// Opens connections whose sockets have arrived.
struct Opener {
    spec: RoomSpec,
    ping_period: Duration,
    presence: Arc<Presence>,
    metrics: Arc<RoomMetrics>,
    /// The room's name in `/metrics`.
    label: Arc<str>,
}

impl Opener {
    fn open(
        &self,
        socket: Socket,
        owner: Owner,
        seat: Option<(u8, Instant)>,
        log: &BroadcastLog,
        now: Instant,
    ) -> OpenConnection {
        let Self { metrics, presence, .. } = self;
        let RoomSpec { mode, private, .. } = self.spec;
        let Owner { room, player, slot } = owner;
        tracing::debug!(%room, %player, seated = slot.is_some(), "connected");
        let seat = seat.map(|(team, since)| {
            let ago = now.saturating_duration_since(since).as_millis();
            let since_ms = now_ms().saturating_sub(ago.try_into().unwrap_or(u64::MAX));
            TeamSeat { team, since_ms }
        });
        let entry = slot.map(|slot| metrics.players.enter(Arc::clone(&self.label), slot));
        let interest = slot.filter(|_| mode.is_crowd()).map(InterestSet::new);
        let cursor = match interest {
            Some(_) => LogCursor::for_crowd(log.reader()),
            None => LogCursor::new(log.reader()),
        };
        let opening = Opening {
            welcome: ServerMessage::Welcome { room, mode, seat: slot, private },
            statistics: Statistics::new(owner, entry, metrics.clone(), now),
            cursor,
            interest,
            ping_period: self.ping_period,
            held: (metrics.sockets.enter(), presence.enter(player, room, seat)),
        };
        OpenConnection::new(socket, opening, now)
    }
}

impl Network {
    pub(super) fn new(spec: RoomSpec, parts: &RoomParts, log: &BroadcastLog) -> Self {
        let opener = Opener {
            spec,
            ping_period: parts.settings.ping_period,
            presence: parts.presence.clone(),
            metrics: parts.metrics.clone(),
            label: parts.metrics.players.room_label(spec.id, spec.private),
        };
        Self {
            connections: Connections::default(),
            opener,
            crowd_bytes_max: parts.settings.crowd_snapshot_bytes_max,
            batch: SharedBatch::new(log.reader()),
            ticks: 0,
            flushed: (0, 0),
        }
    }

    /// Adds a connection whose handshake goes on.
    pub(super) fn open(&mut self, session: SessionLife) -> (ConnectionId, Handshake) {
        self.connections.open(session)
    }

    /// Removes a connection whose handshake goes on, when the player was not let in.
    pub(super) fn discard(&mut self, id: ConnectionId) {
        self.connections.remove(id);
    }

    /// Whether all connections are gone.
    pub(super) fn is_empty(&self) -> bool {
        self.connections.is_empty()
    }

    /// The connections that ended since the last call.
    pub(super) fn take_ended(&mut self) -> Vec<(ConnectionId, Departure)> {
        self.connections.take_ended()
    }

    /// A new world begins: the players of a crowd are sent all of it.
    pub(super) fn restart_interest(&mut self) {
        self.connections.iter_mut().for_each(|connection| connection.restart_interest());
    }

    /// Takes the sockets that have arrived, and receives what clients have sent. Returns whether a client waits for an
    /// answer.
    pub(super) fn receive(&mut self, game: &mut Game, log: &BroadcastLog, now: Instant) -> bool {
        self.ticks = self.ticks.wrapping_add(1);
        self.schedule_reads(game);
        let (room, has_teams) = (self.opener.spec.id, self.opener.spec.mode.has_teams());
        let mut has_answers = false;
        let scratch = &mut [0; READ_BYTES];
        let Self { connections, opener, .. } = self;
        let mut receive = |id, owner, team, sender| {
            let Some(connection) = connections.get_mut(id) else { return };
            let open = |socket| opener.open(socket, owner, team, log, now);
            let departure = connection.receive(now, scratch, sender, open);
            has_answers |= connection.has_answers();
            departure.into_iter().for_each(|departure| connections.note_end(id, departure));
        };
        let members = game.members();
        for seat in members.seats.iter_mut() {
            let owner = Owner { room, player: seat.player.id, slot: Some(seat.slot) };
            let team = seat.team;
            let Some(person) = seat.person_mut() else { continue };
            let team = has_teams.then(|| (team, person.seated_at()));
            let (inputs, wants_rematch) = (&mut *person.inputs, &mut person.wants_rematch);
            let sender = Sender::Player { inputs, wants_rematch };
            receive(person.connection, owner, team, sender);
        }
        for spectator in &members.spectators {
            let owner = Owner { room, player: spectator.player, slot: None };
            let sender = Sender::Spectator { entered_at: spectator.entered_at };
            receive(spectator.connection, owner, None, sender);
        }
        self.connections.advance_closing(now, scratch);
        has_answers
    }

    /// Decides which sockets this tick reads. This looks at every connection before the first is read: so the processor
    /// fetches at the same time what its cache has lost of each.
    fn schedule_reads(&mut self, game: &mut Game) {
        let audience = game.audience();
        let members = game.members();
        for seat in members.seats.iter_mut() {
            let is_in_audience = audience.includes(Some(seat.slot));
            let Some(person) = seat.person_mut() else { continue };
            person.inputs.prefetch();
            if let Some(connection) = self.connections.get_mut(person.connection) {
                connection.schedule_read(is_in_audience, Some(&person.inputs));
            }
        }
        for spectator in &members.spectators {
            if let Some(connection) = self.connections.get_mut(spectator.connection) {
                connection.schedule_read(audience.includes(None), None);
            }
        }
    }

    /// Flushes all connections if there is something new: mostly in every second tick. Without news it happens as often,
    /// for the pings and the timing messages.
    pub(super) fn flush_if_due(
        &mut self,
        game: &mut Game,
        log: &BroadcastLog,
        has_answers: bool,
        now: Instant,
    ) {
        let (tick, end) = self.flushed;
        let is_new = end != log.end() || self.opener.spec.mode.is_crowd();
        if is_new || has_answers || self.ticks.wrapping_sub(tick) >= SNAPSHOT_EVERY_TICKS {
            self.flush(game, log, now);
        }
    }

    /// Sends everything new to all connections.
    pub(super) fn flush(&mut self, game: &mut Game, log: &BroadcastLog, now: Instant) {
        let log_end = log.end();
        self.flushed = (self.ticks, log_end);
        let (members, crowd) = game.members_and_snapshot(self.crowd_bytes_max);
        let update = Update { log_end, batch: self.batch.take(), tick: self.ticks, crowd };
        let connections = &mut self.connections;
        // All of them before the first is written to, for the same reason as in `schedule_reads`.
        for seat in members.seats.iter_mut() {
            let Some(person) = seat.person_mut() else { continue };
            let (id, inputs) = (person.connection, Some(&mut *person.inputs));
            let departure = connections.get_mut(id).and_then(|c| c.gather(now, update, inputs));
            departure.into_iter().for_each(|departure| connections.note_end(id, departure));
        }
        for id in members.spectators.iter().map(|spectator| spectator.connection) {
            let departure = connections.get_mut(id).and_then(|c| c.gather(now, update, None));
            departure.into_iter().for_each(|departure| connections.note_end(id, departure));
        }
        let players = members.seats.iter().filter_map(|seat| Some(seat.person()?.connection));
        let spectators = members.spectators.iter().map(|spectator| spectator.connection);
        for id in players.chain(spectators) {
            let departure = connections.get_mut(id).and_then(|c| c.flush(now, update));
            departure.into_iter().for_each(|departure| connections.note_end(id, departure));
        }
    }

    /// Closes a connection, after everything new in the log was sent.
    pub(super) fn close(
        &mut self,
        id: ConnectionId,
        closing: Closing,
        log: &BroadcastLog,
        now: Instant,
    ) {
        self.connections.close(id, closing, now, Update::of_log(log.end(), self.ticks));
    }

    /// Closes the connections whose sessions have ended, and frees their seats. Looks for them twice a second.
    pub(super) fn close_ended_sessions(&mut self, log: &BroadcastLog, now: Instant) {
        if !self.ticks.is_multiple_of(SESSIONS_EVERY_TICKS) {
            return;
        }
        for id in self.connections.of_ended_sessions() {
            self.close(id, SESSION_ENDED, log, now);
            self.connections.note_departure(id, Departure::Left);
        }
    }

    /// Closes all connections.
    pub(super) fn close_all(&mut self, closing: Closing, log: &BroadcastLog, now: Instant) {
        for id in self.connections.ids() {
            self.close(id, closing, log, now);
        }
    }

    /// Takes a step of each closing handshake.
    pub(super) fn advance_closing(&mut self, now: Instant) {
        self.connections.advance_closing(now, &mut [0; READ_BYTES]);
    }
}
