//! Settling a round: the one transaction that changes ratings and totals.

use serde::{Deserialize, Serialize};
use shared::api::{ReplaySummary, ScoreRow};
use sqlx::any::{AnyArguments, AnyRow};
use sqlx::query::Query;
use sqlx::{Any, AnyPool, Row as _, Transaction};

use super::error::StoreError;
use super::ladder::score_row;
use super::sql::{Columns as _, column, mode_column};
use crate::player::Skill;
use crate::rating::{Rated, RoundResult, Standing, rate};

/// A round that is over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RoundRecord {
    /// The replay's entry. Its file may still be missing.
    pub replay: ReplaySummary,
    /// End of the round, in milliseconds since 1970.
    pub ended_at_ms: u64,
    /// What the room reports of it.
    pub result: RoundResult,
}

/// What a settled round did to one player.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettledPlace {
    /// The player's row. `playing` is `None`.
    pub row: ScoreRow,
    /// The revision of that row: a greater one is newer.
    pub revision: u64,
    /// The rating before the round.
    pub before: i32,
    /// The rating after it. `row` may be newer.
    pub after: i32,
}

/// Settles a round. Fails with [`StoreError::is_duplicate`], and changes nothing, when it is settled already.
pub(super) async fn settle(
    pool: &AnyPool,
    round: &RoundRecord,
) -> Result<Vec<SettledPlace>, StoreError> {
    let standings = &round.result.standings;
    let mut transaction = pool.begin().await?;
    put(&mut transaction, &round.replay).await?;
    let mut places = Vec::new();
    if round.result.is_rated {
        // Every transaction locks players in the order of their ids, so that no two wait for each other.
        let mut order: Vec<_> = (0..standings.len()).collect();
        order.sort_by_key(|place| standings[*place].player.id);
        let mut before = vec![Skill::NEWCOMER; standings.len()];
        for place in &order {
            before[*place] = lock(&mut transaction, &standings[*place]).await?;
        }
        let rated = rate(&round.result, &before);
        let mut settled = Vec::with_capacity(standings.len());
        for place in order {
            let (standing, before, rated) = (&standings[place], before[place], &rated[place]);
            settled.push((place, write(&mut transaction, round, standing, before, rated).await?));
        }
        settled.sort_by_key(|(place, _)| *place);
        places.extend(settled.into_iter().map(|(_, settled)| settled));
    }
    transaction.commit().await?;
    Ok(places)
}

/// What an earlier call of [`settle`] wrote.
pub(super) async fn settled_before(
    pool: &AnyPool,
    round: &RoundRecord,
) -> Result<Vec<SettledPlace>, StoreError> {
    let mut places = Vec::new();
    for standing in &round.result.standings {
        let row = sqlx::query(
            "SELECT p.id, p.name, p.bot, p.rating, p.provisional, p.points, p.knockouts, p.falls, \
             p.rounds, p.wins, p.revision, h.rating_before, h.rating AS rating_after \
             FROM players p JOIN rating_history h ON h.player = p.id \
             WHERE p.id = $1 AND h.at_ms = $2 AND h.replay = $3",
        )
        .bind(column(standing.player.id.bits()))
        .bind(column(round.ended_at_ms))
        .bind(column(round.replay.id.bits()))
        .fetch_one(pool)
        .await?;
        let (before, after) = (row.count("rating_before")?, row.count("rating_after")?);
        places.push(settled(&row, before, after)?);
    }
    Ok(places)
}

/// Begins its transaction with a write: SQLite cannot turn a reader into a writer while another connection writes.
pub(super) async fn put(
    transaction: &mut Transaction<'_, Any>,
    replay: &ReplaySummary,
) -> Result<(), StoreError> {
    let always = "INSERT INTO replays (id, room, mode, started_at_ms, ticks, bytes, complete) \
                  VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO UPDATE SET \
                  ticks = excluded.ticks, bytes = excluded.bytes, complete = excluded.complete";
    entry(always, replay).execute(&mut **transaction).await?;
    put_players(transaction, replay).await
}

/// The same, but an entry that is complete, or at least as long, stays. Returns whether it was written.
pub(super) async fn put_if_longer(
    transaction: &mut Transaction<'_, Any>,
    replay: &ReplaySummary,
) -> Result<bool, StoreError> {
    let if_longer = "INSERT INTO replays (id, room, mode, started_at_ms, ticks, bytes, complete) \
                     VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO UPDATE SET \
                     ticks = excluded.ticks, bytes = excluded.bytes, complete = excluded.complete \
                     WHERE replays.complete = 0 AND replays.bytes < excluded.bytes";
    let written = entry(if_longer, replay).execute(&mut **transaction).await?;
    if written.rows_affected() == 0 {
        return Ok(false);
    }
    put_players(transaction, replay).await?;
    Ok(true)
}

