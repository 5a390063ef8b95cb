//! Queries on the index of replays.

use std::collections::HashMap;

use shared::api::{ReplayList, ReplayPlayer, ReplaySummary};
use shared::id::{PlayerId, ReplayId};
use shared::sim::Mode;
use sqlx::AnyPool;
use sqlx::any::AnyRow;

use super::error::StoreError;
use super::sql::{Columns as _, column, mode_column};

/// Stands for any player: ids are not negative.
const ANY_PLAYER: i64 = -1;

/// The replays to list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReplayFilter {
    /// Only replays older than this one.
    pub before: Option<ReplayId>,
    /// The length of a page.
    pub limit: u32,
    /// Only replays with this player.
    pub player: Option<PlayerId>,
    /// Only this mode.
    pub mode: Option<Mode>,
}

pub(super) async fn list(pool: &AnyPool, filter: ReplayFilter) -> Result<ReplayList, StoreError> {
    // One row more than the page tells whether there is a next page.
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
    let has_more = rows.len() > filter.limit as usize;
    let page = &rows[..rows.len().min(filter.limit as usize)];
    let mut players = players(pool, page, filter).await?;
    let mut list = ReplayList::default();
    for row in page {
        let players = players.remove(&row.replay("id")?).unwrap_or_default();
        list.replays.push(summary(row, players)?);
    }
    list.next = list.replays.last().map(|last| last.id).filter(|_| has_more);
    Ok(list)
}

/// The players of a page, by replay. The page is in the order of the query and matches the filter.
async fn players(
    pool: &AnyPool,
    page: &[AnyRow],
    filter: ReplayFilter,
) -> Result<HashMap<ReplayId, Vec<ReplayPlayer>>, StoreError> {
    let mut players = HashMap::<_, Vec<_>>::new();
    let (Some(newest), Some(oldest)) = (page.first(), page.last()) else { return Ok(players) };
    let rows = sqlx::query(
        "SELECT p.replay, p.player, p.name, p.bot, p.points, p.team \
         FROM replay_players p JOIN replays r ON r.id = p.replay \
         WHERE r.id >= $1 AND r.id <= $2 AND ($3 = '' OR r.mode = $3) AND ($4 = -1 OR EXISTS \
         (SELECT 1 FROM replay_players o WHERE o.replay = r.id AND o.player = $4)) \
         ORDER BY p.replay, p.place",
    )
    .bind(oldest.number("id")?)
    .bind(newest.number("id")?)
    .bind(filter.mode.map(mode_column).unwrap_or_default())
    .bind(filter.player.map_or(ANY_PLAYER, |player| column(player.bits())))
    .fetch_all(pool)
    .await?;
    for row in &rows {
        players.entry(row.replay("replay")?).or_default().push(player(row)?);
    }
    Ok(players)
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
    let Some(row) = row else { return Ok(None) };
    let page = core::slice::from_ref(&row);
    let mut players = players(pool, page, ReplayFilter::default()).await?;
    summary(&row, players.remove(&replay).unwrap_or_default()).map(Some)
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

fn summary(row: &AnyRow, players: Vec<ReplayPlayer>) -> Result<ReplaySummary, StoreError> {
    Ok(ReplaySummary {
        id: row.replay("id")?,
        room: row.room("room")?,
        mode: row.mode("mode")?,
        started_at_ms: row.count("started_at_ms")?,
        ticks: row.count("ticks")?,
        bytes: row.count("bytes")?,
        complete: row.flag("complete")?,
        players,
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
