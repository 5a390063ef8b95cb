//! Rounds settled a second in one PostgreSQL database, by several nodes at once, whose players meet in all of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use game_server::player::Player;
use game_server::rating::{RoundResult, Standing};
use game_server::storage::{Players as _, RoundRecord, Rounds as _, SqlStore};
use shared::api::{ReplayPlayer, ReplaySummary};
use shared::id::{PlayerId, PlayerName, ReplayId, RoomId};
use shared::sim::rng::Rng;
use shared::sim::{Mode, Slot};
use tokio::task::JoinSet;
use tokio::time::sleep;

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
                let record = record(&mut rng, &players);
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

/// A round of some of the players, with any result.
fn record(rng: &mut Rng, players: &[Player]) -> RoundRecord {
    let mut seated = players.to_vec();
    for place in 0..SEATS {
        let rest = u32::try_from(seated.len() - place).unwrap_or(1);
        seated.swap(place, place + rng.below(rest) as usize);
    }
    seated.truncate(SEATS);
    let standing = |(place, player): (usize, Player)| Standing {
        slot: Slot(u16::try_from(place).unwrap_or_default()),
        player,
        bot: true,
        team: 0,
        points: i32::try_from(SEATS - place).unwrap_or_default(),
        knockouts: 1,
        falls: 1,
        rated: true,
    };
    let standings: Vec<_> = seated.into_iter().enumerate().map(standing).collect();
    let entry = |standing: &Standing| ReplayPlayer {
        player: standing.player.id,
        name: standing.player.name.clone(),
        bot: standing.bot,
        points: standing.points,
        team: None,
    };
    // Ids have 60 and 30 bits.
    let (replay, room) = (rng.next_u64() >> 4, rng.next_u64() >> 34);
    RoundRecord {
        replay: ReplaySummary {
            id: ReplayId::from_bits(replay),
            room: RoomId::from_bits(room),
            mode: Mode::Brawl,
            started_at_ms: 1_700_000_000_000,
            ticks: 3_600,
            bytes: 100_000,
            complete: true,
            players: standings.iter().map(entry).collect(),
        },
        ended_at_ms: 1_700_000_060_000,
        result: RoundResult {
            room: RoomId::from_bits(room),
            mode: Mode::Brawl,
            is_rated: true,
            team_points: [0, 0],
            standings,
        },
    }
}
