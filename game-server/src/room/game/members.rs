//! The members of a room: the people and bots in its seats, and the spectators.

use std::time::Instant;

use shared::id::PlayerId;
use shared::sim::rng::Rng;
use shared::sim::{Mode, Slot};
use shared::tick::Tick;

use super::seats::Seats;
use crate::bots::BotPolicy;
use crate::client_address::ClientAddress;
use crate::room::connection::end::Departure;
use crate::room::connection::id::ConnectionId;
use crate::room::settings::{
    CONNECTIONS_PER_SPECTATOR_MAX, SPECTATORS_MAX, SPECTATORS_PER_ADDRESS_MAX,
};

/// Every member of a room.
pub(in crate::room) struct Members {
    pub(in crate::room) seats: Seats,
    pub(in crate::room) spectators: Vec<Spectator>,
    /// Since when there are no people.
    empty_since: Option<Instant>,
}

/// A connection of a person who watches.
#[derive(Debug, Clone, Copy)]
pub(in crate::room) struct Spectator {
    pub(in crate::room) player: PlayerId,
    pub(in crate::room) address: ClientAddress,
    pub(in crate::room) connection: ConnectionId,
    /// The world's tick at that time.
    pub(in crate::room) entered_at: Tick,
}

/// Why a player may not watch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::room) enum TooManySpectators {
    /// As many players watch as may.
    InAll,
    /// As many of one address watch as may.
    FromAddress,
}

/// What the end of connections means for the seats.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Departures {
    /// The seats to free: their players left, or did not come back in time.
    pub(super) freed: Vec<Slot>,
    /// A player was lost, and may come back.
    pub(super) has_lost: bool,
}

impl Members {
    pub(super) fn new(mode: Mode, bots: BotPolicy, choices: Rng, now: Instant) -> Self {
        let seats = Seats::new(mode, bots, choices);
        Self { seats, spectators: Vec::new(), empty_since: Some(now) }
    }

    /// Whether there are no people. A player who may come back counts as here.
    pub(super) fn is_empty(&self) -> bool {
        self.seats.people() == 0 && self.spectators.is_empty()
    }

    /// How many players watch. One with several connections counts once.
    pub(in crate::room) fn spectator_count(&self) -> usize {
        self.count_spectators(|_| true)
    }

    fn count_spectators(&self, counts: impl Fn(&Spectator) -> bool) -> usize {
        let is_first = |(place, spectator): &(usize, &Spectator)| {
            let earlier = &self.spectators[..*place];
            !earlier.iter().any(|other| other.player == spectator.player)
        };
        let firsts = self.spectators.iter().enumerate().filter(is_first);
        firsts.filter(|(_, spectator)| counts(spectator)).count()
    }

    /// Adds a spectator's connection. Returns the one whose place it takes, if the player has too many.
    ///
    /// # Errors
    /// When too many other players watch.
    pub(super) fn watch(
        &mut self,
        spectator: Spectator,
    ) -> Result<Option<ConnectionId>, TooManySpectators> {
        let of_player = |other: &Spectator| other.player == spectator.player;
        let own = self.spectators.iter().filter(|other| of_player(other)).count();
        if own == 0 {
            if self.spectator_count() >= SPECTATORS_MAX {
                return Err(TooManySpectators::InAll);
            }
            let from_address = self.count_spectators(|other| other.address == spectator.address);
            if from_address >= SPECTATORS_PER_ADDRESS_MAX {
                return Err(TooManySpectators::FromAddress);
            }
        }
        let oldest = (own >= CONNECTIONS_PER_SPECTATOR_MAX)
            .then(|| self.spectators.iter().position(of_player))
            .flatten();
        let replaced = oldest.map(|place| self.spectators.remove(place).connection);
        self.spectators.push(spectator);
        Ok(replaced)
    }

    /// Since when there are no people, as far as it was noted.
    pub(super) fn empty_since(&self) -> Option<Instant> {
        self.empty_since
    }

    /// Notes when the last person has left, or the first one has come.
    pub(super) fn note_emptiness(&mut self, now: Instant) {
        self.empty_since = self.is_empty().then(|| self.empty_since.unwrap_or(now));
    }

    /// Takes note of connections that have ended, and of players who did not come back in time.
    pub(super) fn note_departures(
        &mut self,
        ended: &[(ConnectionId, Departure)],
        now: Instant,
    ) -> Departures {
        let end_of = |connection| ended.iter().find(|(id, _)| *id == connection);
        self.spectators.retain(|spectator| end_of(spectator.connection).is_none());
        let mut departures = Departures { freed: Vec::new(), has_lost: false };
        for seat in self.seats.iter_mut() {
            let slot = seat.slot;
            let Some(person) = seat.person_mut() else { continue };
            match end_of(person.connection) {
                Some((_, Departure::Left)) => departures.freed.push(slot),
                Some((_, Departure::Lost)) => {
                    person.lose_connection(now);
                    departures.has_lost = true;
                }
                None if person.is_overdue(now) => departures.freed.push(slot),
                None => {}
            }
        }
        departures
    }
}
