//! How a round ends, what is shown after it, and how a room closes.

use std::time::{Duration, Instant};

use shared::api::ReplayPlayer;
use shared::id::ReplayId;
use shared::protocol::{RoundSummary, ServerMessage, close};
use shared::sim::World;
use tokio::sync::oneshot;
use tokio::sync::oneshot::error::TryRecvError;

use super::news::News;
use super::round::Round;
use super::running::{Room, Stage};
use super::seats::Seat;
use super::standings::{places, replay_players};
use crate::clock::now_ms;
use crate::ladder::{LadderHandle, RoundResult, Standing};
use crate::recordings::{Ending, Finished, Tape};
use crate::socket::Closing;
use crate::storage::PlaceRecord;

/// A summary is shown for at least a third of its time, however eager the players are.
const SHOWN_AT_LEAST: u32 = 3;
/// A closing room waits so long for the result of its last round.
const RESULT_WITHIN: Duration = Duration::from_secs(1);

/// A round that is over.
pub(super) struct Summary {
    began: Instant,
    ends: Instant,
    result: RoundResult,
    ended_at_ms: u64,
    replay: ReplayId,
    /// Until the result is known.
    open: Option<Open>,
}

/// A round whose result is not known yet.
struct Open {
    tape: Tape,
    world: World,
    /// Nothing until the ladder took the question.
    answer: Option<oneshot::Receiver<Vec<PlaceRecord>>>,
}

impl Room {
    /// Time is up, or nobody plays on.
    pub(super) fn end_round(&mut self, now: Instant) {
        let mut round = match core::mem::replace(&mut self.stage, Stage::Parked) {
            Stage::Round(round) => round,
            // A summary may still wait for its result.
            other => {
                self.stage = other;
                return;
            }
        };
        if !round.counts() {
            self.begin_round(now);
            return;
        }
        round.stop(&self.outbox);
        if let Some(summary) = self.summarise(*round, now) {
            self.stage = Stage::Summary(Box::new(summary));
            self.watch_summary(now);
        }
        self.list(now, true);
    }

    fn summarise(&self, round: Round, now: Instant) -> Option<Summary> {
        let standings = round.standings(&self.seats);
        let winner = standings.first();
        tracing::info!(
            room = %self.spec.id,
            round = self.rounds,
            winner = winner.map(|standing| standing.player.name.as_str()),
            points = winner.map(|standing| standing.points),
            players = standings.len(),
            "round finished"
        );
        metrics::counter!("pushback_rounds_total").increment(1);
        let result = RoundResult {
            room: self.spec.id,
            mode: self.spec.mode,
            team_points: round.team_points(),
            standings,
        };
        let replay = round.replay()?;
        let (tape, world) = round.into_parts();
        Some(Summary {
            began: now,
            ends: now + self.with.settings.summary,
            result,
            ended_at_ms: now_ms(),
            replay,
            open: tape.map(|tape| Open { tape, world, answer: None }),
        })
    }

    /// Waits for the result, then for the next round.
    pub(super) fn watch_summary(&mut self, now: Instant) {
        let Stage::Summary(summary) = &mut self.stage else { return };
        let left = summary.ends.saturating_duration_since(now);
        if let Some(records) = summary.settle(&self.with.ladder) {
            self.outbox.message(&summary.message(&records, left));
        }
        let eager = now >= summary.began + (summary.ends - summary.began) / SHOWN_AT_LEAST
            && self.seats.people() > 0
            && self
                .seats
                .iter()
                .filter_map(Seat::line)
                .all(|line| line.wants_rematch() == Some(true));
        if summary.open.is_none() && (left.is_zero() || eager) {
            self.next_round(now);
        }
    }

    fn next_round(&mut self, now: Instant) {
        let declined = |seat: &&Seat| seat.line().is_some_and(|l| l.wants_rematch() == Some(false));
        let declined: Vec<_> = self.seats.iter().filter(declined).map(|seat| seat.slot).collect();
        let news = News::until(self.outbox.end(), self.beats);
        for slot in declined {
            let seat = self.seats.iter_mut().find(|seat| seat.slot == slot);
            if let Some(line) = seat.and_then(Seat::line_mut) {
                let why = (close::NORMAL, "you did not want another round");
                self.farewells.extend(line.dismiss(why, now, news));
            }
            self.unseat(slot);
        }
        self.stage = Stage::Parked;
        self.notice_emptiness(now);
        self.change_seats(now);
    }

