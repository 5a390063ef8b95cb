//! The ladder that the lobby shows live, and one player's page.

use core::cmp::Reverse;

use serde::{Deserialize, Serialize};

use crate::id::{PlayerId, PlayerName, RoomId};

/// One line of the ladder: the `score` event of the feed `scoreboard`, whole each time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ScoreRow {
    /// Whose line.
    pub player: PlayerId,
    /// The name shown.
    pub name: PlayerName,
    /// Whether it is a bot: bots are on the ladder as benchmarks.
    pub bot: bool,
    /// Conservative rating (mean − 2 deviations on a scale around 1500), rounded.
    pub rating: i32,
    /// Points in all rounds, the running ones included.
    pub points: i64,
    /// Others pushed over the edge.
    pub knockouts: u32,
    /// Times over the edge.
    pub falls: u32,
    /// Rounds finished.
    pub rounds: u32,
    /// Rounds won.
    pub wins: u32,
    /// The public room where the player sits now.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub playing: Option<RoomId>,
}

/// The snapshot of the feed `scoreboard`. Rows stand in ladder order.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Scoreboard {
    /// Best first, at most 100.
    #[cfg_attr(feature = "openapi", schema(max_items = 100))]
    pub rows: Vec<ScoreRow>,
}

impl Scoreboard {
    /// Lines kept.
    pub const ROWS_MAX: usize = 100;
    /// The type of an event that adds or replaces one line.
    pub const EVENT_SCORE: &str = "score";

    /// Adds or replaces a line and restores the order: rating, then points, then name.
    pub fn upsert(&mut self, row: ScoreRow) {
        self.rows.retain(|known| known.player != row.player);
        let rank = |row: &ScoreRow| {
            (Reverse(row.rating), Reverse(row.points), row.name.clone(), row.player)
        };
        let place = self.rows.partition_point(|known| rank(known) < rank(&row));
        self.rows.insert(place, row);
        self.rows.truncate(Self::ROWS_MAX);
    }

    /// The line of a name, for people and tests.
    #[must_use]
    pub fn row_of(&self, name: &str) -> Option<&ScoreRow> {
        self.rows.iter().find(|row| row.name.as_str() == name)
    }
}

/// One finished round in a player's curve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RatingPoint {
    /// When the round ended, milliseconds since 1970.
    pub at_ms: u64,
    /// The rating after it.
    pub rating: i32,
}

/// `GET /api/players/{id}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PlayerProfile {
    /// As on the ladder.
    #[serde(flatten)]
    pub row: ScoreRow,
    /// The last rounds, oldest first.
    pub curve: Vec<RatingPoint>,
}
