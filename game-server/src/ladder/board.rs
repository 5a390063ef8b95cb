//! The rows of the ladder: the kept values plus the points of the rounds that are not settled.

use std::collections::HashMap;

use shared::api::ScoreRow;
use shared::id::{PlayerId, ReplayId, RoomId};

use super::changes::Seated;
use super::tally::{Score, Tally};
use crate::player::{Player, Skill};
use crate::storage::SettledPlace;

/// Rows in memory. When there are more, those of players without a seat are forgotten; the store has them.
const ENTRIES_MAX: usize = 4_096;

/// The rows of all players who have a seat, and of some who had one.
#[derive(Debug, Default)]
pub(super) struct Board {
    entries: HashMap<PlayerId, Entry>,
}

#[derive(Debug)]
struct Entry {
    /// The values after the settled rounds.
    kept: ScoreRow,
    /// The revision of `kept`: a row with a smaller one is older.
    revision: u64,
    /// The rooms with a seat, or with rounds that are not settled.
    rooms: Vec<RoomTally>,
    published: Option<ScoreRow>,
}

#[derive(Debug)]
struct RoomTally {
    room: RoomId,
    public: bool,
    seated: bool,
    /// Of the running round, and of those before it that wait for the store.
    rounds: Vec<(ReplayId, Tally)>,
}

impl Entry {
    fn row(&self) -> ScoreRow {
        let mut row = self.kept.clone();
        for (_, tally) in self.rooms.iter().flat_map(|in_room| &in_room.rounds) {
            row.points += i64::from(tally.points);
            row.knockouts += tally.knockouts;
            row.falls += tally.falls;
        }
        let sits = |in_room: &&RoomTally| in_room.public && in_room.seated;
        row.playing = self.rooms.iter().rev().find(sits).map(|in_room| in_room.room);
        row
    }

    fn in_room(&mut self, room: RoomId) -> Option<&mut RoomTally> {
        self.rooms.iter_mut().find(|in_room| in_room.room == room)
    }

    /// Drops the rooms that have nothing to say any more.
    fn tidy(&mut self) {
        self.rooms.retain(|in_room| in_room.seated || !in_room.rounds.is_empty());
    }
}

impl Board {
    /// Whether another node has published a row of this player that is newer, or does not say where the player is now.
    pub(super) fn is_behind(&self, shown: &ScoreRow) -> bool {
        self.entries.get(&shown.player).is_some_and(|entry| {
            let sits_unseen = || shown.playing.is_none() && entry.row().playing.is_some();
            !entry.rooms.is_empty() && (shown.rounds > entry.kept.rounds || sits_unseen())
        })
    }

    /// The row is taken the next time, changed or not.
    pub(super) fn take_again(&mut self, player: PlayerId) {
        if let Some(entry) = self.entries.get_mut(&player) {
            entry.published = None;
        }
    }

    pub(super) fn knows(&self, player: PlayerId) -> bool {
        self.entries.contains_key(&player)
    }

    pub(super) fn add(&mut self, kept: ScoreRow, revision: u64) {
        let (rooms, published) = (Vec::new(), None);
        self.entries.insert(kept.player, Entry { kept, revision, rooms, published });
    }

    /// Every row.
    pub(super) fn rows(&self) -> Vec<ScoreRow> {
        self.entries.values().map(Entry::row).collect()
    }

    /// Whether a player sits in a room, or a round is not settled.
    pub(super) fn has_rooms(&self) -> bool {
        self.entries.values().any(|entry| !entry.rooms.is_empty())
    }

    /// Every player.
    pub(super) fn players(&self) -> Vec<PlayerId> {
        self.entries.keys().copied().collect()
    }

    pub(super) fn sit(&mut self, room: RoomId, seated: &Seated) {
        let Some(entry) = self.entries.get_mut(&seated.player.id) else { return };
        entry.kept.name = seated.player.name.clone();
        entry.kept.bot = seated.bot;
        match entry.in_room(room) {
            Some(in_room) => in_room.seated = true,
            None => {
                let (public, rounds) = (seated.public, Vec::new());
                entry.rooms.push(RoomTally { room, public, seated: true, rounds });
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
        entry.tidy();
    }

    pub(super) fn score(&mut self, score: Score) {
        let Score { room, replay, player, tally } = score;
        let in_room = self.entries.get_mut(&player).and_then(|entry| entry.in_room(room));
        let Some(in_room) = in_room else { return };
        match in_room.rounds.iter_mut().find(|(round, _)| *round == replay) {
            Some((_, sum)) => sum.add(tally),
            None => in_room.rounds.push((replay, tally)),
        }
    }

    /// A round is settled, and the store has this row now. Returns the player. [`Board::clear`] has to follow.
    pub(super) fn settle(&mut self, place: SettledPlace) -> PlayerId {
        let player = place.row.player;
        self.replace(place.row, place.revision);
        player
    }

    /// Takes over a row of the store, unless a newer one is known.
    pub(super) fn replace(&mut self, row: ScoreRow, revision: u64) {
        match self.entries.get_mut(&row.player) {
            Some(entry) if entry.revision < revision => {
                entry.kept = row;
                entry.revision = revision;
            }
            Some(_) => {}
            None => self.add(row, revision),
        }
    }

    /// Clears the tallies of a round: they are in the kept rows now, or the round has no result. Returns the players whose
    /// rows changed.
    pub(super) fn clear(&mut self, room: RoomId, replay: ReplayId) -> Vec<PlayerId> {
        self.clear_rounds(room, |round| round == replay)
    }

    /// Clears the tallies of a round and of those before it: the ids of rounds ascend.
    pub(super) fn clear_until(&mut self, room: RoomId, replay: ReplayId) -> Vec<PlayerId> {
        self.clear_rounds(room, |round| round <= replay)
    }

    fn clear_rounds(&mut self, room: RoomId, is_over: impl Fn(ReplayId) -> bool) -> Vec<PlayerId> {
        let mut changed = Vec::new();
        for (player, entry) in &mut self.entries {
            let Some(in_room) = entry.in_room(room) else { continue };
            in_room.rounds.retain(|(round, _)| !is_over(*round));
            entry.tidy();
            changed.push(*player);
        }
        changed
    }

    /// Removes everything of a room that closed. Returns the players whose rows changed.
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
            self.forget_absent();
        }
    }

