//! The rows of the ladder: the kept values plus the changes of the running rounds.

use std::collections::HashMap;

use shared::api::ScoreRow;
use shared::id::{PlayerId, RoomId};

use super::result::Tally;
use crate::player::{Player, Skill};
use crate::storage::PlaceRecord;

/// Rows in memory. When there are more, those of players without a seat are forgotten; the store has them.
const ENTRIES_MAX: usize = 4_096;

/// The rows of all players who have a seat, and of some who had one.
#[derive(Debug, Default)]
pub(super) struct Board {
    entries: HashMap<PlayerId, Entry>,
}

#[derive(Debug)]
struct Entry {
    /// The values after the finished rounds.
    kept: ScoreRow,
    skill: Skill,
    /// The changes of each running round.
    rooms: Vec<RoomTally>,
    published: Option<ScoreRow>,
}

#[derive(Debug)]
struct RoomTally {
    room: RoomId,
    public: bool,
    tally: Tally,
    seated: bool,
}

impl Entry {
    fn row(&self) -> ScoreRow {
        let mut row = self.kept.clone();
        for in_room in &self.rooms {
            row.points += i64::from(in_room.tally.points);
            row.knockouts += in_room.tally.knockouts;
            row.falls += in_room.tally.falls;
        }
        let sits = |in_room: &&RoomTally| in_room.public && in_room.seated;
        row.playing = self.rooms.iter().rev().find(sits).map(|in_room| in_room.room);
        row
    }

    fn in_room(&mut self, room: RoomId) -> Option<&mut RoomTally> {
        self.rooms.iter_mut().find(|in_room| in_room.room == room)
    }
}

impl Board {
    pub(super) fn knows(&self, player: PlayerId) -> bool {
        self.entries.contains_key(&player)
    }

    pub(super) fn add(&mut self, kept: ScoreRow, skill: Skill) {
        let published = None;
        self.entries.insert(kept.player, Entry { kept, skill, rooms: Vec::new(), published });
    }

    pub(super) fn skill(&self, player: PlayerId) -> Skill {
        self.entries.get(&player).map_or(Skill::NEWCOMER, |entry| entry.skill)
    }

    /// Every row.
    pub(super) fn rows(&self) -> Vec<ScoreRow> {
        self.entries.values().map(Entry::row).collect()
    }

    pub(super) fn sit(&mut self, room: RoomId, public: bool, player: &Player, bot: bool) {
        let Some(entry) = self.entries.get_mut(&player.id) else { return };
        entry.kept.name = player.name.clone();
        entry.kept.bot = bot;
        match entry.in_room(room) {
            Some(in_room) => in_room.seated = true,
            None => {
                let tally = Tally::default();
                entry.rooms.push(RoomTally { room, public, tally, seated: true });
            }
        }
    }

    pub(super) fn rename(&mut self, player: &Player) {
        if let Some(entry) = self.entries.get_mut(&player.id) {
            entry.kept.name.clone_from(&player.name);
        }
    }

    /// The points stay until the round is settled.
    pub(super) fn stand(&mut self, room: RoomId, player: PlayerId) {
        let Some(entry) = self.entries.get_mut(&player) else { return };
        if let Some(in_room) = entry.in_room(room) {
            in_room.seated = false;
        }
        entry.rooms.retain(|in_room| in_room.seated || in_room.tally != Tally::default());
    }

    pub(super) fn score(&mut self, room: RoomId, player: PlayerId, tally: Tally) {
        let in_room = self.entries.get_mut(&player).and_then(|entry| entry.in_room(room));
        if let Some(in_room) = in_room {
            in_room.tally.points += tally.points;
            in_room.tally.knockouts += tally.knockouts;
            in_room.tally.falls += tally.falls;
        }
    }

    /// A round is over: what it added is kept now.
    pub(super) fn settle(&mut self, room: RoomId, record: &PlaceRecord) {
        let Some(entry) = self.entries.get_mut(&record.player) else { return };
        entry.skill = record.after;
        let kept = &mut entry.kept;
        kept.rating = record.after.shown();
        kept.points += i64::from(record.points);
        kept.knockouts += record.knockouts;
        kept.falls += record.falls;
        kept.rounds += 1;
        kept.wins += u32::from(record.won);
        if let Some(in_room) = entry.in_room(room) {
            in_room.tally = Tally::default();
        }
    }

