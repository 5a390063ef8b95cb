//! Queries on the index of replays.

use std::collections::HashMap;

use shared::api::{ReplayList, ReplayPlayer, ReplaySummary};
use shared::id::{PlayerId, ReplayId};
use shared::sim::Mode;
use sqlx::any::AnyRow;
use sqlx::{AnyPool, AssertSqlSafe};

use super::error::StoreError;
use super::sql::{Columns as _, column, mode_column};

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
    let before = filter.before.map_or(i64::MAX, |before| column(before.bits()));
    // One row more than the page tells whether there is a next page.
    let limit = i64::from(filter.limit) + 1;
    let sql = page(filter);
    let query = sqlx::query(sql).bind(before).bind(limit);
    let query = match (filter.player, filter.mode) {
        (None, None) => query,
        (None, Some(mode)) => query.bind(mode_column(mode)),
        (Some(player), None) => query.bind(column(player.bits())),
        (Some(player), Some(mode)) => query.bind(column(player.bits())).bind(mode_column(mode)),
    };
    let rows = query.fetch_all(pool).await?;
    let has_more = rows.len() > filter.limit as usize;
    let page = &rows[..rows.len().min(filter.limit as usize)];
    let mut players = players(pool, page).await?;
    let mut list = ReplayList::default();
    for row in page {
        let players = players.remove(&row.replay("id")?).unwrap_or_default();
        list.replays.push(summary(row, players)?);
    }
    list.next = list.replays.last().map(|last| last.id).filter(|_| has_more);
    Ok(list)
}

/// The query for a page, newest first. Each has an index in the order of the page, and reads no row that it leaves out.
/// A player is listed once in a replay.
pub(super) const fn page(filter: ReplayFilter) -> &'static str {
    match (filter.player, filter.mode) {
        (None, None) => {
            "SELECT id, room, mode, started_at_ms, ticks, bytes, complete FROM replays \
             WHERE id < $1 ORDER BY id DESC LIMIT $2"
        }
        (None, Some(_)) => {
            "SELECT id, room, mode, started_at_ms, ticks, bytes, complete FROM replays \
             WHERE id < $1 AND mode = $3 ORDER BY id DESC LIMIT $2"
        }
        (Some(_), None) => {
            "SELECT r.id, r.room, r.mode, r.started_at_ms, r.ticks, r.bytes, r.complete \
             FROM replay_players p JOIN replays r ON r.id = p.replay \
             WHERE p.player = $3 AND p.replay < $1 ORDER BY p.replay DESC LIMIT $2"
        }
        (Some(_), Some(_)) => {
            "SELECT r.id, r.room, r.mode, r.started_at_ms, r.ticks, r.bytes, r.complete \
             FROM replay_players p JOIN replays r ON r.id = p.replay \
             WHERE p.player = $3 AND p.mode = $4 AND p.replay < $1 ORDER BY p.replay DESC LIMIT $2"
        }
    }
}

/// The players of a page, by replay.
async fn players(
    pool: &AnyPool,
    page: &[AnyRow],
) -> Result<HashMap<ReplayId, Vec<ReplayPlayer>>, StoreError> {
    let mut players = HashMap::<_, Vec<_>>::new();
    let ids = page.iter().map(|row| row.number("id")).collect::<Result<Vec<_>, _>>()?;
    let Some(last) = ids.last() else { return Ok(players) };
    // A page of any length is one of few statements, which the driver keeps prepared: the last id fills the rest.
    let count = ids.len().next_power_of_two();
    let placeholders: Vec<_> = (1..=count).map(|number| format!("${number}")).collect();
    let sql = format!(
        "SELECT replay, player, name, bot, points, team FROM replay_players \
         WHERE replay IN ({}) ORDER BY replay, place",
        placeholders.join(", ")
    );
    // Only numbers of placeholders are put into the text.
    let mut query = sqlx::query(AssertSqlSafe(sql));
    for number in 0..count {
        query = query.bind(*ids.get(number).unwrap_or(last));
    }
    for row in &query.fetch_all(pool).await? {
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
    let mut players = players(pool, page).await?;
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
