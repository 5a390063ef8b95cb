//! The ladder: a task that owns the rows of all players while the server runs.
//!
//! Rooms report seats and scores, and recorders the rounds that the store has settled. Each changed row is published once
//! on the bus, and the feed `scoreboard` brings it to the browsers. Ratings and totals belong to the store: a row here is a
//! copy with a revision, and over it the points of the rounds that run.
//!
//! On one of many nodes a copy may be old: the player has finished a round elsewhere since. Such a node keeps the rows of
//! those alone who play on it, reads them at each seat, and again when the scoreboard shows a newer one. Of a player who sits
//! on two nodes at once, the row that was published last is shown: each has the points of its own rounds only.
//!
//! Live points may be dropped (see `SCORES_MAX`). Everything else is kept in `changes`, which cannot fill up.

mod board;
mod changes;
mod tally;

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use shared::api::{ScoreRow, Scoreboard};
use shared::id::{PlayerId, RoomId};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use crate::bus::{Bus, Notice, StateOwner};
use crate::metrics::LadderMetrics;
use crate::player::{Player, Skill};
use crate::storage::{Ladder as KeptLadder, Players, RoundRecord, SettledPlace, StoreError};
use crate::tasks::Tasks;
use board::{Board, newcomer};
use changes::{Changes, Renamed, SettledRound, Taken};

pub use changes::Seated;
pub use tally::{Score, Tally};

/// Scores that wait for the task. When the queue is full, a score is dropped and counted: live points are then wrong
/// until the end of the round.
const SCORES_MAX: usize = 4_096;
/// The pause before a row that could not be read is read again.
const READ_AGAIN_AFTER: Duration = Duration::from_secs(1);
/// The part of the time to stop that is kept for what the ladder published last to be sent, and for the steps after that.
const STOP_RESERVE: Duration = Duration::from_millis(1_500);

/// The address of the ladder task. Cheap to clone.
#[derive(Clone)]
pub struct LadderHandle {
    changes: Arc<Changes>,
    scores: mpsc::Sender<Score>,
    kept: Arc<dyn KeptLadder>,
    metrics: LadderMetrics,
}

/// Puts the bots on the ladder and starts its task. `is_one_of_many` says whether other nodes change the same rows.
///
/// # Errors
/// When the store fails.
pub async fn start(
    tasks: &Tasks,
    players: &dyn Players,
    kept: Arc<dyn KeptLadder>,
    bus: Arc<dyn Bus>,
    is_one_of_many: bool,
    metrics: LadderMetrics,
) -> Result<LadderHandle, StoreError> {
    let bots = crate::bots::all().into_iter().map(|bot| bot.player).collect();
    players.upsert_bots(bots).await?;
    let (scores, inbox) = mpsc::channel(SCORES_MAX);
    let changes = Arc::new(Changes::default());
    let ladder = Ladder {
        tasks: tasks.clone(),
        kept: kept.clone(),
        bus,
        is_one_of_many,
        board: Board::default(),
        changes: changes.clone(),
        inbox,
        again_at: None,
    };
    tasks.spawn_vital("ladder", ladder.run());
    Ok(LadderHandle { changes, scores, kept, metrics })
}

/// The best rows that the store has.
///
/// # Errors
/// When the store fails.
pub async fn kept_scoreboard(kept: &dyn KeptLadder) -> Result<Scoreboard, StoreError> {
    let limit = u32::try_from(Scoreboard::ROWS_MAX).unwrap_or(u32::MAX);
    Ok(Scoreboard { rows: kept.ladder(limit).await? })
}

impl LadderHandle {
    /// A player took a seat in a room. Never lost.
    pub(crate) fn seated(&self, room: RoomId, seated: Seated) {
        self.changes.seated(room, seated);
    }

    /// A player gave up a seat. Never lost.
    pub(crate) fn unseated(&self, room: RoomId, player: PlayerId) {
        self.changes.unseated(room, player);
    }

    /// A room closed. Never lost.
    pub(crate) fn discarded(&self, room: RoomId) {
        self.changes.discarded(room);
    }

    /// A rated round is settled; without places it will never be. Never lost.
    pub(crate) fn settled(&self, round: &RoundRecord, places: &[SettledPlace]) {
        let (room, replay) = (round.result.room, round.replay.id);
        self.changes.settled(SettledRound { room, replay, places: places.to_vec() });
    }

    /// A player has another name. Never lost.
    pub(crate) fn renamed(&self, player: Player) {
        self.changes.renamed(Renamed { player, is_elsewhere: false });
    }

    /// Another node has given a player another name. Never lost.
    pub(crate) fn renamed_elsewhere(&self, player: Player) {
        self.changes.renamed(Renamed { player, is_elsewhere: true });
    }

    /// The scoreboard of all nodes shows these rows of players who are in rooms of this one. Never waits.
    pub(crate) fn shown(&self, rows: Vec<ScoreRow>) {
        self.changes.shown(rows);
    }

