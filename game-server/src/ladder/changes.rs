//! What the ladder must not miss: who sits where, which rooms closed, which rounds were settled.
//!
//! It is no queue but the newest state of each seat and room since the ladder last looked, so that it never fills up:
//! it has an entry for each room, and for each player who sat there since. The results of settled rounds are listed up to
//! [`RESULTS_MAX`]; past that only the newest settled round of each room is, and the ladder reads the rows again, which the
//! store has.

use std::collections::BTreeMap;
use std::sync::Mutex;

use shared::api::ScoreRow;
use shared::id::{PlayerId, ReplayId, RoomId};
use tokio::sync::Notify;

use crate::player::Player;
use crate::storage::SettledPlace;
use crate::sync::lock;

/// Settled rounds whose results wait for the ladder.
const RESULTS_MAX: usize = 1_024;

/// New names that wait for the ladder.
const RENAMES_MAX: usize = 4_096;

/// A player's new name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Renamed {
    pub(super) player: Player,
    /// Whether another node has given it, which then also shows it if the player sits nowhere.
    pub(super) is_elsewhere: bool,
}

/// A player who took a seat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seated {
    /// Whether the ladder may show the room.
    pub public: bool,
    /// The player.
    pub player: Player,
    /// Whether it is a bot.
    pub bot: bool,
}

/// A round that is settled.
#[derive(Debug)]
pub(super) struct SettledRound {
    pub(super) room: RoomId,
    pub(super) replay: ReplayId,
    /// Empty when the round has no result.
    pub(super) places: Vec<SettledPlace>,
}

/// What changed in one room.
#[derive(Debug, Default)]
pub(super) struct RoomChanges {
    /// The room closed; what follows came after that.
    pub(super) is_discarded: bool,
    /// The newest state of each seat that changed. `None`: the player gave it up.
    pub(super) seats: BTreeMap<PlayerId, Option<Seated>>,
}

/// Everything since the ladder last looked.
#[derive(Debug, Default)]
pub(super) struct Taken {
    pub(super) rooms: BTreeMap<RoomId, RoomChanges>,
    /// Players under their new names.
    pub(super) renamed: BTreeMap<PlayerId, Renamed>,
    /// Rows as the scoreboard of all nodes shows them, of players who are in rooms of this one. Bounded by that scoreboard.
    pub(super) shown: BTreeMap<PlayerId, ScoreRow>,
    pub(super) settled: Vec<SettledRound>,
    /// Of each room the newest settled round that is not listed. Those before it in the room are settled, too.
    pub(super) settled_until: BTreeMap<RoomId, ReplayId>,
    /// Results of settled rounds or new names were left out: the rows have to be read again.
    pub(super) lacks_results: bool,
    /// The whole ladder is to be published.
    pub(super) republish: bool,
}

/// The place where rooms leave their changes.
#[derive(Debug, Default)]
pub(super) struct Changes {
    waiting: Mutex<Taken>,
    changed: Notify,
}

impl Changes {
    /// Waits for a change.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Takes all changes.
    pub(super) fn take(&self) -> Taken {
        core::mem::take(&mut *lock(&self.waiting))
    }

    pub(super) fn seated(&self, room: RoomId, seated: Seated) {
        self.change(|waiting| {
            let seats = &mut waiting.rooms.entry(room).or_default().seats;
            seats.insert(seated.player.id, Some(seated));
        });
    }

    pub(super) fn unseated(&self, room: RoomId, player: PlayerId) {
        self.change(|waiting| {
            waiting.rooms.entry(room).or_default().seats.insert(player, None);
        });
    }

    pub(super) fn discarded(&self, room: RoomId) {
        self.change(|waiting| {
            let (is_discarded, seats) = (true, BTreeMap::new());
            waiting.rooms.insert(room, RoomChanges { is_discarded, seats });
        });
    }

    pub(super) fn settled(&self, round: SettledRound) {
        self.change(|waiting| {
            if waiting.settled.len() < RESULTS_MAX {
                waiting.settled.push(round);
            } else {
                waiting.settled_until.insert(round.room, round.replay);
                waiting.lacks_results = true;
            }
        });
    }

    pub(super) fn renamed(&self, renamed: Renamed) {
        self.change(|waiting| {
            let player = renamed.player.id;
            if waiting.renamed.len() < RENAMES_MAX || waiting.renamed.contains_key(&player) {
                waiting.renamed.insert(player, renamed);
            } else {
                waiting.lacks_results = true;
            }
        });
    }

    /// The rows could not be read again yet.
    pub(super) fn lack_results(&self) {
        lock(&self.waiting).lacks_results = true;
    }

    /// Returns a name that could not be taken in, unless there is a newer one.
    pub(super) fn put_back_name(&self, renamed: Renamed) {
        lock(&self.waiting).renamed.entry(renamed.player.id).or_insert(renamed);
    }

    /// What the scoreboard shows, which replaces what it showed before.
    pub(super) fn shown(&self, rows: Vec<ScoreRow>) {
        let shown = rows.into_iter().map(|row| (row.player, row)).collect();
        self.change(|waiting| waiting.shown = shown);
    }

    pub(super) fn republish(&self) {
        self.change(|waiting| waiting.republish = true);
    }

    /// Returns a seat that could not be taken in, to be tried again, unless something newer is known of it.
    pub(super) fn put_back(&self, room: RoomId, seated: Seated) {
        let mut waiting = lock(&self.waiting);
        let changes = waiting.rooms.entry(room).or_default();
        if !changes.is_discarded {
            changes.seats.entry(seated.player.id).or_insert(Some(seated));
        }
    }

    fn change(&self, change: impl FnOnce(&mut Taken)) {
        change(&mut lock(&self.waiting));
        self.changed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use shared::id::{PlayerId, PlayerName, ReplayId, RoomId};

    use super::{Changes, RESULTS_MAX, Seated, SettledRound};
    use crate::player::Player;

    fn seated(id: u64) -> Seated {
        let name = PlayerName::parse("Ada").unwrap();
        Seated { public: true, player: Player { id: PlayerId::from_bits(id), name }, bot: false }
    }

    #[test]
    fn the_newest_state_of_a_seat_counts_however_often_it_changed() {
        let (changes, room) = (Changes::default(), RoomId::from_bits(1));
        for _ in 0..10_000 {
            changes.seated(room, seated(1));
            changes.unseated(room, seated(1).player.id);
        }
        changes.seated(room, seated(2));

        let taken = changes.take();
        let seats: Vec<_> = taken.rooms[&room].seats.values().cloned().collect();
        assert_eq!(seats, [None, Some(seated(2))]);
        assert!(changes.take().rooms.is_empty());
    }

    #[test]
    fn a_room_that_closed_forgets_what_came_before() {
        let (changes, room) = (Changes::default(), RoomId::from_bits(1));
        changes.seated(room, seated(1));
        changes.discarded(room);
        changes.put_back(room, seated(2));

        let taken = changes.take();
        assert!(taken.rooms[&room].is_discarded && taken.rooms[&room].seats.is_empty());
    }

    #[test]
    fn results_that_do_not_fit_are_not_forgotten() {
        let changes = Changes::default();
        let room = RoomId::from_bits(1);
        let last = RESULTS_MAX as u64 + 9;
        for id in 0..=last {
            let replay = ReplayId::from_bits(id);
            changes.settled(SettledRound { room, replay, places: Vec::new() });
        }

        let taken = changes.take();
        assert!(taken.settled.len() == RESULTS_MAX && taken.lacks_results);
        assert_eq!(taken.settled_until, [(room, ReplayId::from_bits(last))].into());
    }
}
