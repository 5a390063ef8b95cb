//! One seat of a room, and the bot or the person in it.

use std::time::{Duration, Instant};

use shared::sim::{BotStrength, Slot};
use shared::tick::Tick;

use crate::player::Player;
use crate::room::connection::id::ConnectionId;
use crate::room::inputs::InputBuffer;

/// A player whose connection was lost keeps the seat for this long.
const SEAT_KEPT: Duration = Duration::from_secs(30);

/// A seat that is taken.
pub(in crate::room) struct Seat {
    pub(in crate::room) slot: Slot,
    pub(in crate::room) player: Player,
    /// 0 or 1 in Teams; 0 otherwise.
    pub(in crate::room) team: u8,
    pub(super) occupant: Occupant,
}

pub(super) enum Occupant {
    Bot(BotStrength),
    Person(Person),
}

/// A person in a seat.
pub(in crate::room) struct Person {
    pub(in crate::room) connection: ConnectionId,
    pub(in crate::room) inputs: Box<InputBuffer>,
    /// `None` until the player has answered whether to play another round.
    pub(in crate::room) wants_rematch: Option<bool>,
    /// At the time of sitting down.
    pub(super) rating: i32,
    /// When the person sat down. Coming back does not change it.
    seated_at: Instant,
    /// When the connection was lost, if it was.
    lost_at: Option<Instant>,
}

impl Person {
    /// A person who has just come, to a world whose next step is `next`.
    pub(super) fn new(connection: ConnectionId, rating: i32, next: Tick, now: Instant) -> Self {
        let inputs = Box::new(InputBuffer::new(next));
        Self { connection, inputs, wants_rematch: None, rating, seated_at: now, lost_at: None }
    }

    /// The person comes back with another connection. Returns the old one.
    pub(super) fn reconnect(&mut self, connection: ConnectionId, next: Tick) -> ConnectionId {
        let old = self.connection;
        *self = Self::new(connection, self.rating, next, self.seated_at);
        old
    }

    /// When the person sat down.
    pub(in crate::room) fn seated_at(&self) -> Instant {
        self.seated_at
    }

    pub(super) fn lose_connection(&mut self, now: Instant) {
        self.lost_at.get_or_insert(now);
    }

    /// Whether the connection was lost so long ago that the seat is free.
    pub(super) fn is_overdue(&self, now: Instant) -> bool {
        self.lost_at.is_some_and(|since| now >= since + SEAT_KEPT)
    }
}

impl Seat {
    pub(in crate::room) fn is_bot(&self) -> bool {
        self.bot().is_some()
    }

    /// The bot's strength. `None` for a person.
    pub(super) fn bot(&self) -> Option<BotStrength> {
        match self.occupant {
            Occupant::Bot(strength) => Some(strength),
            Occupant::Person(_) => None,
        }
    }

    pub(in crate::room) fn is_reconnecting(&self) -> bool {
        matches!(self.occupant, Occupant::Person(Person { lost_at: Some(_), .. }))
    }

    pub(in crate::room) fn person_mut(&mut self) -> Option<&mut Person> {
        match &mut self.occupant {
            Occupant::Person(person) => Some(person),
            Occupant::Bot(_) => None,
        }
    }

    pub(in crate::room) fn person(&self) -> Option<&Person> {
        match &self.occupant {
            Occupant::Person(person) => Some(person),
            Occupant::Bot(_) => None,
        }
    }
}
