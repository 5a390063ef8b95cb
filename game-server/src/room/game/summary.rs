//! A round that is over: its result is shown until the next round begins.

use std::time::{Duration, Instant};

use shared::id::ReplayId;
use shared::protocol::{Ratings, RoundSummary, ServerMessage};

use super::standings::results;
use crate::rating::{RoundResult, Standing};
use crate::storage::SettledPlace;

/// A result is shown for at least a third of its time, however eager the players are.
const SHOWN_AT_LEAST: u32 = 3;

/// The end of a round.
pub(in crate::room) struct Summary {
    began: Instant,
    ends: Instant,
    result: RoundResult,
    replay: ReplayId,
    /// Whether the players have the result.
    is_told: bool,
}

impl Summary {
    pub(super) fn new(
        result: RoundResult,
        replay: ReplayId,
        shown_for: Duration,
        now: Instant,
    ) -> Self {
        Self { began: now, ends: now + shown_for, result, replay, is_told: false }
    }

    /// The points of the round that is over.
    pub(in crate::room) fn standings(&self) -> &[Standing] {
        &self.result.standings
    }

    /// Whether the next round may begin: when the time is up or, if all players want it, sooner.
    pub(super) fn is_done(&self, now: Instant, all_want_rematch: bool) -> bool {
        let eager_at = self.began + (self.ends - self.began) / SHOWN_AT_LEAST;
        self.is_told && (now >= self.ends || (all_want_rematch && now >= eager_at))
    }

    /// The message for the players. `places` are in the order of the standings; `None` when the store takes too long.
    /// `None` when the players have it already.
    pub(super) fn tell(
        &mut self,
        places: Option<&[SettledPlace]>,
        now: Instant,
    ) -> Option<ServerMessage> {
        if core::mem::replace(&mut self.is_told, true) {
            return None;
        }
        let left = self.ends.saturating_duration_since(now);
        let seconds = left.as_secs() + u64::from(left.subsec_millis() > 0);
        let has_teams = self.result.mode.has_teams();
        Some(ServerMessage::Summary(RoundSummary {
            results: results(&self.result.standings, places.unwrap_or_default(), has_teams),
            next_round_in_s: u32::try_from(seconds).unwrap_or(u32::MAX),
            replay: self.replay,
            ratings: match places {
                _ if !self.result.is_rated => Ratings::Unrated,
                Some(_) => Ratings::Settled,
                None => Ratings::Pending,
            },
        }))
    }
}