    /// A player scored. Never waits; see [`SCORES_MAX`] for a full queue.
    pub(crate) fn scored(&self, score: Score) {
        if self.scores.try_send(score).is_err() {
            self.metrics.reports_dropped.add(1);
        }
    }

    /// A player's rating as it is shown.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn rating(&self, player: PlayerId) -> Result<i32, StoreError> {
        let row = self.kept.row(player).await?;
        Ok(row.map_or(Skill::NEWCOMER.shown(), |row| row.rating))
    }
}

impl StateOwner for LadderHandle {
    fn republish(&self) {
        self.changes.republish();
    }
}

struct Ladder {
    tasks: Tasks,
    kept: Arc<dyn KeptLadder>,
    bus: Arc<dyn Bus>,
    is_one_of_many: bool,
    board: Board,
    changes: Arc<Changes>,
    inbox: mpsc::Receiver<Score>,
    /// Rows could not be read, and wait in `changes` for another attempt at this time.
    again_at: Option<Instant>,
}

impl Ladder {
    async fn run(mut self) {
        let tasks = self.tasks.clone();
        loop {
            tokio::select! {
                biased; // Who sits where goes before the points.
                () = self.changes.changed() => self.catch_up().await,
                () = at(self.again_at) => self.catch_up().await,
                Some(score) = self.inbox.recv() => self.score(score),
                () = tasks.stopping() => break,
            }
        }
        if self.is_one_of_many {
            tokio::select! {
                () = self.end() => {}
                () = tasks.stop_overdue(STOP_RESERVE) => {}
            }
        }
        self.bus.end_of_scores();
    }

    /// While the server stops, its rooms still end, and the points of their unfinished rounds with them: other nodes go on
    /// showing what is published last.
    async fn end(&mut self) {
        loop {
            self.catch_up().await;
            if !self.board.has_rooms() {
                return;
            }
            self.changes.changed().await;
        }
    }

    fn score(&mut self, score: Score) {
        self.change(score.player, |board| board.score(score));
    }

    /// Takes in what rooms and recorders have left.
    async fn catch_up(&mut self) {
        let Taken { rooms, renamed, shown, settled, settled_until, lacks_results, republish } =
            self.changes.take();
        self.again_at = None;
        for (room, changes) in rooms {
            if changes.is_discarded {
                let left = self.board.discard(room);
                self.publish_changed(left);
            }
            for (player, seat) in changes.seats {
                match seat {
                    Some(seated) => self.sit(room, seated).await,
                    None => self.change(player, |board| board.stand(room, player)),
                }
            }
        }
        if !settled.is_empty() {
            // A room reports the last points of a round before its result. Taken in afterwards, they would count twice.
            while let Ok(score) = self.inbox.try_recv() {
                self.score(score);
            }
        }
        for SettledRound { room, replay, places } in settled {
            let settled = places.into_iter().map(|place| self.board.settle(place));
            let mut changed: Vec<_> = settled.collect();
            changed.extend(self.board.clear(room, replay));
            self.publish_changed(changed);
        }
        for (room, replay) in settled_until {
            let changed = self.board.clear_until(room, replay);
            self.publish_changed(changed);
        }
        for renamed in renamed.into_values() {
            self.rename(renamed).await;
        }
        for row in shown.into_values() {
            self.compare(&row).await;
        }
        if lacks_results {
            self.read_again().await;
        }
        if republish {
            self.publish_all().await;
        }
        if self.is_one_of_many {
            self.board.forget_absent();
        } else {
            self.board.forget_some();
        }
    }

    async fn sit(&mut self, room: RoomId, seated: Seated) {
        if self.is_one_of_many || !self.board.knows(seated.player.id) {
            match self.kept.row_and_revision(seated.player.id).await {
                Ok(Some((row, revision))) => self.board.replace(row, revision),
                Ok(None) if self.board.knows(seated.player.id) => {}
                Ok(None) => self.board.add(newcomer(&seated.player, seated.bot), 0),
                Err(error) => {
                    log(&error);
                    self.changes.put_back(room, seated);
                    self.try_again();
                    return;
                }
            }
        }
        let player = seated.player.id;
        self.change(player, |board| board.sit(room, &seated));
    }

    /// Shows a player under another name. A player who never finished a round, and has no seat, is in no row.
    async fn rename(&mut self, renamed: Renamed) {
        let player = renamed.player.id;
        if !self.board.knows(player) {
            if renamed.is_elsewhere {
                return;
            }
            match self.kept.row_and_revision(player).await {
                Ok(Some((row, revision))) if row.rounds > 0 => self.board.add(row, revision),
                Ok(_) => return,
                Err(error) => {
                    log(&error);
                    self.changes.put_back_name(renamed);
                    self.try_again();
                    return;
                }
            }
        }
        self.change(player, |board| board.rename(&renamed.player));
    }

