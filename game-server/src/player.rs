//! A player as every part of the server knows one: an id, a name, and a rating.

use serde::{Deserialize, Serialize};
use shared::id::{PlayerId, PlayerName};

/// A guest or a bot. As an argument of a route it refuses requests without a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Player {
    /// Never changes.
    pub id: PlayerId,
    /// The name that other players see.
    pub name: PlayerName,
}

/// A rating, in points of the usual scale: 400 more are odds of ten to one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Skill {
    /// The rating, from [`Skill::MEAN_MIN`] to [`Skill::MEAN_MAX`].
    pub mean: f64,
    /// The standard deviation: how uncertain it is. Never below [`Skill::DEVIATION_MIN`].
    pub deviation: f64,
}

impl Skill {
    /// The rating of a player without a finished round.
    pub const NEWCOMER: Self = Self { mean: 1_500.0, deviation: 200.0 };
    /// The lowest rating.
    pub const MEAN_MIN: f64 = 400.0;
    /// The highest rating.
    pub const MEAN_MAX: f64 = 3_000.0;
    /// The smallest deviation. Below it, ratings would hardly move; but players improve, and bots are retuned.
    pub const DEVIATION_MIN: f64 = 60.0;
    /// A rating with a greater deviation is provisional. With this one, a round moves it by less than 30 points.
    pub const DEVIATION_SETTLED: f64 = 72.0;

    /// The rating that players see.
    #[must_use]
    pub fn shown(self) -> i32 {
        let bounded = self.mean.clamp(Self::MEAN_MIN, Self::MEAN_MAX);
        #[expect(clippy::cast_possible_truncation, reason = "rounding to whole points is meant")]
        let rounded = bounded.round() as i32;
        rounded
    }

    /// Whether the rating is still uncertain.
    #[must_use]
    pub fn is_provisional(self) -> bool {
        self.deviation > Self::DEVIATION_SETTLED
    }
}
