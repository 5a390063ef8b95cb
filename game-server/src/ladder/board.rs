//! The lines of the ladder as they are now: what is kept, plus what the running rounds have added so far.

use std::collections::HashMap;

use shared::api::ScoreRow;
use shared::id::{PlayerId, RoomId};

use super::Tally;
use crate::player::{Player, Skill};
use crate::storage::PlaceRecord;

/// Lines kept in memory. When there are more, those of players who sit nowhere are forgotten; the store
/// has them.
const LINES_MAX: usize = 4_096;

#[derive(Debug, Default)]
pub(super) struct Board {
    lines: HashMap<PlayerId, Line>,
}

#[derive(Debug)]
struct Line {
    /// As the finished rounds left it.
    kept: ScoreRow,
    skill: Skill,
    /// What each running round adds.
    stays: Vec<Stay>,
    published: Option<ScoreRow>,
}

#[derive(Debug)]
struct Stay {
    room: RoomId,
    public: bool,
    tally: Tally,
    seated: bool,
}

impl Line {
    fn row(&self) -> ScoreRow {
        let mut row = self.kept.clone();
        for stay in &self.stays {
            row.points += i64::from(stay.tally.points);
            row.knockouts += stay.tally.knockouts;
            row.falls += stay.tally.falls;
        }
        let sits = |stay: &&Stay| stay.public && stay.seated;
        row.playing = self.stays.iter().rev().find(sits).map(|stay| stay.room);
        row
    }

    fn stay(&mut self, room: RoomId) -> Option<&mut Stay> {
        self.stays.iter_mut().find(|stay| stay.room == room)
    }
}

impl Board {
    pub(super) fn knows(&self, player: PlayerId) -> bool {
        self.lines.contains_key(&player)
    }

    pub(super) fn add(&mut self, kept: ScoreRow, skill: Skill) {
        let published = None;
        self.lines.insert(kept.player, Line { kept, skill, stays: Vec::new(), published });
    }

    pub(super) fn skill(&self, player: PlayerId) -> Skill {
        self.lines.get(&player).map_or(Skill::NEWCOMER, |line| line.skill)
    }

    /// Every line, as it is now.
    pub(super) fn rows(&self) -> Vec<ScoreRow> {
        self.lines.values().map(Line::row).collect()
    }

    pub(super) fn sit(&mut self, room: RoomId, public: bool, player: &Player, bot: bool) {
        let Some(line) = self.lines.get_mut(&player.id) else { return };
        line.kept.name = player.name.clone();
        line.kept.bot = bot;
        match line.stay(room) {
            Some(stay) => stay.seated = true,
            None => {
                let tally = Tally::default();
                line.stays.push(Stay { room, public, tally, seated: true });
            }
        }
    }

    /// The points stay until the round is settled.
    pub(super) fn stand(&mut self, room: RoomId, player: PlayerId) {
        let Some(line) = self.lines.get_mut(&player) else { return };
        if let Some(stay) = line.stay(room) {
            stay.seated = false;
        }
        line.stays.retain(|stay| stay.seated || stay.tally != Tally::default());
    }

    pub(super) fn score(&mut self, room: RoomId, player: PlayerId, tally: Tally) {
        let stay = self.lines.get_mut(&player).and_then(|line| line.stay(room));
        if let Some(stay) = stay {
            stay.tally.points += tally.points;
            stay.tally.knockouts += tally.knockouts;
            stay.tally.falls += tally.falls;
        }
    }

    /// A round is over: what it added is kept now.
    pub(super) fn settle(&mut self, room: RoomId, record: &PlaceRecord) {
        let Some(line) = self.lines.get_mut(&record.player) else { return };
        line.skill = record.after;
        let kept = &mut line.kept;
        kept.rating = record.after.shown();
        kept.points += i64::from(record.points);
        kept.knockouts += record.knockouts;
        kept.falls += record.falls;
        kept.rounds += 1;
        kept.wins += u32::from(record.won);
        if let Some(stay) = line.stay(room) {
            stay.tally = Tally::default();
        }
    }

    /// A room's next round begins at nothing: what was not settled (a bot that gave way) is gone. Tells whose
    /// lines changed.
    pub(super) fn clear(&mut self, room: RoomId) -> Vec<PlayerId> {
        let mut changed = Vec::new();
        for (player, line) in &mut self.lines {
            let Some(stay) = line.stays.iter_mut().find(|stay| stay.room == room) else { continue };
            stay.tally = Tally::default();
            line.stays.retain(|stay| stay.seated);
            changed.push(*player);
        }
        changed
    }

    /// A room closed or its round has no result: what it added is gone. Tells whose lines changed.
    pub(super) fn discard(&mut self, room: RoomId) -> Vec<PlayerId> {
        let mut changed = Vec::new();
        for (player, line) in &mut self.lines {
            let before = line.stays.len();
            line.stays.retain(|stay| stay.room != room);
            if line.stays.len() != before {
                changed.push(*player);
            }
        }
        changed
    }

    /// The line, if it is another than when it was last taken.
    pub(super) fn take_changed(&mut self, player: PlayerId) -> Option<ScoreRow> {
        let line = self.lines.get_mut(&player)?;
        let row = line.row();
        if line.published.as_ref() == Some(&row) {
            return None;
        }
        line.published = Some(row.clone());
        Some(row)
    }

    /// Keeps the memory bounded.
    pub(super) fn forget_some(&mut self) {
        if self.lines.len() > LINES_MAX {
            self.lines.retain(|_, line| !line.stays.is_empty());
        }
    }
}

#[cfg(test)]
mod tests {
    use shared::id::{PlayerId, PlayerName, RoomId};

    use super::super::newcomer;
    use super::{Board, Tally};
    use crate::player::Player;
    use crate::player::Skill;
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
