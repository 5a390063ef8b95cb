//! Which players are in which room: rooms write it, chat reads it.
//!
//! A player may sit in one room and watch others, with several connections. Each connection holds a
//! [`PresenceGuard`]; when the last one for a room drops, the player has left the room.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use shared::id::{PlayerId, RoomId};

use crate::sync::lock;

/// The table. Bounded by the connections that fill it.
#[derive(Default)]
pub struct Presence {
    visits: Mutex<HashMap<PlayerId, Vec<Visit>>>,
}

/// One connection of a player to a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Visit {
    room: RoomId,
    seat: Option<TeamSeat>,
}

/// A seat in a team.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TeamSeat {
    /// 0 or 1.
    pub team: u8,
    /// Since when the player sits there, in milliseconds since 1970.
    pub since_ms: u64,
}

/// Keeps a player in a room for as long as it lives.
pub struct PresenceGuard {
    presence: Arc<Presence>,
    player: PlayerId,
    visit: Visit,
}

impl Presence {
    /// Notes that a connection of `player` is in `room`. `seat` is the player's seat in Teams; `None` in other modes and
    /// for spectators.
    #[must_use]
    pub fn enter(
        self: &Arc<Self>,
        player: PlayerId,
        room: RoomId,
        seat: Option<TeamSeat>,
    ) -> PresenceGuard {
        let visit = Visit { room, seat };
        lock(&self.visits).entry(player).or_default().push(visit);
        PresenceGuard { presence: self.clone(), player, visit }
    }

    /// Whether the player is in the room.
    #[must_use]
    pub fn is_in(&self, player: PlayerId, room: RoomId) -> bool {
        lock(&self.visits)
            .get(&player)
            .is_some_and(|visits| visits.iter().any(|visit| visit.room == room))
    }

    /// The player's team in the room: that of the newest connection that plays.
    #[must_use]
    pub fn team_in(&self, player: PlayerId, room: RoomId) -> Option<u8> {
        self.seat_in(player, room).map(|seat| seat.team)
    }

    /// The same, with the time since when the player sits there.
    #[must_use]
    pub fn seat_in(&self, player: PlayerId, room: RoomId) -> Option<TeamSeat> {
        let visits = lock(&self.visits);
        let in_room = visits.get(&player)?.iter().rev().filter(|visit| visit.room == room);
        in_room.filter_map(|visit| visit.seat).next()
    }

    /// Every room that the player is in, with the seat in a team.
    #[must_use]
    pub fn rooms_of(&self, player: PlayerId) -> Vec<(RoomId, Option<TeamSeat>)> {
        let mut rooms: Vec<_> = lock(&self.visits)
            .get(&player)
            .map(|visits| visits.iter().map(|visit| visit.room).collect())
            .unwrap_or_default();
        rooms.sort_unstable();
        rooms.dedup();
        rooms.into_iter().map(|room| (room, self.seat_in(player, room))).collect()
    }
}

impl Drop for PresenceGuard {
    fn drop(&mut self) {
        let mut table = lock(&self.presence.visits);
        let Some(visits) = table.get_mut(&self.player) else { return };
        if let Some(place) = visits.iter().position(|visit| *visit == self.visit) {
            visits.remove(place);
        }
        if visits.is_empty() {
            table.remove(&self.player);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use shared::id::{PlayerId, RoomId};

    use super::{Presence, TeamSeat};

    #[test]
    fn a_player_visits_until_the_last_connection_ends_and_in_a_team_while_playing() {
        let presence = Arc::new(Presence::default());
        let (ada, room) = (PlayerId::from_bits(1), RoomId::from_bits(2));

        let seat = TeamSeat { team: 1, since_ms: 5 };
        let playing = presence.enter(ada, room, Some(seat));
        let watching = presence.enter(ada, room, None);
        assert_eq!(presence.rooms_of(ada), [(room, Some(seat))]);
        drop(playing);

        assert!(presence.is_in(ada, room));
        assert_eq!(presence.team_in(ada, room), None, "a spectator is in no team");
        drop(watching);
        assert!(!presence.is_in(ada, room) && presence.rooms_of(ada).is_empty());
    }
}