    /// Clears the tallies of a room for its next round: those that were not settled (a bot that was replaced) are gone.
    /// Returns the players whose rows changed.
    pub(super) fn clear(&mut self, room: RoomId) -> Vec<PlayerId> {
        let mut changed = Vec::new();
        for (player, entry) in &mut self.entries {
            let Some(in_room) = entry.rooms.iter_mut().find(|in_room| in_room.room == room) else {
                continue;
            };
            in_room.tally = Tally::default();
            entry.rooms.retain(|in_room| in_room.seated);
            changed.push(*player);
        }
        changed
    }

    /// Removes the tallies of a room that closed, or whose round has no result. Returns the players whose rows changed.
    pub(super) fn discard(&mut self, room: RoomId) -> Vec<PlayerId> {
        let mut changed = Vec::new();
        for (player, entry) in &mut self.entries {
            let before = entry.rooms.len();
            entry.rooms.retain(|in_room| in_room.room != room);
            if entry.rooms.len() != before {
                changed.push(*player);
            }
        }
        changed
    }

    /// The row, if it differs from the one that was last taken.
    pub(super) fn take_changed(&mut self, player: PlayerId) -> Option<ScoreRow> {
        let entry = self.entries.get_mut(&player)?;
        let row = entry.row();
        if entry.published.as_ref() == Some(&row) {
            return None;
        }
        entry.published = Some(row.clone());
        Some(row)
    }

    /// Keeps the memory bounded; see [`ENTRIES_MAX`].
    pub(super) fn forget_some(&mut self) {
        if self.entries.len() > ENTRIES_MAX {
            self.entries.retain(|_, entry| !entry.rooms.is_empty());
        }
    }
}

/// The row of a player without a finished round.
pub(super) fn newcomer(player: &Player, bot: bool) -> ScoreRow {
    ScoreRow {
        player: player.id,
        name: player.name.clone(),
        bot,
        rating: Skill::NEWCOMER.shown(),
        points: 0,
        knockouts: 0,
        falls: 0,
        rounds: 0,
        wins: 0,
        playing: None,
    }
}

#[cfg(test)]
mod tests {
    use shared::id::{PlayerId, PlayerName, RoomId};

    use super::{Board, Tally, newcomer};
    use crate::player::{Player, Skill};
    use crate::storage::PlaceRecord;

    #[test]
    fn points_show_at_once_and_count_once() {
        let ada = Player { id: PlayerId::from_bits(1), name: PlayerName::parse("Ada").unwrap() };
        let room = RoomId::from_bits(2);
        let mut board = Board::default();
        board.add(newcomer(&ada, false), Skill::NEWCOMER);
        board.sit(room, true, &ada, false);
        assert_eq!(board.take_changed(ada.id).unwrap().playing, Some(room));
        assert_eq!(board.take_changed(ada.id), None);

        board.score(room, ada.id, Tally { points: 1, knockouts: 1, falls: 0 });
        assert_eq!(board.take_changed(ada.id).unwrap().points, 1);

        // One point more than was reported live: the result is what counts.
        let record = PlaceRecord {
            player: ada.id,
            before: Skill::NEWCOMER,
            after: Skill { mean: 27.0, deviation: 7.0 },
            points: 2,
            knockouts: 2,
            falls: 0,
            won: true,
        };
        board.settle(room, &record);
        assert_eq!(board.clear(room), [ada.id]);
        board.stand(room, ada.id);

        let row = board.take_changed(ada.id).unwrap();
        assert_eq!((row.points, row.rounds, row.wins, row.playing), (2, 1, 1, None));
        assert_eq!(row.rating, record.after.shown());
    }

    #[test]
    fn a_round_without_a_result_leaves_nothing() {
        let ada = Player { id: PlayerId::from_bits(1), name: PlayerName::parse("Ada").unwrap() };
        let room = RoomId::from_bits(2);
        let mut board = Board::default();
        board.add(newcomer(&ada, false), Skill::NEWCOMER);
        board.sit(room, false, &ada, false);
        board.score(room, ada.id, Tally { points: -1, knockouts: 0, falls: 1 });
        let row = board.take_changed(ada.id).unwrap();
        assert_eq!((row.points, row.playing), (-1, None));

        assert_eq!(board.discard(room), [ada.id]);

        assert_eq!(board.take_changed(ada.id).unwrap().points, 0);
    }
}
