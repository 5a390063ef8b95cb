//! The game of a room: seats, rounds and results, and nothing else.
//!
//! Every method is synchronous and returns the [`Action`]s that follow. The room does them: nothing here knows a
//! socket, a task, a file or the ladder's state. The time and all randomness are given to it, too: the same calls lead
//! to the same actions.
//!
//! ```text
//! parked ──a player comes──▶ round ──time is up──▶ summary ──▶ round …
//!    ▲                   (warm-up while alone)        │
//!    └──────────────────── no player is left ◀────────┘
//! ```
//!
//! **Invariant:** the world changes only in [`Game::step`].

pub(super) mod actions;
pub(super) mod members;
pub(super) mod round;
pub(super) mod seat;
pub(super) mod seats;
pub(super) mod summary;

mod activity;
mod commands;
mod scoring;
mod standings;

#[cfg(test)]
mod tests;

use std::time::{Duration, Instant};

use shared::id::PlayerId;
use shared::protocol::close;
use shared::sim::rng::Rng;
use shared::sim::{Command, Slot};
use shared::tick::Tick;

use super::connection::end::Departure;
use super::connection::id::ConnectionId;
use super::interest::{Audience, CrowdSnapshot};
use super::seeds::RoomSeeds;
use super::settings::{RoomSettings, RoomSpec};
use crate::client_address::ClientAddress;
use crate::clock::Now;
use crate::player::Player;
use crate::rating::RoundResult;
use crate::recordings::{Ending, Finished};
use crate::storage::SettledPlace;
use actions::Action;
use members::{Members, Spectator, TooManySpectators};
use round::{Plan, Round};
use seat::Person;
use seats::{Full, Seats};
use summary::Summary;

/// The state of the game.
pub(super) struct Game {
    spec: RoomSpec,
    round_ticks: u32,
    summary_time: Duration,
    members: Members,
    /// When a person last came or gave an input that changed anything.
    acted_at: Instant,
    stage: Stage,
    worlds: Rng,
    replays: Rng,
    /// How many rounds that count have begun.
    rounds: u32,
    /// No round begins any more.
    begins_no_more: bool,
    /// What the current call wants done.
    actions: Vec<Action>,
}

/// What happens in the room.
pub(super) enum Stage {
    /// No world runs, because there are no players.
    Parked,
    /// A world runs.
    Round(Box<Round>),
    /// A result is shown.
    Summary(Box<Summary>),
}

impl Game {
    pub(super) fn new(spec: RoomSpec, settings: &RoomSettings, seeds: RoomSeeds, now: Now) -> Self {
        Self {
            spec,
            round_ticks: settings.round_ticks,
            summary_time: settings.summary_time,
            members: Members::new(spec.mode, spec.bots, seeds.bots, now.at),
            acted_at: now.at,
            stage: Stage::Parked,
            worlds: seeds.worlds,
            replays: seeds.replays,
            rounds: 0,
            begins_no_more: false,
            actions: Vec::new(),
        }
    }

    pub(super) fn seats(&self) -> &Seats {
        &self.members.seats
    }

    /// The connections of those who watch.
    pub(super) fn spectators(&self) -> &[Spectator] {
        &self.members.spectators
    }

    pub(super) fn stage(&self) -> &Stage {
        &self.stage
    }

    /// How many rounds that count have begun.
    pub(super) fn rounds(&self) -> u32 {
        self.rounds
    }

    /// The running round.
    pub(super) fn round(&self) -> Option<&Round> {
        match &self.stage {
            Stage::Round(round) => Some(round),
            Stage::Parked | Stage::Summary(_) => None,
        }
    }

    /// Whether nothing happens and there are no people.
    pub(super) fn is_idle(&self) -> bool {
        matches!(self.stage, Stage::Parked) && self.members.is_empty()
    }

    /// When the room closes because it was empty for too long. `None` while there are people.
    pub(super) fn closes_at(&self) -> Option<Instant> {
        let since = self.members.empty_since().filter(|_| !self.spec.permanent)?;
        Some(since + self.spec.empty_max)
    }

