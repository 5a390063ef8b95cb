//! Ratings and totals in the database.

use shared::api::{PlayerProfile, RatingPoint, ScoreRow};
use shared::id::PlayerId;
use sqlx::any::AnyRow;

use super::error::{StoreError, StoreFuture, in_time};
use super::sql::{Columns as _, SqlStore, column};

/// The newest ratings in a profile's curve.
const CURVE_POINTS_MAX: i64 = 100;

/// Ratings and totals.
pub trait Ladder: Send + Sync {
    /// The best `limit` rows of players who have finished a rated round, best first. `playing` is `None`.
    fn ladder(&self, limit: u32) -> StoreFuture<'_, Vec<ScoreRow>>;
    /// A player's row, with or without rounds. `playing` is `None`.
    fn row(&self, player: PlayerId) -> StoreFuture<'_, Option<ScoreRow>>;
    /// The same with its revision, which grows with each round that is settled.
    fn row_and_revision(&self, player: PlayerId) -> StoreFuture<'_, Option<(ScoreRow, u64)>>;
    /// A player's row with the newest ratings, oldest first.
    fn profile(&self, player: PlayerId) -> StoreFuture<'_, Option<PlayerProfile>>;
}

impl Ladder for SqlStore {
    fn ladder(&self, limit: u32) -> StoreFuture<'_, Vec<ScoreRow>> {
        in_time(async move {
            let rows = sqlx::query(
                "SELECT id, name, bot, rating, provisional, points, knockouts, falls, rounds, wins \
                 FROM players WHERE rounds > 0 \
                 ORDER BY provisional, rating DESC, points DESC, name LIMIT $1",
            )
            .bind(i64::from(limit))
            .fetch_all(&self.lists)
            .await?;
            rows.iter().map(score_row).collect()
        })
    }

    fn row(&self, player: PlayerId) -> StoreFuture<'_, Option<ScoreRow>> {
        in_time(async move { Ok(self.row_and_revision(player).await?.map(|(row, _)| row)) })
    }

    fn row_and_revision(&self, player: PlayerId) -> StoreFuture<'_, Option<(ScoreRow, u64)>> {
        in_time(async move {
            let row = sqlx::query(
                "SELECT id, name, bot, rating, provisional, points, knockouts, falls, rounds, wins, \
                 revision FROM players WHERE id = $1",
            )
            .bind(column(player.bits()))
            .fetch_optional(&self.reads)
            .await?;
            row.map(|row| Ok((score_row(&row)?, row.count("revision")?))).transpose()
        })
    }

    fn profile(&self, player: PlayerId) -> StoreFuture<'_, Option<PlayerProfile>> {
        in_time(async move {
            let Some(row) = self.row(player).await? else { return Ok(None) };
            // Ratings on the old scale have no revision.
            let points = sqlx::query(
                "SELECT at_ms, rating FROM rating_history WHERE player = $1 AND revision > 0 \
                 ORDER BY revision DESC LIMIT $2",
            )
            .bind(column(player.bits()))
            .bind(CURVE_POINTS_MAX)
            .fetch_all(&self.lists)
            .await?;
            let point = |row: &AnyRow| {
                Ok(RatingPoint { at_ms: row.count("at_ms")?, rating: row.count("rating")? })
            };
            let curve = points.iter().rev().map(point).collect::<Result<_, StoreError>>()?;
            Ok(Some(PlayerProfile { row, curve }))
        })
    }
}

/// The columns of a row of the ladder.
pub(super) fn score_row(row: &AnyRow) -> Result<ScoreRow, StoreError> {
    Ok(ScoreRow {
        player: row.player("id")?,
        name: row.name("name")?,
        bot: row.flag("bot")?,
        rating: row.count("rating")?,
        provisional: row.flag("provisional")?,
        points: row.number("points")?,
        knockouts: row.count("knockouts")?,
        falls: row.count("falls")?,
        rounds: row.count("rounds")?,
        wins: row.count("wins")?,
        playing: None,
    })
}

#[cfg(test)]
mod tests;
