//! The ladder: a task that owns the rows of all players while the server runs.
//!
//! Rooms report seats and scores, and recorders the rounds that the store has settled. Each changed row is published once
//! on the bus, and the feed `scoreboard` brings it to the browsers. Ratings and totals belong to the store: a row here is a
//! copy with a revision, and over it the points of the rounds that run.
//!
//! Live points may be dropped (see `SCORES_MAX`). Everything else is kept in `changes`, which cannot fill up.

mod board;
mod changes;
mod tally;

use std::sync::Arc;
use std::time::Duration;

use shared::api::{ScoreRow, Scoreboard};
use shared::id::{PlayerId, RoomId};
use tokio::sync::mpsc;
use tokio::time::sleep;

use crate::bus::{Bus, Notice, StateOwner};
use crate::metrics::LadderMetrics;
use crate::player::{Player, Skill};
use crate::storage::{Ladder as KeptLadder, Players, RoundRecord, SettledPlace, StoreError};
use crate::tasks::Tasks;
use board::{Board, newcomer};
use changes::{Changes, SettledRound, Taken};

pub use changes::Seated;
pub use tally::{Score, Tally};

/// Scores that wait for the task. When the queue is full, a score is dropped and counted: live points are then wrong
/// until the end of the round.
const SCORES_MAX: usize = 4_096;
/// The pause before a row that could not be read is read again.
const READ_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// The address of the ladder task. Cheap to clone.
#[derive(Clone)]
pub struct LadderHandle {
    changes: Arc<Changes>,
    scores: mpsc::Sender<Score>,
    kept: Arc<dyn KeptLadder>,
    metrics: LadderMetrics,
}

/// Puts the bots on the ladder and starts its task.
///
/// # Errors
/// When the store fails.
pub async fn start(
    tasks: &Tasks,
    players: &dyn Players,
    kept: Arc<dyn KeptLadder>,
    bus: Arc<dyn Bus>,
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
        board: Board::default(),
        changes: changes.clone(),
        inbox,
        is_behind: false,
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
        self.changes.renamed(player);
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
    board: Board,
    changes: Arc<Changes>,
    inbox: mpsc::Receiver<Score>,
    /// Rows could not be read, and wait in `changes` for another attempt.
    is_behind: bool,
}

impl Ladder {
    async fn run(mut self) {
        let tasks = self.tasks.clone();
        loop {
            tokio::select! {
                biased; // Who sits where goes before the points.
                () = self.changes.changed() => self.catch_up().await,
                () = sleep(READ_AGAIN_AFTER), if self.is_behind => self.catch_up().await,
                Some(score) = self.inbox.recv() => self.score(score),
                () = tasks.stopping() => return,
            }
        }
    }

    fn score(&mut self, score: Score) {
        self.change(score.player, |board| board.score(score));
    }

    /// Takes in what rooms and recorders have left.
    async fn catch_up(&mut self) {
        let Taken { rooms, renamed, settled, lacks_results, republish } = self.changes.take();
        self.is_behind = false;
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
        for SettledRound { room, replay, places } in settled {
            let settled = places.into_iter().map(|place| self.board.settle(place));
            let mut changed: Vec<_> = settled.collect();
            changed.extend(self.board.clear(room, replay));
            self.publish_changed(changed);
        }
        for player in renamed.into_values() {
            self.rename(player).await;
        }
        if lacks_results {
            self.read_again().await;
        }
        if republish {
            self.publish_all().await;
        }
        self.board.forget_some();
    }

    async fn sit(&mut self, room: RoomId, seated: Seated) {
        if !self.board.knows(seated.player.id) {
            match self.kept.row_and_revision(seated.player.id).await {
                Ok(Some((row, revision))) => self.board.add(row, revision),
                Ok(None) => self.board.add(newcomer(&seated.player, seated.bot), 0),
                Err(error) => {
                    log(&error);
                    self.changes.put_back(room, seated);
                    self.is_behind = true;
                    return;
                }
            }
        }
        let player = seated.player.id;
        self.change(player, |board| board.sit(room, &seated));
    }

    /// Shows a player under another name. A player who never finished a round, and has no seat, is in no row.
    async fn rename(&mut self, player: Player) {
        if !self.board.knows(player.id) {
            match self.kept.row_and_revision(player.id).await {
                Ok(Some((row, revision))) if row.rounds > 0 => self.board.add(row, revision),
                Ok(_) => return,
                Err(error) => {
                    log(&error);
                    self.changes.put_back_name(player);
                    self.is_behind = true;
                    return;
                }
            }
        }
        self.change(player.id, |board| board.rename(&player));
    }

    /// Reads every row anew.
    async fn read_again(&mut self) {
        for player in self.board.players() {
            match self.kept.row_and_revision(player).await {
                Ok(Some((row, revision))) => {
                    self.change(player, |board| board.replace(row, revision));
                }
                Ok(None) => {}
                Err(error) => log(&error),
            }
        }
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
    /// the running rounds.
    async fn publish_all(&self) {
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

fn log(error: &StoreError) {
    let error = error as &dyn std::error::Error;
    tracing::error!(error, "a row of the ladder could not be read");
}
