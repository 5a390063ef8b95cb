//! What one player reached in a round, as the ladder judges it.

use std::cmp::Reverse;

use shared::sim::Slot;

use crate::player::Player;

/// What one player reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The seat.
    pub slot: Slot,
    /// Who sat there.
    pub player: Player,
    /// Whether it was a bot.
    pub bot: bool,
    /// 0 or 1 in Teams; 0 otherwise.
    pub team: u8,
    /// Points of the round.
    pub points: i32,
    /// Others pushed over the edge.
    pub knockouts: u32,
    /// Times over the edge.
    pub falls: u32,
    /// Whether the round changes the rating.
    pub rated: bool,
}

impl Standing {
    /// Smaller is better. Equal ones share a rank.
    #[must_use]
    pub fn rank_key(&self) -> (Reverse<i32>, u32) {
        (Reverse(self.points), self.falls)
    }
}
