//! Which players are in which room: rooms write it, chat reads it.
//!
//! A player may sit in one room and watch others, with several connections. Each connection holds a
//! [`PresenceGuard`]; when the last one for a room drops, the player has left the room. The rooms of other nodes are in the
//! [`Directory`], to which this node tells who is in its own.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use shared::id::{PlayerId, RoomId};
use tokio::sync::Notify;
use tokio::time::sleep;

use crate::cluster::directory::{Directory, Visitor};
use crate::sync::lock;
use crate::tasks::Tasks;

/// Time between two looks at rooms that others have entered or left.
const TOLD_EVERY: Duration = Duration::from_millis(100);

/// The table. Bounded by the connections that fill it.
#[derive(Default)]
pub struct Presence {
    visits: Mutex<HashMap<PlayerId, Vec<Visit>>>,
    /// The rooms of all nodes. `None`: there is one.
    directory: Option<Directory>,
    /// Rooms of this node in which others are than the directory knows. Stays empty without one.
    changed: Mutex<BTreeSet<RoomId>>,
    has_changed: Notify,
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

impl From<Visitor> for TeamSeat {
    fn from(Visitor { team, since_ms, .. }: Visitor) -> Self {
        Self { team: team.unwrap_or_default(), since_ms }
    }
}

impl Presence {
    /// Nobody is in any room of this node. The directory is told of those who come, by a task of this server.
    #[must_use]
    pub fn start(tasks: &Tasks, directory: Option<Directory>) -> Arc<Self> {
        let presence = Arc::new(Self { directory: directory.clone(), ..Self::default() });
        if let Some(directory) = directory {
            tasks.spawn_vital("presence", presence.clone().tell(tasks.clone(), directory));
        }
        presence
    }

    async fn tell(self: Arc<Self>, tasks: Tasks, directory: Directory) {
        loop {
            tokio::select! {
                () = tasks.stopping() => return,
                () = self.has_changed.notified() => {}
            }
            let changed = core::mem::take(&mut *lock(&self.changed));
            for (room, people) in self.visitors(changed) {
                directory.visited(room, people);
            }
            tokio::select! {
                () = tasks.stopping() => return,
                () = sleep(TOLD_EVERY) => {}
            }
        }
    }

    /// Who is in each of these rooms of this node. It looks at every visit once, however many rooms there are.
    fn visitors(&self, rooms: BTreeSet<RoomId>) -> BTreeMap<RoomId, Vec<Visitor>> {
        let mut found: BTreeMap<_, Vec<Visitor>> =
            rooms.into_iter().map(|room| (room, Vec::new())).collect();
        for (player, visits) in lock(&self.visits).iter() {
            for Visit { room, seat } in visits.iter().rev() {
                let Some(people) = found.get_mut(room) else { continue };
                let (team, since_ms) =
                    seat.map_or((None, 0), |seat| (Some(seat.team), seat.since_ms));
                let visitor = Visitor { player: *player, team, since_ms };
                match people.last_mut() {
                    // Another connection: the newest one that plays counts.
                    Some(last) if last.player == *player => {
                        if last.team.is_none() {
                            *last = visitor;
                        }
                    }
                    _ => people.push(visitor),
                }
            }
        }
        for people in found.values_mut() {
            people.sort_unstable_by_key(|visitor| visitor.player);
        }
        found
    }

    fn note_change(&self, room: RoomId) {
        if self.directory.is_some() {
            lock(&self.changed).insert(room);
            self.has_changed.notify_one();
        }
    }

    fn visitor_elsewhere(&self, player: PlayerId, room: RoomId) -> Option<Visitor> {
        self.directory.as_ref()?.visitor(player, room)
    }

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
        self.note_change(room);
        PresenceGuard { presence: self.clone(), player, visit }
    }

    /// Whether the player is in the room.
    #[must_use]
    pub fn is_in(&self, player: PlayerId, room: RoomId) -> bool {
        let is_here = lock(&self.visits)
            .get(&player)
            .is_some_and(|visits| visits.iter().any(|visit| visit.room == room));
        is_here || self.visitor_elsewhere(player, room).is_some()
    }

    /// The player's team in the room: that of the newest connection that plays.
    #[must_use]
    pub fn team_in(&self, player: PlayerId, room: RoomId) -> Option<u8> {
        self.seat_in(player, room).map(|seat| seat.team)
    }

    /// The same, with the time since when the player sits there.
    #[must_use]
    pub fn seat_in(&self, player: PlayerId, room: RoomId) -> Option<TeamSeat> {
        self.seat_here(player, room).or_else(|| {
            let visitor = self.visitor_elsewhere(player, room)?;
            visitor.team.map(|_| visitor.into())
        })
    }

    fn seat_here(&self, player: PlayerId, room: RoomId) -> Option<TeamSeat> {
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
        let elsewhere = self.directory.as_ref().map(|directory| directory.rooms_of(player));
        rooms.extend(elsewhere.into_iter().flatten().map(|(room, _)| room));
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
        drop(table);
        self.presence.note_change(self.visit.room);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use shared::id::{PlayerId, RoomId};

    use super::{Presence, TeamSeat};
    use crate::cluster::directory::Visitor;

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

    #[test]
    fn a_room_s_visitors_are_listed_once_with_the_seat_of_the_newest_connection_that_plays() {
        let presence = Arc::new(Presence::default());
        let [ada, bob, eve] = [1, 2, 3].map(PlayerId::from_bits);
        let [room, other, empty] = [7, 8, 9].map(RoomId::from_bits);
        let seat = |team, since_ms| Some(TeamSeat { team, since_ms });
        let _visits = [
            (bob, room, None),
            (ada, room, seat(0, 4)),
            (ada, other, None),
            (ada, room, seat(1, 5)),
            (ada, room, None),
            (eve, other, seat(0, 6)),
        ]
        .map(|(player, room, seat)| presence.enter(player, room, seat));

        let found = presence.visitors([room, empty].into());

        let visitor = |player, team, since_ms| Visitor { player, team, since_ms };
        let people = vec![visitor(ada, Some(1), 5), visitor(bob, None, 0)];
        assert_eq!(found, [(room, people), (empty, Vec::new())].into());
    }
}
