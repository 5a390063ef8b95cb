//! Reading the index of replays.

use shared::api::{ReplayList, ReplayPlayer, ReplaySummary};
use shared::id::ReplayId;
use sqlx::AnyPool;
use sqlx::any::AnyRow;

use super::sql::{Columns as _, column, mode_column};
use super::{ReplayFilter, StoreError};

/// Stands for "any player", which no id is.
const ANY_PLAYER: i64 = -1;

pub(super) async fn list(pool: &AnyPool, filter: ReplayFilter) -> Result<ReplayList, StoreError> {
    // One more than asked tells whether there is a next page.
    let rows = sqlx::query(
        "SELECT id, room, mode, started_at_ms, ticks, bytes, complete FROM replays r \
         WHERE id < $1 AND ($2 = '' OR mode = $2) AND ($3 = -1 OR EXISTS \
         (SELECT 1 FROM replay_players p WHERE p.replay = r.id AND p.player = $3)) \
         ORDER BY id DESC LIMIT $4",
    )
    .bind(filter.before.map_or(i64::MAX, |before| column(before.bits())))
    .bind(filter.mode.map(mode_column).unwrap_or_default())
    .bind(filter.player.map_or(ANY_PLAYER, |player| column(player.bits())))
    .bind(i64::from(filter.limit) + 1)
    .fetch_all(pool)
    .await?;
    let mut list = ReplayList::default();
    for row in rows.iter().take(filter.limit as usize) {
        list.replays.push(summary(pool, row).await?);
    }
    let has_more = rows.len() > list.replays.len();
    list.next = list.replays.last().map(|last| last.id).filter(|_| has_more);
    Ok(list)
}

pub(super) async fn one(
    pool: &AnyPool,
    replay: ReplayId,
) -> Result<Option<ReplaySummary>, StoreError> {
    let row = sqlx::query(
        "SELECT id, room, mode, started_at_ms, ticks, bytes, complete FROM replays WHERE id = $1",
    )
    .bind(column(replay.bits()))
    .fetch_optional(pool)
    .await?;
    match row {
        Some(row) => Ok(Some(summary(pool, &row).await?)),
        None => Ok(None),
    }
}

pub(super) async fn older_than(
    pool: &AnyPool,
    at_ms: u64,
    limit: u32,
) -> Result<Vec<ReplayId>, StoreError> {
    let rows = sqlx::query(
        "SELECT id FROM replays WHERE started_at_ms < $1 ORDER BY started_at_ms LIMIT $2",
    )
    .bind(column(at_ms))
    .bind(i64::from(limit))
    .fetch_all(pool)
    .await?;
    rows.iter().map(|row| row.replay("id")).collect()
}

async fn summary(pool: &AnyPool, row: &AnyRow) -> Result<ReplaySummary, StoreError> {
    let players = sqlx::query(
        "SELECT player, name, bot, points, team FROM replay_players WHERE replay = $1 ORDER BY place",
    )
    .bind(row.number("id")?)
    .fetch_all(pool)
    .await?;
    Ok(ReplaySummary {
        id: row.replay("id")?,
        room: row.room("room")?,
        mode: row.mode("mode")?,
        started_at_ms: row.count("started_at_ms")?,
        ticks: row.count("ticks")?,
        bytes: row.count("bytes")?,
        complete: row.flag("complete")?,
        players: players.iter().map(player).collect::<Result<_, _>>()?,
    })
}

fn player(row: &AnyRow) -> Result<ReplayPlayer, StoreError> {
    Ok(ReplayPlayer {
        player: row.player("player")?,
        name: row.name("name")?,
        bot: row.flag("bot")?,
        points: row.count("points")?,
        team: row.team("team")?,
    })
}
