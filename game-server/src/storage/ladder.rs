//! Ratings and totals in the database.

use shared::api::{PlayerProfile, RatingPoint, ScoreRow};
use shared::id::PlayerId;
use sqlx::any::AnyRow;
use sqlx::{AnyPool, Row as _};

use super::error::{StoreError, StoreFuture};
use super::sql::{Columns as _, SqlStore, column};
use crate::player::Skill;

/// The newest ratings in a profile's curve.
const CURVE_POINTS_MAX: i64 = 100;

/// Ratings and totals.
pub trait Ladder: Send + Sync {
    /// A player's rating: [`Skill::NEWCOMER`] without a rated round or for an unknown id.
    fn skill(&self, player: PlayerId) -> StoreFuture<'_, Skill>;
    /// A player's row and rating, for settling rounds: waits for other results only, never for readers. `playing` is
    /// `None`.
    fn row_and_skill(&self, player: PlayerId) -> StoreFuture<'_, Option<(ScoreRow, Skill)>>;
    /// The best `limit` rows of players who have finished a round, best first. `playing` is `None`.
    fn ladder(&self, limit: u32) -> StoreFuture<'_, Vec<ScoreRow>>;
    /// A player's row, with or without rounds. `playing` is `None`.
    fn row(&self, player: PlayerId) -> StoreFuture<'_, Option<ScoreRow>>;
    /// A player's row with the newest ratings, oldest first.
    fn profile(&self, player: PlayerId) -> StoreFuture<'_, Option<PlayerProfile>>;
}

impl Ladder for SqlStore {
    fn skill(&self, player: PlayerId) -> StoreFuture<'_, Skill> {
        Box::pin(async move {
            let row = find(&self.pool, player).await?;
            row.map_or(Ok(Skill::NEWCOMER), |row| skill(&row))
        })
    }

    fn row_and_skill(&self, player: PlayerId) -> StoreFuture<'_, Option<(ScoreRow, Skill)>> {
        Box::pin(async move {
            let row = find(&self.results, player).await?;
            row.map(|row| Ok((score_row(&row)?, skill(&row)?))).transpose()
        })
    }

    fn ladder(&self, limit: u32) -> StoreFuture<'_, Vec<ScoreRow>> {
        Box::pin(async move {
            let rows = sqlx::query(
                "SELECT id, name, bot, rating, points, knockouts, falls, rounds, wins FROM players \
                 WHERE rounds > 0 ORDER BY rating DESC, points DESC, name LIMIT $1",
            )
            .bind(i64::from(limit))
            .fetch_all(&self.pool)
            .await?;
            rows.iter().map(score_row).collect()
        })
    }

    fn row(&self, player: PlayerId) -> StoreFuture<'_, Option<ScoreRow>> {
        Box::pin(async move {
            let row = find(&self.pool, player).await?;
            row.as_ref().map(score_row).transpose()
        })
    }

    fn profile(&self, player: PlayerId) -> StoreFuture<'_, Option<PlayerProfile>> {
        Box::pin(async move {
            let Some(row) = self.row(player).await? else { return Ok(None) };
            let points = sqlx::query(
                "SELECT at_ms, rating FROM rating_history WHERE player = $1 \
                 ORDER BY at_ms DESC LIMIT $2",
            )
            .bind(column(player.bits()))
            .bind(CURVE_POINTS_MAX)
            .fetch_all(&self.pool)
            .await?;
            let point = |row: &AnyRow| {
                Ok(RatingPoint { at_ms: row.count("at_ms")?, rating: row.count("rating")? })
            };
            let curve = points.iter().rev().map(point).collect::<Result<_, StoreError>>()?;
            Ok(Some(PlayerProfile { row, curve }))
        })
    }
}

/// A player's columns.
async fn find(pool: &AnyPool, player: PlayerId) -> Result<Option<AnyRow>, sqlx::Error> {
    sqlx::query(
        "SELECT id, name, bot, rating, points, knockouts, falls, rounds, wins, mean, deviation \
         FROM players WHERE id = $1",
    )
    .bind(column(player.bits()))
    .fetch_optional(pool)
    .await
}

/// Both columns are null until the first rated round.
fn skill(row: &AnyRow) -> Result<Skill, StoreError> {
    let mean: Option<f64> = row.try_get("mean")?;
    let deviation: Option<f64> = row.try_get("deviation")?;
    let kept = mean.zip(deviation).map(|(mean, deviation)| Skill { mean, deviation });
    Ok(kept.unwrap_or(Skill::NEWCOMER))
}

fn score_row(row: &AnyRow) -> Result<ScoreRow, StoreError> {
    Ok(ScoreRow {
        player: row.player("id")?,
        name: row.name("name")?,
        bot: row.flag("bot")?,
        rating: row.count("rating")?,
        points: row.number("points")?,
        knockouts: row.count("knockouts")?,
        falls: row.count("falls")?,
        rounds: row.count("rounds")?,
        wins: row.count("wins")?,
        playing: None,
    })
}
