//! The ladder: a task that owns the points and ratings of all players while the server runs.
//!
//! Rooms report seats, scores and results. Each changed row is published once on the bus, and the feed `scoreboard`
//! brings it to the browsers. The recorder keeps the results, in one transaction with the replay.

mod board;
mod rating;
mod result;

use std::sync::Arc;

use shared::api::{ScoreRow, Scoreboard};
use shared::id::{PlayerId, RoomId};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};

use crate::bus::{Bus, Notice, StateOwner};
use crate::metrics::LadderMetrics;
use crate::player::Player;
use crate::player::Skill;
use crate::storage::{Ladder as KeptLadder, PlaceRecord, Players, StoreError};
use crate::tasks::Tasks;
use board::{Board, newcomer};

pub use result::{RoundResult, Standing, Tally};

/// Reports that wait for the task. When the queue is full, a report is dropped and counted: live points are then
/// wrong until the end of the round.
const REPORTS_MAX: usize = 4_096;

/// What a room reports.
#[derive(Debug)]
pub enum Report {
    /// A subscriber of the bus asks for the whole ladder.
    Republish,
    /// A player took a seat.
    Seated {
        /// The room.
        room: RoomId,
        /// Whether the ladder may show the room.
        public: bool,
        /// The player.
        player: Player,
        /// Whether it is a bot.
        bot: bool,
    },
    /// A player has another name.
    Renamed {
        /// The player under the new name.
        player: Player,
    },
    /// A player gave up a seat.
    Unseated {
        /// The room.
        room: RoomId,
        /// The player.
        player: PlayerId,
    },
    /// A player scored in a rated round.
    Scored {
        /// The room.
        room: RoomId,
        /// The player.
        player: PlayerId,
        /// The change.
        tally: Tally,
    },
    /// A rated round is over.
    Ended {
        /// The result.
        result: RoundResult,
        /// Receives the changes to each player, in the order of the standings.
        reply: oneshot::Sender<Vec<PlaceRecord>>,
    },
    /// A round ended without a result, or the room closed.
    Discarded {
        /// The room.
        room: RoomId,
    },
}

/// The address of the ladder task. Cheap to clone.
#[derive(Clone)]
pub struct LadderHandle {
    reports: mpsc::Sender<Report>,
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
    let (reports, inbox) = mpsc::channel(REPORTS_MAX);
    let board = Board::default();
    let ladder = Ladder { tasks: tasks.clone(), kept: kept.clone(), bus, board, inbox };
    tasks.spawn_vital("ladder", ladder.run());
    Ok(LadderHandle { reports, kept, metrics })
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
    /// Rates a round that is over. The answer holds the changes to each player, in the order of the standings; it comes
    /// soon, or never when the server stops.
    ///
    /// # Errors
    /// The result itself when the queue is full: try again.
    pub(crate) fn settle(
        &self,
        result: RoundResult,
    ) -> Result<oneshot::Receiver<Vec<PlaceRecord>>, RoundResult> {
        let (reply, answer) = oneshot::channel();
        match self.reports.try_send(Report::Ended { result, reply }) {
            Ok(()) => Ok(answer),
            Err(TrySendError::Full(Report::Ended { result, .. })) => Err(result),
            // The task has ended: the receiver reports that.
            Err(TrySendError::Full(_) | TrySendError::Closed(_)) => Ok(answer),
        }
    }

    /// Sends a report. Never waits; see [`REPORTS_MAX`] for a full queue.
    pub(crate) fn report(&self, report: Report) {
        if self.reports.try_send(report).is_err() {
            self.metrics.reports_dropped.add(1);
        }
    }

    /// A player's rating as it is shown.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn rating(&self, player: PlayerId) -> Result<i32, StoreError> {
        Ok(self.kept.skill(player).await?.shown())
    }
}

impl StateOwner for LadderHandle {
    fn republish(&self) {
        // The caller repeats a request that found the queue full.
        self.reports.try_send(Report::Republish).ok();
    }
}

struct Ladder {
    tasks: Tasks,
    kept: Arc<dyn KeptLadder>,
    bus: Arc<dyn Bus>,
    board: Board,
    inbox: mpsc::Receiver<Report>,
}

impl Ladder {
    async fn run(mut self) {
        let tasks = self.tasks.clone();
        loop {
            tokio::select! {
                biased; // Reports from before the stop still count.
                report = self.inbox.recv() => match report {
                    Some(report) => self.receive(report).await,
                    None => return,
                },
                () = tasks.stopping(), if !self.inbox.is_closed() => self.inbox.close(),
            }
        }
    }

    async fn receive(&mut self, report: Report) {
        match report {
            Report::Seated { room, public, player, bot } => {
                if let Err(error) = self.load(&player, bot).await {
                    log(&error);
                }
                self.change(player.id, |board| board.sit(room, public, &player, bot));
            }
            Report::Renamed { player } => {
                if let Err(error) = self.rename(&player).await {
                    log(&error);
                }
            }
            Report::Unseated { room, player } => {
                self.change(player, |board| board.stand(room, player));
            }
            Report::Scored { room, player, tally } => {
                self.change(player, |board| board.score(room, player, tally));
            }
            Report::Ended { result, reply } => {
                match self.settle(&result).await {
                    // A failed reply means that the room has ended: the result is then not kept.
                    Ok(records) => {
                        reply.send(records).ok();
                    }
                    // No result is better than one that treats every player as a newcomer.
                    Err(error) => log(&error),
                }
            }
            Report::Republish => self.publish_all().await,
            Report::Discarded { room } => {
                for player in self.board.discard(room) {
                    self.change(player, |_| ());
                }
            }
        }
        self.board.forget_some();
    }

    async fn settle(&mut self, result: &RoundResult) -> Result<Vec<PlaceRecord>, StoreError> {
        for standing in &result.standings {
            self.load(&standing.player, standing.bot).await?;
        }
        let skills: Vec<_> =
            result.standings.iter().map(|standing| self.board.skill(standing.player.id)).collect();
        let records = rating::rate(result, &skills);
        if result.mode.is_rated() {
            records.iter().for_each(|record| self.board.settle(result.room, record));
        }
        let cleared = self.board.clear(result.room);
        let left = records.iter().map(|record| record.player);
        left.chain(cleared).for_each(|player| self.change(player, |_| ()));
        Ok(records)
    }

    /// Shows a player under another name. A player who never finished a round, and has no seat, is in no row.
    async fn rename(&mut self, player: &Player) -> Result<(), StoreError> {
        if !self.board.knows(player.id) {
            let kept = self.kept.row_and_skill(player.id).await?;
            let Some((row, skill)) = kept.filter(|(row, _)| row.rounds > 0) else { return Ok(()) };
            self.board.add(row, skill);
        }
        self.change(player.id, |board| board.rename(player));
        Ok(())
    }

    /// Loads the player's row into the board, unless it is there.
    async fn load(&mut self, player: &Player, bot: bool) -> Result<(), StoreError> {
        if self.board.knows(player.id) {
            return Ok(());
        }
        let line = self.kept.row_and_skill(player.id).await?;
        let (row, skill) = line.unwrap_or_else(|| (newcomer(player, bot), Skill::NEWCOMER));
        self.board.add(row, skill);
        Ok(())
    }

    /// Changes one row and publishes it if it differs from the published one.
    fn change(&mut self, player: PlayerId, change: impl FnOnce(&mut Board)) {
        change(&mut self.board);
        if let Some(row) = self.board.take_changed(player) {
            self.publish(row);
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
