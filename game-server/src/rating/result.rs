//! A round that is over, as its room reports it.

use std::cmp::Reverse;

use serde::{Deserialize, Serialize};
use shared::id::RoomId;
use shared::sim::{Mode, Slot};

use crate::player::Player;

/// A round that is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoundResult {
    /// The room.
    pub room: RoomId,
    /// The mode.
    pub mode: Mode,
    /// Whether the round changes ratings and totals: of a rated mode, in a public room.
    pub is_rated: bool,
    /// Points of the two teams.
    pub team_points: [i16; 2],
    /// The players, best first.
    pub standings: Vec<Standing>,
}

/// The result of one player.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
    /// Whether the round changes the rating of this player: not of one who came late or left the controls alone.
    pub rated: bool,
}

impl Standing {
    /// The sort key: smaller is better, and equal keys share a rank.
    #[must_use]
    pub fn rank_key(&self) -> (Reverse<i32>, u32) {
        (Reverse(self.points), self.falls)
    }
}
