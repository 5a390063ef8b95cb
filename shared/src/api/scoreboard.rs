//! The scoreboard, and the profile of a player.

use core::cmp::Reverse;

use serde::{Deserialize, Serialize};

use crate::id::{PlayerId, PlayerName, RoomId};

/// One row of the scoreboard: the `score` event of the feed `scoreboard`, whole each time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ScoreRow {
    /// The player.
    pub player: PlayerId,
    /// The display name.
    pub name: PlayerName,
    /// Whether it is a bot: the scoreboard lists bots as benchmarks.
    pub bot: bool,
    /// The rating: 1500 for a newcomer, from 400 to 3000. A round moves a settled one by at most 30.
    #[cfg_attr(feature = "openapi", schema(minimum = 400, maximum = 3_000))]
    pub rating: i32,
    /// Whether the rating is still uncertain: it moves by more, and the row comes after those of settled players. Settled
    /// after about twenty rounds.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub provisional: bool,
    /// Points in all rounds, with those that run.
    pub points: i64,
    /// Number of other discs pushed over the edge.
    pub knockouts: u32,
    /// Number of own falls.
    pub falls: u32,
    /// Rounds played to their end.
    pub rounds: u32,
    /// Rounds won.
    pub wins: u32,
    /// The public room that the player is in now. `null` when in none.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub playing: Option<RoomId>,
}

/// The snapshot of the feed `scoreboard`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Scoreboard {
    /// The rows, best first, at most 100.
    #[cfg_attr(feature = "openapi", schema(max_items = 100))]
    pub rows: Vec<ScoreRow>,
}

impl Scoreboard {
    /// The most rows.
    pub const ROWS_MAX: usize = 100;
    /// The type of an event that adds or replaces one row.
    pub const EVENT_SCORE: &str = "score";

    /// Adds or replaces a row and keeps the order: settled ratings before provisional ones, then by rating, points, name.
    pub fn upsert(&mut self, row: ScoreRow) {
        self.rows.retain(|known| known.player != row.player);
        let rank = |row: &ScoreRow| {
            let (rating, points) = (Reverse(row.rating), Reverse(row.points));
            (row.provisional, rating, points, row.name.clone(), row.player)
        };
        let index = self.rows.partition_point(|known| rank(known) < rank(&row));
        self.rows.insert(index, row);
        self.rows.truncate(Self::ROWS_MAX);
    }

    /// The row of a name, for tests.
    #[must_use]
    pub fn row_of(&self, name: &str) -> Option<&ScoreRow> {
        self.rows.iter().find(|row| row.name.as_str() == name)
    }
}

/// The rating of a player after one round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RatingPoint {
    /// When the round ended, in milliseconds since 1970.
    pub at_ms: u64,
    /// The rating after the round.
    pub rating: i32,
}

/// `GET /api/players/{id}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PlayerProfile {
    /// The fields that the scoreboard has, too.
    #[serde(flatten)]
    pub row: ScoreRow,
    /// The ratings after the last rounds, the oldest first.
    pub curve: Vec<RatingPoint>,
}
