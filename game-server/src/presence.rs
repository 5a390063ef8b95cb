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

struct Stay {
    room: RoomId,
    team: Option<u8>,
    connections: u32,
}

/// Keeps a person in a room while it lives.
pub struct Present {
    presence: Arc<Presence>,
    player: PlayerId,
    room: RoomId,
}

impl Presence {
    /// Notes that a connection of `player` is in `room`. `team` (0 or 1) is for those who play in
    /// Teams; a spectator gives none.
    #[must_use]
    pub fn enter(self: &Arc<Self>, player: PlayerId, room: RoomId, team: Option<u8>) -> Present {
        let mut stays = lock(&self.stays);
        let of_player = stays.entry(player).or_default();
        match of_player.iter_mut().find(|stay| stay.room == room) {
            Some(stay) => {
                stay.connections += 1;
                stay.team = team.or(stay.team);
            }
            None => of_player.push(Stay { room, team, connections: 1 }),
        }
        Present { presence: self.clone(), player, room }
    }

    /// Whether the player is in the room.
    #[must_use]
    pub fn is_in(&self, player: PlayerId, room: RoomId) -> bool {
        lock(&self.stays)
            .get(&player)
            .is_some_and(|stays| stays.iter().any(|stay| stay.room == room))
    }

    /// The player's team in the room.
    #[must_use]
    pub fn team_in(&self, player: PlayerId, room: RoomId) -> Option<u8> {
        lock(&self.stays).get(&player)?.iter().find(|stay| stay.room == room)?.team
    }

    /// Every room where the player is, with the team.
    #[must_use]
    pub fn rooms_of(&self, player: PlayerId) -> Vec<(RoomId, Option<u8>)> {
        lock(&self.stays)
            .get(&player)
            .map(|stays| stays.iter().map(|stay| (stay.room, stay.team)).collect())
            .unwrap_or_default()
    }
}

impl Present {
    /// The player changed sides.
    pub fn set_team(&self, team: Option<u8>) {
        let mut stays = lock(&self.presence.stays);
        let stay = stays
            .get_mut(&self.player)
            .and_then(|stays| stays.iter_mut().find(|stay| stay.room == self.room));
        if let Some(stay) = stay {
            stay.team = team;
        }
    }
}

impl Drop for Present {
    fn drop(&mut self) {
        let mut table = lock(&self.presence.stays);
        let Some(stays) = table.get_mut(&self.player) else { return };
        stays.retain_mut(|stay| {
            if stay.room == self.room {
                stay.connections -= 1;
            }
            stay.connections > 0
        });
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
    fn a_person_stays_until_the_last_connection_ends() {
        let presence = Arc::new(Presence::default());
        let (ada, room) = (PlayerId::from_bits(1), RoomId::from_bits(2));

        let playing = presence.enter(ada, room, Some(1));
        let watching = presence.enter(ada, room, None);
        drop(playing);

        assert!(presence.is_in(ada, room));
        assert_eq!(presence.team_in(ada, room), Some(1));
        drop(watching);
        assert!(!presence.is_in(ada, room) && presence.rooms_of(ada).is_empty());
    }
}