    /// When a person last came or gave an input that changed anything. `None` in a permanent room.
    pub(super) fn acted_at(&self) -> Option<Instant> {
        (!self.spec.permanent).then_some(self.acted_at)
    }

    /// Whether nobody is there, and nobody is expected.
    pub(super) fn is_vacant(&self, now: Instant) -> bool {
        self.members.is_empty() && self.members.seats.reserved(now).is_empty()
    }

    /// No round begins any more: the one that runs is the last.
    pub(super) fn begin_no_more(&mut self) {
        self.begins_no_more = true;
    }

    /// Whether nobody misses anything when the room closes: no round that counts runs with people in the room, and no result
    /// is shown to them.
    pub(super) fn has_finished(&self) -> bool {
        match &self.stage {
            Stage::Parked => true,
            Stage::Round(round) => !round.counts() || self.members.is_empty(),
            Stage::Summary(_) => self.members.is_empty(),
        }
    }

    /// The connections that get a snapshot after the next step.
    pub(super) fn audience(&self) -> Audience {
        self.round().map_or(Audience::All, Round::audience)
    }

    /// The members, whose messages change the game.
    pub(super) fn members(&mut self) -> &mut Members {
        &mut self.members
    }

    /// The same, with the snapshot of the last step in a crowd.
    pub(super) fn members_and_snapshot(
        &mut self,
        crowd_bytes_max: usize,
    ) -> (&mut Members, Option<CrowdSnapshot<'_>>) {
        let snapshot = match &self.stage {
            Stage::Round(round) => round.crowd_snapshot(crowd_bytes_max),
            Stage::Parked | Stage::Summary(_) => None,
        };
        (&mut self.members, snapshot)
    }

    /// The room has opened.
    pub(super) fn start(&mut self, now: Now) -> Vec<Action> {
        self.seats_changed(now);
        self.take_actions()
    }

    /// A person comes to play. A player who has a seat gets it back, and the older connection is closed.
    ///
    /// # Errors
    /// When no seat is free.
    pub(super) fn enter(
        &mut self,
        player: Player,
        rating: i32,
        connection: ConnectionId,
        now: Now,
    ) -> Result<Vec<Action>, Full> {
        let (id, next) = (player.id, self.next_tick());
        if let Some(seat) = self.members.seats.of(id) {
            seat.player.name = player.name;
            let old = seat.person_mut().map(|person| person.reconnect(connection, next));
            let why = (close::REPLACED, "you opened another connection to this room");
            self.actions.extend(old.map(|old| Action::Close(old, why)));
        } else {
            let person = Person::new(connection, rating, next, now.at);
            let changes = self.members.seats.sit(player, person, now.at)?;
            if let Stage::Round(round) = &mut self.stage {
                round.note_seated(id);
                round.reseat(changes, &self.members.seats, &mut self.actions);
            }
        }
        self.acted_at = now.at;
        self.seats_changed(now);
        self.members.note_emptiness(now.at);
        Ok(self.take_actions())
    }

    /// A seated person has another name: the roster is sent at once, and the room's view shows it.
    pub(super) fn rename(&mut self, player: &Player, now: Now) -> Vec<Action> {
        if let Some(seat) = self.members.seats.of(player.id) {
            seat.player.name.clone_from(&player.name);
            self.seats_changed(now);
        }
        self.take_actions()
    }

    /// A person comes to watch. With too many connections of one player, the oldest is closed.
    ///
    /// # Errors
    /// When too many others watch.
    pub(super) fn watch(
        &mut self,
        player: PlayerId,
        address: ClientAddress,
        connection: ConnectionId,
        now: Now,
    ) -> Result<Vec<Action>, TooManySpectators> {
        let entered_at = self.next_tick();
        let spectator = Spectator { player, address, connection, entered_at };
        let replaced = self.members.watch(spectator)?;
        let why = (close::REPLACED, "you opened more connections to this room than one may have");
        self.actions.extend(replaced.map(|old| Action::Close(old, why)));
        self.acted_at = now.at;
        self.members.note_emptiness(now.at);
        Ok(self.take_actions())
    }