    /// Reads a row again that another node has changed since, and publishes it. Does nothing when it cannot be read: the next
    /// look at the scoreboard finds it again.
    async fn compare(&mut self, shown: &ScoreRow) {
        if !self.board.is_behind(shown) {
            return;
        }
        let player = shown.player;
        match self.kept.row_and_revision(player).await {
            Ok(Some((row, revision))) => self.change(player, |board| {
                board.replace(row, revision);
                board.take_again(player);
            }),
            Ok(None) => {}
            Err(error) => log(&error),
        }
    }

    /// Reads every row anew, and every name, which may be new without a new revision.
    async fn read_again(&mut self) {
        for player in self.board.players() {
            match self.kept.row_and_revision(player).await {
                Ok(Some((row, revision))) => {
                    let named = Player { id: player, name: row.name.clone() };
                    self.change(player, |board| {
                        board.replace(row, revision);
                        board.rename(&named);
                    });
                }
                Ok(None) => {}
                Err(error) => {
                    log(&error);
                    self.changes.lack_results();
                    return self.try_again();
                }
            }
        }
    }

    fn try_again(&mut self) {
        self.again_at = Some(Instant::now() + READ_AGAIN_AFTER);
    }

    /// Changes one row and publishes it if it differs from the published one.
    fn change(&mut self, player: PlayerId, change: impl FnOnce(&mut Board)) {
        change(&mut self.board);
        self.publish_changed(vec![player]);
    }

    fn publish_changed(&mut self, players: Vec<PlayerId>) {
        for player in players {
            if let Some(row) = self.board.take_changed(player) {
                self.publish(row);
            }
        }
    }

    /// Publishes the whole ladder, for a subscriber that missed a part of it: the kept rows, and over them the changes of
    /// the running rounds. On one of many nodes those alone: what is kept, all of them know.
    async fn publish_all(&self) {
        if self.is_one_of_many {
            return self.bus.publish(Notice::Scores(Scoreboard { rows: self.board.rows() }));
        }
        match kept_scoreboard(&*self.kept).await {
            Ok(mut scoreboard) => {
                self.board.rows().into_iter().for_each(|row| scoreboard.upsert(row));
                self.bus.publish(Notice::Scores(scoreboard));
            }
            Err(error) => log(&error),
        }
    }

    fn publish(&self, row: ScoreRow) {
        self.bus.publish(Notice::Score(row));
    }
}

/// Waits until then. Without a time it never ends.
async fn at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => pending().await,
    }
}

fn log(error: &StoreError) {
    let error = error as &dyn std::error::Error;
    tracing::error!(error, "a row of the ladder could not be read");
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use shared::api::ReplaySummary;
    use shared::id::{PlayerId, PlayerName, ReplayId, RoomId};
    use shared::sim::Mode;
    use tokio::task::yield_now;
    use tokio::time::timeout;

    use super::{Score, Seated, Tally};
    use crate::player::Player;
    use crate::rating::RoundResult;
    use crate::storage::RoundRecord;
    use crate::testing::Bench;

    const ROOM: RoomId = RoomId::from_bits(5);

    /// A round that has no result.
    fn round(id: u64) -> RoundRecord {
        let (mode, players) = (Mode::Duel, Vec::new());
        let (id, room, complete) = (ReplayId::from_bits(id), ROOM, true);
        let replay = ReplaySummary {
            id,
            room,
            mode,
            started_at_ms: 1,
            ticks: 60,
            bytes: 9,
            complete,
            players,
        };
        let result =
            RoundResult { room, mode, is_rated: true, team_points: [0; 2], standings: Vec::new() };
        RoundRecord { replay, ended_at_ms: 2, result }
    }

    #[tokio::test]
    async fn points_that_wait_while_their_round_is_settled_do_not_count_twice() {
        let bench = Bench::start().await;
        let ladder = &bench.app.ladder;
        let ada = Player { id: PlayerId::from_bits(1), name: PlayerName::parse("Ada").unwrap() };
        let score = |replay, points| Score {
            room: ROOM,
            replay,
            player: ada.id,
            tally: Tally { points, ..Tally::default() },
        };
        let (first, second) = (round(7), ReplayId::from_bits(8));

        // All of it is there before the ladder runs.
        ladder.seated(ROOM, Seated { public: true, player: ada.clone(), bot: false });
        ladder.scored(score(first.replay.id, 3));
        ladder.settled(&first, &[]);
        ladder.scored(score(second, 1));

        let shows_the_second_round = async {
            let points = || {
                let of_ada = |board: &shared::api::Scoreboard| {
                    board.rows.iter().find(|row| row.player == ada.id).map(|row| row.points)
                };
                bench.app.feeds.scoreboard.with_state(of_ada)
            };
            while points() != Some(1) {
                yield_now().await;
            }
        };
        timeout(Duration::from_secs(10), shows_the_second_round).await.expect("one point");
    }
}