fn entry<'q>(sql: &'static str, replay: &ReplaySummary) -> Query<'q, Any, AnyArguments> {
    sqlx::query(sql)
        .bind(column(replay.id.bits()))
        .bind(column(replay.room.bits()))
        .bind(mode_column(replay.mode))
        .bind(column(replay.started_at_ms))
        .bind(i64::from(replay.ticks))
        .bind(column(replay.bytes))
        .bind(i64::from(replay.complete))
}

async fn put_players(
    transaction: &mut Transaction<'_, Any>,
    replay: &ReplaySummary,
) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM replay_players WHERE replay = $1")
        .bind(column(replay.id.bits()))
        .execute(&mut **transaction)
        .await?;
    for (place, player) in (0_i64..).zip(&replay.players) {
        sqlx::query(
            "INSERT INTO replay_players (replay, place, player, name, bot, points, team, mode) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(column(replay.id.bits()))
        .bind(place)
        .bind(column(player.player.bits()))
        .bind(player.name.as_str())
        .bind(i64::from(player.bot))
        .bind(i64::from(player.points))
        .bind(player.team.map(i64::from))
        .bind(mode_column(replay.mode))
        .execute(&mut **transaction)
        .await?;
    }
    Ok(())
}

/// Locks a player's row until the end of the transaction, and reads the rating.
async fn lock(
    transaction: &mut Transaction<'_, Any>,
    standing: &Standing,
) -> Result<Skill, StoreError> {
    let row = one_of(
        sqlx::query(
            "UPDATE players SET revision = revision + 1 WHERE id = $1 RETURNING mean, deviation",
        )
        .bind(column(standing.player.id.bits()))
        .fetch_all(&mut **transaction)
        .await?,
    )?;
    // Both columns are null until the first rated round.
    let mean: Option<f64> = row.try_get("mean")?;
    let deviation: Option<f64> = row.try_get("deviation")?;
    let kept = mean.zip(deviation).map(|(mean, deviation)| Skill { mean, deviation });
    Ok(kept.unwrap_or(Skill::NEWCOMER))
}

/// Writes the rating and the totals of a player, and the point of the rating's curve.
async fn write(
    transaction: &mut Transaction<'_, Any>,
    round: &RoundRecord,
    standing: &Standing,
    before: Skill,
    rated: &Rated,
) -> Result<SettledPlace, StoreError> {
    let (player, after) = (column(standing.player.id.bits()), rated.after);
    let row = one_of(
        sqlx::query(
            "UPDATE players SET mean = $2, deviation = $3, rating = $4, provisional = $5, \
             points = points + $6, knockouts = knockouts + $7, falls = falls + $8, \
             rounds = rounds + 1, wins = wins + $9 WHERE id = $1 \
             RETURNING id, name, bot, rating, provisional, points, knockouts, falls, rounds, wins, \
             revision",
        )
        .bind(player)
        .bind(after.mean)
        .bind(after.deviation)
        .bind(i64::from(after.shown()))
        .bind(i64::from(after.is_provisional()))
        .bind(i64::from(standing.points))
        .bind(i64::from(standing.knockouts))
        .bind(i64::from(standing.falls))
        .bind(i64::from(rated.won))
        .fetch_all(&mut **transaction)
        .await?,
    )?;
    let settled = settled(&row, before.shown(), after.shown())?;
    sqlx::query(
        "INSERT INTO rating_history (player, replay, at_ms, rating, rating_before, revision) \
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(player)
    .bind(column(round.replay.id.bits()))
    .bind(column(round.ended_at_ms))
    .bind(i64::from(settled.after))
    .bind(i64::from(settled.before))
    .bind(column(settled.revision))
    .execute(&mut **transaction)
    .await?;
    Ok(settled)
}

/// The row of a statement that changes one: read to its end, as SQLite wants it before the next statement.
fn one_of(rows: Vec<AnyRow>) -> Result<AnyRow, StoreError> {
    rows.into_iter().next().ok_or(StoreError::Database(sqlx::Error::RowNotFound))
}

fn settled(row: &AnyRow, before: i32, after: i32) -> Result<SettledPlace, StoreError> {
    Ok(SettledPlace { row: score_row(row)?, revision: row.count("revision")?, before, after })
}
