//! What the lobby shows in the end: rooms that are there, rows that are as the store has them, and recordings that play.

use std::time::Duration;

use anyhow::{Context as _, Result};
use reqwest::Method;
use shared::api::{PlayerProfile, ReplaySummary, RoomList, Scoreboard};
use shared::feed::SnapshotPage;
use shared::id::ReplayId;
use shared::replay::ReplayReader;
use sqlx::{Connection as _, PgConnection, Row as _};
use tokio::time::{Instant, sleep};

use super::call::{Answered, request, send};
use super::world::World;
use crate::cluster::TestCluster;
use crate::site::Site;

const ROOMS_ARE_THERE: &str = "a room that is listed in the end is there";
const ROWS: &str = "the scoreboard is as the store has it in the end";
const RECORDINGS_PLAY: &str = "a recording that is listed plays in the end";
const NOTHING_LEFT: &str = "nothing that is not complete is left in the bucket in the end";

/// Everything is as it should be within this time after the last player has left.
const RIGHT_WITHIN: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Looks until all is well, or for too long.
///
/// # Errors
/// When the database cannot be read.
pub(super) async fn check(world: &World, cluster: &TestCluster) -> Result<()> {
    let until = Instant::now() + RIGHT_WITHIN;
    loop {
        let found = [
            (ROOMS_ARE_THERE, rooms_that_are_gone(world).await),
            (ROWS, rows_that_differ(world).await),
            (RECORDINGS_PLAY, recordings_that_fail(world, cluster.database()).await?),
            (NOTHING_LEFT, parts(cluster)),
        ];
        let is_over = Instant::now() >= until;
        if !is_over && found.iter().any(|(_, wrong)| !wrong.is_empty()) {
            sleep(LOOK_EVERY).await;
            continue;
        }
        for (promise, wrong) in found {
            wrong.iter().for_each(|detail| world.findings.broke(promise, detail));
        }
        return Ok(());
    }
}

async fn get<T: serde::de::DeserializeOwned>(site: &Site, path: &str) -> Result<T, String> {
    match send(request(site, Method::GET, path, "")).await {
        Ok(Answered::Done(body)) => Ok(body),
        other => Err(format!("{path}: {:?}", other.map(|_: Answered<T>| "another answer"))),
    }
}

async fn rooms_that_are_gone(world: &World) -> Vec<String> {
    let mut gone = Vec::new();
    let rooms = match get::<RoomList>(&world.lobby, "/api/rooms").await {
        Ok(rooms) => rooms.rooms,
        Err(error) => return vec![error],
    };
    for room in rooms {
        let path = format!("/api/rooms/{}", room.id);
        if let Err(error) = get::<serde_json::Value>(&world.lobby, &path).await {
            gone.push(error);
        }
    }
    gone
}

/// Rows of the scoreboard, of each node. Nobody plays any more.
async fn rows_that_differ(world: &World) -> Vec<String> {
    let mut wrong = Vec::new();
    for node in &world.nodes {
        let page = get::<SnapshotPage<Scoreboard>>(node, "/api/feeds/scoreboard").await;
        let rows = match page {
            Ok(page) => page.snapshot.rows,
            Err(error) => return vec![error],
        };
        for row in rows {
            let path = format!("/api/players/{}", row.player);
            match get::<PlayerProfile>(node, &path).await {
                Ok(profile) if profile.row == row => {}
                Ok(PlayerProfile { row: kept, .. }) => {
                    wrong.push(format!("{}: {row:?}, kept is {kept:?}", node.address()));
                }
                Err(error) => wrong.push(error),
            }
        }
    }
    wrong
}

async fn recordings_that_fail(world: &World, database: &str) -> Result<Vec<String>> {
    let mut connection = PgConnection::connect(database).await.context("opening the database")?;
    let rows = sqlx::query("SELECT id FROM replays").fetch_all(&mut connection).await?;
    connection.close().await.context("closing the database")?;
    let mut failing = Vec::new();
    for row in rows {
        let id = ReplayId::from_bits(row.try_get::<i64, _>(0)?.cast_unsigned());
        if let Err(error) = play(&world.lobby, id).await {
            failing.push(format!("{id}: {error}"));
        }
    }
    Ok(failing)
}

/// Downloads a recording and plays it.
async fn play(lobby: &Site, id: ReplayId) -> Result<(), String> {
    let entry: ReplaySummary = get(lobby, &format!("/api/replays/{id}")).await?;
    let path = format!("/api/replays/{id}/file");
    let answer = request(lobby, Method::GET, &path, "").send().await;
    let answer = answer.and_then(reqwest::Response::error_for_status);
    let file = answer.map_err(|error| error.to_string())?.bytes().await;
    let file = file.map_err(|error| error.to_string())?;
    let mut reader = ReplayReader::new();
    reader.push(&file).map_err(|error| format!("{error:?}"))?;
    let is_right = file.len() as u64 == entry.bytes
        && reader.available_ticks() == entry.ticks
        && reader.is_complete() == entry.complete
        && (!entry.complete || reader.is_verified());
    if is_right { Ok(()) } else { Err(format!("{entry:?} has a file of {} bytes", file.len())) }
}

fn parts(cluster: &TestCluster) -> Vec<String> {
    cluster.bucket().keys().into_iter().filter(|key| key.starts_with("parts/")).collect()
}
