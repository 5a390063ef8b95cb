//! Rows of the scoreboard for which no node answers: those of players who sit nowhere are as the store has them.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use shared::api::{ScoreRow, Scoreboard};
use shared::id::{PlayerId, RoomId};

use super::shared_state::SharedState;
use crate::feeds::Feeds;
use crate::ladder::kept_scoreboard;
use crate::storage::{Ladder as KeptLadder, StoreError};

/// The pause between two comparisons with the store.
const COMPARE_EVERY: Duration = Duration::from_secs(5);

/// Corrects rows.
pub(super) struct Scores {
    shared: SharedState,
    feeds: Arc<Feeds>,
    kept: Arc<dyn KeptLadder>,
    /// When this node last compared.
    compared: Option<Instant>,
    /// The rows that were wrong then, as they should be. One that is wrong twice in the same way is corrected: an event that
    /// is on its way has arrived meanwhile. Bounded by the scoreboard.
    wrong: HashMap<PlayerId, ScoreRow>,
}

/// Who plays.
#[derive(Debug, Default)]
struct Playing {
    players: HashSet<PlayerId>,
    rooms: HashSet<RoomId>,
}

impl Playing {
    /// Whether some node answers for this row. Bots stand in no row of the directory, and play in many rooms.
    fn has(&self, row: &ScoreRow) -> bool {
        if row.bot {
            row.playing.is_some_and(|room| self.rooms.contains(&room))
        } else {
            self.players.contains(&row.player)
        }
    }
}

impl Scores {
    pub(super) fn new(shared: SharedState, feeds: Arc<Feeds>, kept: Arc<dyn KeptLadder>) -> Self {
        Self { shared, feeds, kept, compared: None, wrong: HashMap::new() }
    }

    /// This node is not the steward.
    pub(super) fn forget(&mut self) {
        self.compared = None;
        self.wrong.clear();
    }

    /// Shows that these players, and everybody else whose row says so, do not play in a room any more, and that its
    /// unfinished round has no points.
    ///
    /// # Errors
    /// When the store fails: then it has to be done again.
    pub(super) async fn leave(
        &self,
        room: RoomId,
        people: HashSet<PlayerId>,
    ) -> Result<(), StoreError> {
        let left = |row: &&ScoreRow| people.contains(&row.player) || row.playing == Some(room);
        let shown = self.shown();
        for row in shown.iter().filter(left) {
            if let Some(kept) = self.kept.row(row.player).await?
                && kept != *row
            {
                self.shared.bus.correct(&kept);
            }
        }
        Ok(())
    }

    /// Compares from time to time.
    pub(super) async fn look(&mut self) {
        if self.compared.is_some_and(|compared| compared.elapsed() < COMPARE_EVERY) {
            return;
        }
        self.compared = Some(Instant::now());
        match self.find_wrong().await {
            Ok(wrong) => {
                let twice = |row: &&ScoreRow| self.wrong.get(&row.player) == Some(row);
                if self.shared.steward.is_held() {
                    wrong.iter().filter(twice).for_each(|row| self.shared.bus.correct(row));
                }
                self.wrong = wrong.into_iter().map(|row| (row.player, row)).collect();
            }
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::debug!(error, "the scoreboard cannot be compared with the store yet");
            }
        }
    }

    /// The rows that are wrong, as they should be.
    async fn find_wrong(&self) -> Result<Vec<ScoreRow>, StoreError> {
        let best = kept_scoreboard(&*self.kept).await?.rows;
        let shown = self.shown();
        let mut kept: HashMap<_, _> = best.iter().map(|row| (row.player, row.clone())).collect();
        let playing = self.playing();
        for row in shown.iter().filter(|row| !playing.has(row)) {
            // A newcomer, or one who is not among the best.
            if !kept.contains_key(&row.player)
                && let Some(row) = self.kept.row(row.player).await?
            {
                kept.insert(row.player, row);
            }
        }
        let mut wrong = differing(&shown, &kept, &playing);
        wrong.extend(missing(&shown, &best, &playing));
        Ok(wrong)
    }

    fn shown(&self) -> Vec<ScoreRow> {
        self.feeds.scoreboard.with_state(|scoreboard| scoreboard.rows.clone())
    }

    fn playing(&self) -> Playing {
        let mut playing = Playing::default();
        let known = self.shared.directory.rows();
        let own = self.shared.directory.own();
        let known = known.iter().map(|(room, row)| (room, &row.value));
        for (room, row) in known.chain(own.iter().map(|(room, row)| (room, row))) {
            playing.rooms.insert(*room);
            playing.players.extend(row.people.iter().map(|visitor| visitor.player));
        }
        playing
    }
}