    /// Forgets the rows of players who do not play here.
    pub(super) fn forget_absent(&mut self) {
        self.entries.retain(|_, entry| !entry.rooms.is_empty());
    }
}

/// The row of a player without a finished round.
pub(super) fn newcomer(player: &Player, bot: bool) -> ScoreRow {
    ScoreRow {
        player: player.id,
        name: player.name.clone(),
        bot,
        rating: Skill::NEWCOMER.shown(),
        provisional: Skill::NEWCOMER.is_provisional(),
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
    use shared::api::ScoreRow;
    use shared::id::{PlayerId, PlayerName, ReplayId, RoomId};

    use super::{Board, newcomer};
    use crate::ladder::changes::Seated;
    use crate::ladder::tally::{Score, Tally};
    use crate::player::Player;
    use crate::storage::SettledPlace;

    const ROOM: RoomId = RoomId::from_bits(2);

    fn ada() -> Player {
        Player { id: PlayerId::from_bits(1), name: PlayerName::parse("Ada").unwrap() }
    }

    fn board(public: bool) -> Board {
        let mut board = Board::default();
        board.add(newcomer(&ada(), false), 0);
        board.sit(ROOM, &Seated { public, player: ada(), bot: false });
        board
    }

    fn score(round: u64, points: i32) -> Score {
        let tally = Tally { points, knockouts: 1, falls: 0 };
        Score { room: ROOM, replay: ReplayId::from_bits(round), player: ada().id, tally }
    }

    #[test]
    fn a_round_that_is_settled_ends_those_before_it_too() {
        let mut board = board(true);
        for round in [7, 8, 9] {
            board.score(score(round, 1));
        }

        board.clear_until(ROOM, ReplayId::from_bits(8));

        assert_eq!(board.take_changed(ada().id).unwrap().points, 1, "of the third round");
    }

    #[test]
    fn a_row_is_behind_when_another_node_has_settled_a_round_or_says_that_the_player_sits_nowhere()
    {
        let mut board = board(true);
        let shown = |rounds, playing| ScoreRow { rounds, playing, ..newcomer(&ada(), false) };
        assert!(!board.is_behind(&shown(0, Some(ROOM))));
        assert!(!board.is_behind(&shown(0, Some(RoomId::from_bits(9)))), "the last one wins");
        assert!(board.is_behind(&shown(0, None)) && board.is_behind(&shown(1, Some(ROOM))));

        board.replace(shown(1, None), 1);
        assert!(!board.is_behind(&shown(1, Some(ROOM))));
        board.stand(ROOM, ada().id);
        assert!(!board.is_behind(&shown(2, None)), "it is another node's to say");
    }

    /// The row after this many rounds, with three points for each.
    fn settled(rounds: u32) -> SettledPlace {
        let points = i64::from(rounds) * 3;
        let row =
            ScoreRow { points, rounds, wins: rounds, rating: 1_540, ..newcomer(&ada(), false) };
        SettledPlace { row, revision: rounds.into(), before: 1_500, after: 1_540 }
    }

    #[test]
    fn points_show_at_once_and_count_once() {
        let mut board = board(true);
        assert_eq!(board.take_changed(ada().id).unwrap().playing, Some(ROOM));
        assert_eq!(board.take_changed(ada().id), None);

        board.score(score(7, 1));
        assert_eq!(board.take_changed(ada().id).unwrap().points, 1);

        // Two points more than was reported live: the result is what counts.
        board.settle(settled(1));
        assert_eq!(board.clear(ROOM, ReplayId::from_bits(7)), [ada().id]);
        board.stand(ROOM, ada().id);

        let row = board.take_changed(ada().id).unwrap();
        assert_eq!((row.points, row.rounds, row.wins, row.playing), (3, 1, 1, None));
        assert_eq!(row.rating, 1_540);
    }

    #[test]
    fn a_late_result_keeps_the_points_of_the_next_round() {
        let mut board = board(true);
        board.score(score(7, 3));
        board.score(score(8, 1));
        assert_eq!(board.take_changed(ada().id).unwrap().points, 4);

        board.settle(settled(1));
        board.clear(ROOM, ReplayId::from_bits(7));

        assert_eq!(board.take_changed(ada().id).unwrap().knockouts, 1);
        // A row that was read before the newest round was settled changes nothing.
        board.settle(settled(2));
        board.clear(ROOM, ReplayId::from_bits(8));
        board.settle(settled(1));
        assert_eq!(board.take_changed(ada().id).unwrap().rounds, 2);
    }

    #[test]
    fn a_round_without_a_result_leaves_nothing() {
        let mut board = board(false);
        board.score(score(7, -1));
        let row = board.take_changed(ada().id).unwrap();
        assert_eq!((row.points, row.playing), (-1, None));

        assert_eq!(board.discard(ROOM), [ada().id]);

        assert_eq!(board.take_changed(ada().id).unwrap().points, 0);
    }
}
