//! The ladder: a task that owns everybody's points and ratings while the server runs.
//!
//! Rooms tell it who sits down, what happens, and how a round ended. Each change of a line is published
//! once; the feed `scoreboard` brings it to the browsers. Keeping the results is the recorder's work, in
//! one transaction with the replay.

mod board;
mod rating;
mod standing;

use std::sync::Arc;

use futures_util::StreamExt as _;
use shared::api::{ScoreRow, Scoreboard};
use shared::id::{PlayerId, RoomId};
use shared::sim::Mode;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};

use crate::bus::{Bus, Delivery, Notice};
use crate::player::Player;
use crate::player::Skill;
use crate::storage::{Ladder as KeptLadder, PlaceRecord, Players, StoreError};
use crate::tasks::Tasks;
use board::Board;

pub use standing::Standing;

/// Reports that may wait. When as many wait, a room's report is dropped: live points are then behind until
/// the round's end puts them right.
const REPORTS_MAX: usize = 4_096;

/// What a room tells.
#[derive(Debug)]
pub enum Report {
    /// Somebody took a seat.
    Seated {
        /// Where.
        room: RoomId,
        /// Whether the ladder may say where.
        public: bool,
        /// Who.
        player: Player,
        /// Whether it is a bot.
        bot: bool,
    },
    /// Somebody gave a seat up.
    Unseated {
        /// Where.
        room: RoomId,
        /// Who.
        player: PlayerId,
    },
    /// Something that counts happened in a rated round.
    Scored {
        /// Where.
        room: RoomId,
        /// To whom.
        player: PlayerId,
        /// How much.
        tally: Tally,
    },
    /// A rated round is over.
    Ended {
        /// The result.
        result: RoundResult,
        /// Gets what it did to each, in the order of the standings.
        reply: oneshot::Sender<Vec<PlaceRecord>>,
    },
    /// A round ended without a result, or the room closed.
    Discarded {
        /// Where.
        room: RoomId,
    },
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Points, of either sign.
    pub points: i32,
    /// Others pushed over the edge.
    pub knockouts: u32,
    /// Times over the edge.
    pub falls: u32,
}

/// A round that is over.
#[derive(Debug, Clone)]
pub struct RoundResult {
    /// Where it was played.
    pub room: RoomId,
    /// The rules.
    pub mode: Mode,
    /// Points of the two teams.
    pub team_points: [i16; 2],
    /// Best first.
    pub standings: Vec<Standing>,
}

/// The address of the ladder.
#[derive(Clone)]
pub struct LadderHandle {
    reports: mpsc::Sender<Report>,
    kept: Arc<dyn KeptLadder>,
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
) -> Result<LadderHandle, StoreError> {
    let bots = crate::bots::all().into_iter().map(|bot| bot.player).collect();
    players.upsert_bots(bots).await?;
    let (reports, inbox) = mpsc::channel(REPORTS_MAX);
    let board = Board::default();
    let ladder = Ladder { tasks: tasks.clone(), kept: kept.clone(), bus, board, inbox };
    tasks.spawn(ladder.run());
    Ok(LadderHandle { reports, kept })
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
    /// A rated round is over. The answer is what it did to each, in the order of the standings; it comes soon,
    /// or never when the server stops.
    ///
    /// # Errors
    /// Gives the result back when the ladder is behind: try again.
    pub(crate) fn settle(
        &self,
        result: RoundResult,
    ) -> Result<oneshot::Receiver<Vec<PlaceRecord>>, RoundResult> {
        let (reply, answer) = oneshot::channel();
        match self.reports.try_send(Report::Ended { result, reply }) {
            Ok(()) => Ok(answer),
            Err(TrySendError::Full(Report::Ended { result, .. })) => Err(result),
            // The ladder has stopped: the answer says so.
            Err(TrySendError::Full(_) | TrySendError::Closed(_)) => Ok(answer),
        }
    }

    /// Tells the ladder something. Never waits; see [`REPORTS_MAX`] for what happens when it is behind.
    pub(crate) fn tell(&self, report: Report) {
        if self.reports.try_send(report).is_err() {
            metrics::counter!("pushback_score_reports_dropped_total").increment(1);
        }
    }

    /// Somebody's rating as people see it.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn rating(&self, player: PlayerId) -> Result<i32, StoreError> {
        Ok(self.kept.skill(player).await?.shown())
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
        let mut notices = self.bus.subscribe();
        let tasks = self.tasks.clone();
        loop {
            tokio::select! {
                biased; // What was reported before the stop counts.
                report = self.inbox.recv() => match report {
                    Some(report) => self.take(report).await,
                    None => return,
                },
                () = tasks.stopping(), if !self.inbox.is_closed() => self.inbox.close(),
                Some(delivery) = notices.next() => match delivery {
                    Delivery::Notice(Notice::Resend) => self.publish_all().await,
                    Delivery::Notice(
                        Notice::Score(_)
                        | Notice::Scores(_)
                        | Notice::Room(_)
                        | Notice::Rooms(_)
                        | Notice::RoomClosed(_),
                    )
                    | Delivery::Missed(_) => {}
                },
            }
        }
    }

    async fn take(&mut self, report: Report) {
        match report {
            Report::Seated { room, public, player, bot } => {
                if let Err(error) = self.load(&player, bot).await {
                    log(&error);
                }
                self.change(player.id, |board| board.sit(room, public, &player, bot));
            }
            Report::Unseated { room, player } => {
                self.change(player, |board| board.stand(room, player));
            }
            Report::Scored { room, player, tally } => {
                self.change(player, |board| board.score(room, player, tally));
            }
            Report::Ended { result, reply } => {
                match self.settle(&result).await {
                    // A room that did not wait for it has ended: the result is not kept then.
                    Ok(records) => {
                        reply.send(records).ok();
                    }
                    // Better no result than one that makes newcomers of everybody.
                    Err(error) => log(&error),
                }
            }
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

    /// Makes sure that the board has the player's line.
    async fn load(&mut self, player: &Player, bot: bool) -> Result<(), StoreError> {
        if self.board.knows(player.id) {
            return Ok(());
        }
        let line = self.kept.line(player.id).await?;
        let (row, skill) = line.unwrap_or_else(|| (newcomer(player, bot), Skill::NEWCOMER));
        self.board.add(row, skill);
        Ok(())
    }

    /// Changes one line and publishes it when it became another.
    fn change(&mut self, player: PlayerId, change: impl FnOnce(&mut Board)) {
        change(&mut self.board);
        if let Some(row) = self.board.take_changed(player) {
            self.publish(row);
        }
    }

    /// Tells the whole ladder, for somebody who missed a part of it: what is kept, and over it what the running
    /// rounds have added.
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
    tracing::error!(error, "a line of the ladder could not be read");
}

fn newcomer(player: &Player, bot: bool) -> ScoreRow {
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