/// The kept rows of those who sit nowhere and are shown otherwise.
fn differing(
    shown: &[ScoreRow],
    kept: &HashMap<PlayerId, ScoreRow>,
    playing: &Playing,
) -> Vec<ScoreRow> {
    let idle = shown.iter().filter(|row| !playing.has(row));
    let differs = |row: &ScoreRow| kept.get(&row.player).filter(|kept| *kept != row).cloned();
    idle.filter_map(differs).collect()
}

/// The kept rows that are not shown although there is room for them.
fn missing(shown: &[ScoreRow], best: &[ScoreRow], playing: &Playing) -> Vec<ScoreRow> {
    let room = Scoreboard::ROWS_MAX.saturating_sub(shown.len());
    let is_shown = |row: &ScoreRow| shown.iter().any(|shown| shown.player == row.player);
    let missing = best.iter().filter(|row| !is_shown(row) && !playing.has(row));
    missing.take(room).cloned().collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use shared::api::{ScoreRow, Scoreboard};
    use shared::id::{PlayerId, PlayerName, RoomId};

    use super::{Playing, differing, missing};

    const ROOM: RoomId = RoomId::from_bits(5);

    fn row(player: u64, points: i64, playing: Option<RoomId>) -> ScoreRow {
        ScoreRow {
            player: PlayerId::from_bits(player),
            name: PlayerName::parse("Ada").unwrap(),
            bot: false,
            rating: 1_500,
            provisional: true,
            points,
            knockouts: 0,
            falls: 0,
            rounds: 1,
            wins: 0,
            playing,
        }
    }

    fn of(rows: &[ScoreRow]) -> HashMap<PlayerId, ScoreRow> {
        rows.iter().map(|row| (row.player, row.clone())).collect()
    }

    #[test]
    fn a_row_is_corrected_only_when_its_player_sits_nowhere() {
        let kept = [row(1, 3, None), row(2, 3, None), row(3, 3, None)];
        let shown = [row(1, 4, Some(ROOM)), row(2, 4, None), row(3, 3, None)];
        let nobody = Playing::default();
        assert_eq!(differing(&shown, &of(&kept), &nobody), [kept[0].clone(), kept[1].clone()]);

        // The first one sits in a private room: its row says nothing of it.
        let players = [PlayerId::from_bits(1)].into();
        let one = Playing { players, rooms: [RoomId::from_bits(9)].into() };
        assert_eq!(differing(&shown, &of(&kept), &one), [kept[1].clone()]);
    }

    #[test]
    fn a_bot_is_left_alone_while_its_room_is_there() {
        let shown = [ScoreRow { bot: true, ..row(1, 4, Some(ROOM)) }];
        let kept = [ScoreRow { bot: true, ..row(1, 3, None) }];
        let there = Playing { rooms: [ROOM].into(), ..Playing::default() };
        assert_eq!(differing(&shown, &of(&kept), &there), []);
        assert_eq!(differing(&shown, &of(&kept), &Playing::default()), kept);
    }

    #[test]
    fn a_row_that_is_missing_is_shown_if_there_is_room() {
        let best = [row(1, 3, None), row(2, 3, None)];
        assert_eq!(missing(&best[..1], &best, &Playing::default()), best[1..]);

        let full: Vec<_> = (1_000..1_000 + Scoreboard::ROWS_MAX as u64)
            .map(|player| row(player, 1, None))
            .collect();
        assert_eq!(missing(&full, &best, &Playing::default()), []);
    }
}