    /// Ends everything: connections are told, recordings end, the list forgets the room.
    pub(super) async fn close(mut self, closing: Closing) {
        let now = Instant::now();
        let stops = closing.0 == close::RESTART;
        if !stops {
            // Everybody left a round that still ran: it counts as it stands.
            self.end_round(now);
        }
        // From here on the room has ended for all others. It is not listed any more: that would be after its end.
        self.requests.close();
        self.dismiss_all(closing, now);
        match core::mem::replace(&mut self.stage, Stage::Parked) {
            Stage::Parked => {}
            Stage::Round(round) => self.cut_off(*round),
            Stage::Summary(summary) => summary.await_result(&self.with.ladder).await,
        }
        self.part().await;
        tracing::info!(room = %self.spec.id, rounds = self.rounds, why = closing.1, "room closed");
    }

    fn cut_off(&self, round: Round) {
        let standings = round.standings(&self.seats);
        let ticks = round.world().elapsed();
        if let (Some(tape), _) = round.into_parts() {
            let players = replay_players(&standings, self.spec.mode.has_teams());
            tape.end(Ending::CutOff { players, ticks });
        }
    }
}

impl Summary {
    /// Asks for the result until it is there; then ends the tape and tells the result once.
    fn settle(&mut self, ladder: &LadderHandle) -> Option<Vec<PlaceRecord>> {
        let open = self.open.as_mut()?;
        if open.answer.is_none() {
            // When the ladder is behind, it is asked again in the next tick.
            open.answer = ladder.settle(self.result.clone()).ok();
        }
        match open.answer.as_mut()?.try_recv() {
            Ok(records) => {
                self.finish(&records);
                Some(records)
            }
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Closed) => {
                self.cut_off();
                None
            }
        }
    }

    /// For a room that closes.
    async fn await_result(mut self: Box<Self>, ladder: &LadderHandle) {
        let Some(mut open) = self.open.take() else { return };
        let answer = open.answer.take().or_else(|| ladder.settle(self.result.clone()).ok());
        let records = match answer {
            Some(answer) => tokio::time::timeout(RESULT_WITHIN, answer).await.ok(),
            None => None,
        };
        self.open = Some(open);
        match records {
            Some(Ok(records)) => self.finish(&records),
            Some(Err(_)) | None => self.cut_off(),
        }
    }

    fn finish(&mut self, records: &[PlaceRecord]) {
        let Some(Open { tape, world, .. }) = self.open.take() else { return };
        // Practice changes nobody's totals.
        let places = if self.result.mode.is_rated() { records.to_vec() } else { Vec::new() };
        tape.end(Ending::Finished(Box::new(Finished {
            world,
            players: self.players(),
            places,
            ended_at_ms: self.ended_at_ms,
        })));
    }

    fn cut_off(&mut self) {
        let Some(Open { tape, world, .. }) = self.open.take() else { return };
        tracing::warn!(room = %self.result.room, "a round ended without a result");
        tape.end(Ending::CutOff { players: self.players(), ticks: world.elapsed() });
    }

    /// What was reached in the round that is over.
    pub(super) fn standings(&self) -> &[Standing] {
        &self.result.standings
    }

    fn players(&self) -> Vec<ReplayPlayer> {
        replay_players(&self.result.standings, self.result.mode.has_teams())
    }

    fn message(&self, records: &[PlaceRecord], left: Duration) -> ServerMessage {
        let standings: &[Standing] = &self.result.standings;
        let seconds = left.as_secs() + u64::from(left.subsec_millis() > 0);
        ServerMessage::Summary(RoundSummary {
            results: places(standings, records, self.result.mode.has_teams()),
            next_round_in_s: u32::try_from(seconds).unwrap_or(u32::MAX),
            replay: self.replay,
        })
    }
}

#[cfg(test)]
mod tests;
