//! A round that is over: its result is shown until the next round begins.

use std::time::{Duration, Instant};

use shared::api::ReplayPlayer;
use shared::id::ReplayId;
use shared::protocol::{RoundSummary, ServerMessage};
use shared::sim::World;

use super::standings::{replay_players, results};
use crate::clock::Now;
use crate::ladder::{RoundResult, Standing};
use crate::recordings::{Ending, Finished};
use crate::storage::PlaceRecord;

/// A result is shown for at least a third of its time, however eager the players are.
const SHOWN_AT_LEAST: u32 = 3;

/// The end of a round.
pub(in crate::room) struct Summary {
    began: Instant,
    ends: Instant,
    result: RoundResult,
    ended_at_ms: u64,
    replay: ReplayId,
    /// The world as it ended, until the ladder has settled the result.
    unsettled: Option<World>,
}

impl Summary {
    pub(super) fn new(
        result: RoundResult,
        replay: ReplayId,
        world: World,
        shown_for: Duration,
        now: Now,
    ) -> Self {
        Self {
            began: now.at,
            ends: now.at + shown_for,
            result,
            ended_at_ms: now.unix_ms,
            replay,
            unsettled: Some(world),
        }
    }

    /// The points of the round that is over.
    pub(in crate::room) fn standings(&self) -> &[Standing] {
        &self.result.standings
    }

    /// Whether the next round may begin: when the time is up or, if all players want it, sooner.
    pub(super) fn is_done(&self, now: Instant, all_want_rematch: bool) -> bool {
        let eager_at = self.began + (self.ends - self.began) / SHOWN_AT_LEAST;
        self.unsettled.is_none() && (now >= self.ends || (all_want_rematch && now >= eager_at))
    }

    /// The ladder has settled the result; `records` are in the order of the standings. Returns the ending of the
    /// recording and the message for the players. `None` when the result was settled before.
    pub(super) fn settle(
        &mut self,
        records: &[PlaceRecord],
        now: Instant,
    ) -> Option<(Ending, ServerMessage)> {
        let world = self.unsettled.take()?;
        let is_rated = self.result.mode.is_rated();
        let ending = Ending::Finished(Box::new(Finished {
            world,
            players: self.players(),
            // Practice changes no totals.
            places: if is_rated { records.to_vec() } else { Vec::new() },
            ended_at_ms: self.ended_at_ms,
        }));
        Some((ending, self.message(records, self.ends.saturating_duration_since(now))))
    }

    /// The ladder has no result: the recording ends without one.
    pub(super) fn give_up(&mut self) -> Option<Ending> {
        let world = self.unsettled.take()?;
        Some(Ending::CutOff { players: self.players(), ticks: world.elapsed() })
    }

    fn players(&self) -> Vec<ReplayPlayer> {
        replay_players(&self.result.standings, self.result.mode.has_teams())
    }

    fn message(&self, records: &[PlaceRecord], left: Duration) -> ServerMessage {
        let seconds = left.as_secs() + u64::from(left.subsec_millis() > 0);
        ServerMessage::Summary(RoundSummary {
            results: results(&self.result.standings, records, self.result.mode.has_teams()),
            next_round_in_s: u32::try_from(seconds).unwrap_or(u32::MAX),
            replay: self.replay,
        })
    }
}