    /// Reserves seats for half a minute.
    ///
    /// # Errors
    /// When there are not enough.
    pub(super) fn reserve(&mut self, players: &[PlayerId], now: Now) -> Result<(), Full> {
        self.members.seats.reserve(players, now.at)
    }

    /// Takes note of connections that have ended, and frees the seats whose players did not come back in time.
    pub(super) fn note_departures(
        &mut self,
        ended: &[(ConnectionId, Departure)],
        now: Now,
    ) -> Vec<Action> {
        let departures = self.members.note_departures(ended, now.at);
        for slot in &departures.freed {
            self.free_seat(*slot);
        }
        if departures.has_lost || !departures.freed.is_empty() {
            self.seats_changed(now);
        }
        self.members.note_emptiness(now.at);
        self.take_actions()
    }

    /// One tick. When the round is over after it, [`Game::end_round`] follows.
    pub(super) fn step(&mut self, now: Now) -> Vec<Action> {
        match &mut self.stage {
            Stage::Parked => {}
            Stage::Round(round) => {
                let inputs = commands::collect(round.world(), &mut self.members.seats);
                if inputs.is_a_person_s {
                    self.acted_at = now.at;
                }
                let events = round.step(inputs.commands, inputs.relayed, &mut self.actions);
                if let Some(replay) = round.replay().filter(|_| round.is_rated()) {
                    let scores =
                        scoring::scores(self.spec.id, replay, &events, &self.members.seats);
                    self.actions.extend(scores.into_iter().map(Action::Score));
                }
                if !events.is_empty() {
                    self.actions.push(Action::Events { tick: round.world().tick, events });
                }
            }
            Stage::Summary(summary) => {
                let is_done = summary.is_done(now.at, self.members.seats.all_want_rematch());
                if is_done {
                    self.next_round(now);
                }
            }
        }
        self.take_actions()
    }

    /// Whether the time of the running round is up.
    pub(super) fn is_round_over(&self) -> bool {
        self.round().is_some_and(|round| round.world().is_over())
    }

    /// Ends the running round, if one runs. A round that counts is settled; a warm-up is followed by the next round.
    pub(super) fn end_round(&mut self, now: Now) -> Vec<Action> {
        match core::mem::replace(&mut self.stage, Stage::Parked) {
            Stage::Round(round) if round.counts() => self.settle_round(*round, now),
            Stage::Round(_) => self.begin_round(now),
            // A summary may still wait for its result.
            other @ (Stage::Parked | Stage::Summary(_)) => self.stage = other,
        }
        self.take_actions()
    }

    /// The store has settled the result of the last round. `None`: it takes too long, and the players are told the result
    /// without ratings.
    pub(super) fn settled(&mut self, places: Option<&[SettledPlace]>, now: Now) -> Vec<Action> {
        if let Stage::Summary(summary) = &mut self.stage {
            self.actions.extend(summary.tell(places, now.at).map(Action::Message));
        }
        self.take_actions()
    }

    /// The server stops during a round: its recording ends here.
    pub(super) fn cut_off(&mut self) -> Vec<Action> {
        if let Stage::Round(round) = &self.stage {
            let standings = round.standings(&self.members.seats);
            let players = standings::replay_players(&standings, self.spec.mode.has_teams());
            self.actions.push(Action::EndRecording(Ending::CutOff { players }));
            self.stage = Stage::Parked;
        }
        self.take_actions()
    }

