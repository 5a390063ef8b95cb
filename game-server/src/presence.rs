//! Who is in which room: rooms write it, chat reads it.
//!
//! A person may sit in one room and watch others, with several connections. Each connection holds a
//! [`Present`]; when the last one for a room drops, the person is no longer there.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use shared::id::{PlayerId, RoomId};

use crate::sync::lock;

/// The table. Bounded by the connections that fill it.
#[derive(Default)]
pub struct Presence {
    stays: Mutex<HashMap<PlayerId, Vec<Stay>>>,
}

/// One connection of a person to a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stay {
    room: RoomId,
    team: Option<u8>,
}

/// Keeps a person in a room while it lives.
pub struct Present {
    presence: Arc<Presence>,
    player: PlayerId,
    stay: Stay,
}

impl Presence {
    /// Notes that a connection of `player` is in `room`. `team` (0 or 1) is for those who play in Teams, for as
    /// long as they do; a spectator gives none.
    #[must_use]
    pub fn enter(self: &Arc<Self>, player: PlayerId, room: RoomId, team: Option<u8>) -> Present {
        let stay = Stay { room, team };
        lock(&self.stays).entry(player).or_default().push(stay);
        Present { presence: self.clone(), player, stay }
    }

    /// Whether the player is in the room.
    #[must_use]
    pub fn is_in(&self, player: PlayerId, room: RoomId) -> bool {
        lock(&self.stays)
            .get(&player)
            .is_some_and(|stays| stays.iter().any(|stay| stay.room == room))
    }

    /// The player's team in the room: that of the newest connection that plays.
    #[must_use]
    pub fn team_in(&self, player: PlayerId, room: RoomId) -> Option<u8> {
        let stays = lock(&self.stays);
        let in_room = stays.get(&player)?.iter().rev().filter(|stay| stay.room == room);
        in_room.filter_map(|stay| stay.team).next()
    }

    /// Every room where the player is, with the team.
    #[must_use]
    pub fn rooms_of(&self, player: PlayerId) -> Vec<(RoomId, Option<u8>)> {
        let mut rooms: Vec<_> = lock(&self.stays)
            .get(&player)
            .map(|stays| stays.iter().map(|stay| stay.room).collect())
            .unwrap_or_default();
        rooms.sort_unstable();
        rooms.dedup();
        rooms.into_iter().map(|room| (room, self.team_in(player, room))).collect()
    }
}

impl Drop for Present {
    fn drop(&mut self) {
        let mut table = lock(&self.presence.stays);
        let Some(stays) = table.get_mut(&self.player) else { return };
        if let Some(place) = stays.iter().position(|stay| *stay == self.stay) {
            stays.remove(place);
        }
        if stays.is_empty() {
            table.remove(&self.player);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use shared::id::{PlayerId, RoomId};

    use super::Presence;

    #[test]
    fn a_person_stays_until_the_last_connection_ends_and_in_a_team_while_playing() {
        let presence = Arc::new(Presence::default());
        let (ada, room) = (PlayerId::from_bits(1), RoomId::from_bits(2));

        let playing = presence.enter(ada, room, Some(1));
        let watching = presence.enter(ada, room, None);
        assert_eq!(presence.rooms_of(ada), [(room, Some(1))]);
        drop(playing);

        assert!(presence.is_in(ada, room));
        assert_eq!(presence.team_in(ada, room), None, "who only watches is in no team");
        drop(watching);
        assert!(!presence.is_in(ada, room) && presence.rooms_of(ada).is_empty());
    }
}
