//! A player as every part of the server knows one: an id, a name, and a rating.

use shared::id::{PlayerId, PlayerName};

/// A guest or a bot. As an argument of a route it refuses requests without a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Player {
    /// Never changes.
    pub id: PlayerId,
    /// The name that other players see.
    pub name: PlayerName,
}

/// A rating in the Weng–Lin model (JMLR 12, 2011).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Skill {
    /// The mean, in units of `skillratings`: a newcomer has 25.
    pub mean: f64,
    /// The standard deviation: a newcomer has 25/3.
    pub deviation: f64,
}

impl Skill {
    /// The rating of a player without a finished round.
    pub const NEWCOMER: Self = Self { mean: 25.0, deviation: 25.0 / 3.0 };

    /// The rating that players see: mean − 2 deviations, on a scale around 1500.
    #[must_use]
    pub fn shown(self) -> i32 {
        let scaled = 1500.0 + (self.mean - 2.0 * self.deviation - Self::CENTRE) * Self::SCALE;
        // `as` saturates; ratings stay within some thousands.
        #[expect(clippy::cast_possible_truncation, reason = "rounding to whole points is meant")]
        let rounded = scaled.round() as i32;
        rounded
    }

    /// The value of mean − 2 deviations that is shown as 1500: an average player after many rounds.
    const CENTRE: f64 = 20.0;
    /// Shown points for one unit of `skillratings`.
    const SCALE: f64 = 40.0;
}
