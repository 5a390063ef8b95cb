//! What a player has scored in a running round.

use shared::id::{PlayerId, ReplayId, RoomId};

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

/// A player scored in a rated round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Score {
    /// The room.
    pub room: RoomId,
    /// The recording of the round.
    pub replay: ReplayId,
    /// The player.
    pub player: PlayerId,
    /// The change.
    pub tally: Tally,
}

impl Tally {
    /// Adds what the player scored meanwhile.
    pub(super) fn add(&mut self, more: Self) {
        self.points += more.points;
        self.knockouts += more.knockouts;
        self.falls += more.falls;
    }
}
