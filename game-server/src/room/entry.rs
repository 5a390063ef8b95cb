//! Coming in and going: seats given, taken over, and freed.

use std::time::Instant;

use shared::api::Role;
use shared::id::PlayerId;
use shared::protocol::close;
use shared::sim::Slot;
use shared::tick::Tick;

use super::line::{Connection, Line};
use super::news::News;
use super::running::{Room, Spectator, Stage};
use super::seats::Occupant;
use super::{EnterError, Request, SPECTATORS_MAX};
use crate::player::Player;

impl Room {
    pub(super) fn answer(&mut self, request: Request, now: Instant) {
        // An asker who went away meanwhile drops the connection.
        match request {
            Request::Enter { player, role, rating, reply } => {
                let admitted = match role {
                    Role::Player => self.admit_player(player, rating, now),
                    Role::Spectator => self.admit_spectator(player.id),
                };
                self.notice_emptiness(now);
                reply.send(admitted).ok();
            }
            Request::Promise { players, reply } => {
                let kept = self.seats.promise(&players, now).or(Err(EnterError::Full));
                // Seen before it is answered: who asks next finds the promise.
                self.list(now, true);
                reply.send(kept).ok();
            }
        }
    }

    fn admit_spectator(&mut self, player: PlayerId) -> Result<Connection, EnterError> {
        if self.spectators.len() >= SPECTATORS_MAX {
            return Err(EnterError::TooManySpectators);
        }
        let (line, connection) = Line::new(self.next_tick());
        self.spectators.push(Spectator { player, line });
        Ok(connection)
    }

    fn admit_player(
        &mut self,
        player: Player,
        rating: i32,
        now: Instant,
    ) -> Result<Connection, EnterError> {
        let (new_line, connection) = Line::new(self.next_tick());
        if let Some(seat) = self.seats.of(player.id) {
            seat.player.name = player.name;
            if let Occupant::Person { line, lost, .. } = &mut seat.occupant {
                let mut old = core::mem::replace(line, new_line);
                let why = (close::REPLACED, "you opened another connection to this room");
                self.farewells.extend(old.dismiss(
                    why,
                    now,
                    News::until(self.outbox.end(), self.beats),
                ));
                *lost = None;
            }
            self.change_seats(now);
            return Ok(connection);
        }
        let id = player.id;
        let changes = self.seats.sit(player, rating, new_line, now).or(Err(EnterError::Full))?;
        if let Stage::Round(round) = &mut self.stage {
            round.note_seated(id);
            round.reseat(changes, &self.seats, &self.outbox);
        }
        self.change_seats(now);
        Ok(connection)
    }

    fn next_tick(&self) -> Tick {
        match &self.stage {
            Stage::Round(round) => round.world().tick,
            Stage::Parked | Stage::Summary(_) => Tick(0),
        }
    }

    /// Frees a person's seat. Call [`Room::change_seats`] afterwards.
    pub(super) fn unseat(&mut self, slot: Slot) {
        if let Stage::Round(round) = &mut self.stage
            && let Some(seat) = self.seats.iter().find(|seat| seat.slot == slot)
        {
            round.note_left(seat);
        }
        let freed = self.seats.free(slot);
        if let Stage::Round(round) = &mut self.stage {
            round.reseat(freed.into_iter().collect(), &self.seats, &self.outbox);
        }
    }

    /// After seats changed: bots come or go, everybody is told, and a round begins that waited for it.
    pub(super) fn change_seats(&mut self, now: Instant) {
        let is_running = matches!(self.stage, Stage::Round(_));
        let bots_play = self.spec.always || self.seats.people() > 0 || is_running;
        let changes = self.seats.settle_bots(bots_play, now);
        if let Stage::Round(round) = &mut self.stage {
            round.reseat(changes, &self.seats, &self.outbox);
        }
        self.listing.report_seats(&self.spec, &self.seats, &self.with);
        let somebody = self.spec.always || self.seats.people() > 0;
        let begins = match &self.stage {
            Stage::Parked => somebody,
            Stage::Round(round) => !round.counts() && self.can_count(),
            Stage::Summary(_) => false,
        };
        if begins {
            self.begin_round(now);
        } else {
            self.list(now, true);
        }
    }
}