    fn settle_round(&mut self, mut round: Round, now: Now) {
        round.finish(&mut self.actions);
        let result = RoundResult {
            room: self.spec.id,
            mode: self.spec.mode,
            is_rated: round.is_rated(),
            team_points: round.team_points(),
            standings: round.standings(&self.members.seats),
        };
        if let Some(replay) = round.replay() {
            let world = round.into_world();
            let summary = Summary::new(result.clone(), replay, self.summary_time, now.at);
            self.stage = Stage::Summary(Box::new(summary));
            let players = standings::replay_players(&result.standings, result.mode.has_teams());
            let finished = Finished { world, players, result, ended_at_ms: now.unix_ms };
            self.actions.push(Action::Settle(Box::new(finished)));
        }
        self.actions.push(Action::Publish);
    }

    fn next_round(&mut self, now: Now) {
        let declined: Vec<_> = self
            .members
            .seats
            .iter()
            .filter_map(|seat| Some((seat.slot, seat.person()?)))
            .filter(|(_, person)| person.wants_rematch == Some(false))
            .map(|(slot, person)| (slot, person.connection))
            .collect();
        for (slot, connection) in declined {
            let why = (close::NORMAL, "you did not want another round");
            self.actions.push(Action::Close(connection, why));
            self.free_seat(slot);
        }
        self.stage = Stage::Parked;
        self.members.note_emptiness(now.at);
        self.seats_changed(now);
    }

    /// Begins a round if there are people, or if bots play without them.
    fn begin_round(&mut self, now: Now) {
        let is_left = self.members.seats.people() == 0 && !self.spec.permanent;
        if is_left || self.begins_no_more {
            self.stage = Stage::Parked;
            self.actions.push(Action::SeatsChanged);
            self.actions.push(Action::Publish);
            return;
        }
        self.members.seats.settle_bots(true, now.at);
        let counts = self.can_count();
        self.rounds += u32::from(counts);
        let (round, start) = Round::begin(&Plan {
            room: self.spec.id,
            private: self.spec.private,
            is_rated: self.spec.is_rated(),
            mode: self.spec.mode,
            seed: self.worlds.next_u64(),
            started_at_ms: now.unix_ms,
            replay: self.replays.next_u64(),
            round_ticks: self.round_ticks,
            counts,
            seats: &self.members.seats,
        });
        self.members.seats.restart(round.world().tick);
        self.stage = Stage::Round(Box::new(round));
        self.actions.push(Action::BeginRound(Box::new(start)));
        self.actions.push(Action::SeatsChanged);
    }

    /// After seats changed: bots come or leave, and a round begins that waited for players.
    fn seats_changed(&mut self, now: Now) {
        let is_running = matches!(self.stage, Stage::Round(_));
        let has_players = self.spec.permanent || self.members.seats.people() > 0;
        let changes = self.members.seats.settle_bots(has_players || is_running, now.at);
        self.reseat(changes);
        let begins = match &self.stage {
            Stage::Parked => has_players,
            Stage::Round(round) => !round.counts() && self.can_count(),
            Stage::Summary(_) => false,
        };
        if begins {
            self.begin_round(now);
        } else {
            self.actions.push(Action::SeatsChanged);
        }
    }

    /// Frees a person's seat. [`Game::seats_changed`] has to follow.
    fn free_seat(&mut self, slot: Slot) {
        if let Stage::Round(round) = &mut self.stage
            && let Some(seat) = self.members.seats.iter().find(|seat| seat.slot == slot)
        {
            round.note_left(seat);
        }
        let freed = self.members.seats.free(slot);
        self.reseat(freed.into_iter().collect());
    }

    fn reseat(&mut self, changes: Vec<Command>) {
        if let Stage::Round(round) = &mut self.stage {
            round.reseat(changes, &self.members.seats, &mut self.actions);
        }
    }

    /// A player alone warms up, and two make a round. Practice is for one player.
    fn can_count(&self) -> bool {
        let alone_is_enough = !self.spec.mode.is_rated();
        self.members.seats.len() >= 2 || (alone_is_enough && self.members.seats.len() == 1)
    }

    /// The tick of the world's next step.
    fn next_tick(&self) -> Tick {
        self.round().map_or(Tick(0), |round| round.world().tick)
    }

    fn take_actions(&mut self) -> Vec<Action> {
        core::mem::take(&mut self.actions)
    }
}
