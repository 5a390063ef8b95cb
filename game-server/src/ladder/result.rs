//! What rooms report about a round: tallies while it runs, and its result.

use std::cmp::Reverse;

use shared::id::RoomId;
use shared::sim::{Mode, Slot};

use crate::player::Player;

/// What a player has scored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Points, of either sign.
    pub points: i32,
    /// Other players pushed over the edge.
    pub knockouts: u32,
    /// Times over the edge.
    pub falls: u32,
}

/// A round that is over.
#[derive(Debug, Clone)]
pub struct RoundResult {
    /// The room.
    pub room: RoomId,
    /// The mode.
    pub mode: Mode,
    /// Points of the two teams.
    pub team_points: [i16; 2],
    /// The players, best first.
    pub standings: Vec<Standing>,
}

/// The result of one player.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The seat.
    pub slot: Slot,
    /// The player in it.
    pub player: Player,
    /// Whether it was a bot.
    pub bot: bool,
    /// 0 or 1 in Teams; 0 otherwise.
    pub team: u8,
    /// Points of the round.
    pub points: i32,
    /// Other players pushed over the edge.
    pub knockouts: u32,
    /// Times over the edge.
    pub falls: u32,
    /// Whether the round changes the rating.
    pub rated: bool,
}

impl Standing {
    /// The sort key: smaller is better, and equal keys share a rank.
    #[must_use]
    pub fn rank_key(&self) -> (Reverse<i32>, u32) {
        (Reverse(self.points), self.falls)
    }
}
