//! Rounds settled a second in one PostgreSQL database, by several nodes at once, whose players meet in all of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use game_server::player::Player;
use game_server::storage::{Players as _, Rounds as _, SqlStore};
use shared::id::{PlayerId, PlayerName};
use shared::sim::Mode;
use shared::sim::rng::Rng;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::rounds::any_round;

/// All players, and those of a round.
const PLAYERS: u64 = 40;
const SEATS: usize = 16;

/// Settles rounds from so many stores, each with its one connection for results.
pub(super) async fn settled_per_second(connections: usize, length: Duration) -> Result<f64> {
    let url = test_postgres::empty_database().as_str().into();
    let players: Vec<_> = (1..=PLAYERS).map(player).collect();
    let (settled, mut settling) = (Arc::new(AtomicU64::new(0)), JoinSet::new());
    for number in 0..connections as u64 {
        let store = SqlStore::open(&url).await.context("the database")?;
        store.upsert_bots(players.clone()).await.context("the players")?;
        let (players, settled) = (players.clone(), settled.clone());
        settling.spawn(async move {
            let mut rng = Rng(number + 1);
            loop {
                let record = any_round(&mut rng, &players, Mode::Brawl, SEATS);
                // A round that could not be settled is not counted.
                let is_settled = store.settle(record).await.is_ok();
                settled.fetch_add(is_settled.into(), Ordering::Relaxed);
            }
        });
    }
    sleep(length / 8).await;
    let (before, began) = (settled.load(Ordering::Relaxed), Instant::now());
    sleep(length).await;
    let more = settled.load(Ordering::Relaxed) - before;
    Ok(more as f64 / began.elapsed().as_secs_f64())
}

fn player(number: u64) -> Player {
    let name = PlayerName::parse(&format!("player {number}")).expect("a plain name");
    Player { id: PlayerId::from_bits(number), name }
}
