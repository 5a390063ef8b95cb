//! What becomes of a result while the database refuses it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use shared::api::ReplayPlayer;
use shared::id::{PlayerId, ReplayId, RoomId};
use shared::replay::ReplayHeader;
use shared::sim::{Mode, Slot, World};
use shared::snapshot::StreamEncoder;
use sqlx::{AnyConnection, Connection as _};
use test_postgres::Postgres;
use tokio::sync::{oneshot, watch};
use tokio::task::{JoinSet, block_in_place};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::settlement::{Settlement, retry};
use super::{Ending, Finished, RecordingBuffer, aside};
use crate::bots;
use crate::metrics::Engines;
use crate::rating::{RoundResult, Standing};
use crate::readiness::Unready;
use crate::storage::{DatabaseUrl, Ladder as _, Players as _, ReplayFilter, RoundRecord, SqlStore};
use crate::tasks::Tasks;
use crate::testing::Bench;

const ID: ReplayId = ReplayId::from_bits(77);

fn header() -> ReplayHeader {
    ReplayHeader {
        id: ID,
        room: RoomId::from_bits(5),
        mode: Mode::Duel,
        seed: 1,
        round_ticks: 600,
        started_at_ms: 1_000,
    }
}

/// A round that a player in the store has won.
fn finished() -> Finished {
    let winner = bots::all().swap_remove(0).player;
    let (player, name) = (winner.id, winner.name.clone());
    let standing = Standing {
        slot: Slot(0),
        player: winner,
        bot: true,
        team: 0,
        points: 3,
        knockouts: 4,
        falls: 1,
        rated: true,
    };
    let result = RoundResult {
        room: RoomId::from_bits(5),
        mode: Mode::Duel,
        is_rated: true,
        team_points: [0; 2],
        standings: vec![standing],
    };
    Finished {
        world: World::new(Mode::Duel, 1, 600),
        players: vec![ReplayPlayer { player, name, bot: true, points: 3, team: None }],
        result,
        ended_at_ms: 5_000,
    }
}

pub(super) fn round_record() -> RoundRecord {
    let Finished { players, result, ended_at_ms, .. } = finished();
    let replay = shared::api::ReplaySummary {
        id: ID,
        room: RoomId::from_bits(5),
        mode: Mode::Duel,
        started_at_ms: 1_000,
        ticks: 0,
        bytes: 10,
        complete: true,
        players,
    };
    RoundRecord { replay, ended_at_ms, result }
}

/// While the table has another name, nothing can be written into it.
async fn rename_table(bench: &Bench, from: &str, to: &str) {
    let url = bench.config.database_url();
    let mut connection = AnyConnection::connect(url.expose()).await.unwrap();
    let statement = format!("ALTER TABLE {from} RENAME TO {to}");
    sqlx::query(sqlx::AssertSqlSafe(statement)).execute(&mut connection).await.unwrap();
}

/// Records a world and one tick of it.
fn record_one_tick(buffer: &RecordingBuffer) -> World {
    let (mut encoder, mut world) = (StreamEncoder::new(), World::new(Mode::Duel, 1, 600));
    buffer.record(&encoder.keyframe(&world), 0);
    world.step(&[]);
    buffer.record(&encoder.delta(&[Vec::new()], &world), 1);
    world
}

/// Every listed replay and its length.
async fn listed(bench: &Bench) -> Vec<(ReplayId, u32)> {
    let filter = ReplayFilter { limit: 9, ..ReplayFilter::default() };
    let replays = bench.app.store.replays(filter).await.unwrap().replays;
    replays.iter().map(|replay| (replay.id, replay.ticks)).collect()
}

async fn rounds_of(bench: &Bench, player: PlayerId) -> u32 {
    bench.app.store.row(player).await.unwrap().unwrap().rounds
}

#[tokio::test]
async fn a_result_is_kept_as_soon_as_it_can_be_and_once() {
    let bench = Bench::start().await;
    let (tasks, readiness) = (&bench.app.tasks, bench.app.readiness.clone());
    let settlement =
        Settlement::new(tasks, readiness, bench.app.store.clone(), Engines::default().database);
    let round = round_record();
    let winner = round.replay.players[0].player;

    rename_table(&bench, "replays", "gone").await;
    let failures = AtomicU32::new(0);
    let is_kept = retry(ID, async || {
        let outcome = bench.app.store.settle(round.clone()).await;
        if outcome.is_err() && failures.fetch_add(1, Ordering::Relaxed) == 0 {
            rename_table(&bench, "gone", "replays").await;
        }
        outcome
    });

    assert!(is_kept.await.is_some());
    assert_eq!(failures.load(Ordering::Relaxed), 1);
    assert!(settlement.settle(&round).await.is_some(), "it is there already");
    assert_eq!(rounds_of(&bench, winner).await, 1);
}

#[tokio::test]
async fn a_recording_whose_result_could_not_be_kept_is_saved_by_the_next_start() {
    let bench = Bench::start_with(|config| config.stop_within = Duration::from_millis(600)).await;
    let recordings = bench.recordings().await;
    let (buffer, _) = recordings.begin(&header());
    let world = record_one_tick(&buffer);

    rename_table(&bench, "replays", "gone").await;
    let (settled, _) = oneshot::channel();
    buffer.end(Ending::Finished(Box::new(Finished { world, ..finished() }), settled));
    bench.stop().await;
    assert_eq!(bench.app.blobs.parts().await.unwrap(), [ID]);
    assert_eq!(bench.app.blobs.results().await.unwrap(), [ID]);
    rename_table(&bench, "gone", "replays").await;
    let next_start = Tasks::new(CancellationToken::new(), Duration::from_secs(5));
    bench.recordings_with(&next_start).await;

    assert_eq!(listed(&bench).await, [(ID, 1)]);
    assert!(bench.app.blobs.parts().await.unwrap().is_empty());
    // The result was put aside, and counts once.
    assert!(bench.app.blobs.results().await.unwrap().is_empty());
    let winner = finished().players[0].player;
    assert_eq!(rounds_of(&bench, winner).await, 1);
    bench.recordings_with(&next_start).await;
    assert_eq!(rounds_of(&bench, winner).await, 1);
}

#[tokio::test]
async fn a_result_that_a_start_cannot_settle_is_settled_later_by_the_same_run() {
    let bench = Bench::start().await;
    let round = round_record();
    assert!(aside::put(&bench.app.blobs, &round).await);
    rename_table(&bench, "replays", "gone").await;

    let recordings = bench.recordings().await;
    assert_eq!(bench.app.blobs.results().await.unwrap(), [ID]);
    rename_table(&bench, "gone", "replays").await;
    recordings.given_up.try_again().await;

    assert!(bench.app.blobs.results().await.unwrap().is_empty());
    assert_eq!(rounds_of(&bench, round.replay.players[0].player).await, 1);
    bench.stop().await;
}

#[tokio::test]
async fn a_result_that_was_given_up_is_kept_as_soon_as_the_database_takes_it() {
    let bench = Bench::start().await;
    let mut recordings = bench.recordings().await;
    Arc::get_mut(&mut recordings.settlement).unwrap().try_for = Duration::from_millis(50);
    let (buffer, mut progress) = recordings.begin(&header());
    let world = record_one_tick(&buffer);

    rename_table(&bench, "replays", "gone").await;
    let (settled, _) = oneshot::channel();
    buffer.end(Ending::Finished(Box::new(Finished { world, ..finished() }), settled));
    progress.wait_for(|progress| progress.ended).await.unwrap();
    recordings.given_up.try_again().await;
    assert_eq!(bench.app.blobs.results().await.unwrap(), [ID]);
    rename_table(&bench, "gone", "replays").await;
    assert!(listed(&bench).await.is_empty());

    for _ in 0..2 {
        recordings.given_up.try_again().await;

        assert_eq!(listed(&bench).await, [(ID, 1)]);
        assert!(bench.app.blobs.parts().await.unwrap().is_empty());
        assert!(bench.app.blobs.results().await.unwrap().is_empty());
        assert_eq!(rounds_of(&bench, finished().players[0].player).await, 1);
    }
    bench.stop().await;
}

#[tokio::test]
async fn the_recording_of_a_room_that_broke_off_is_saved_at_once() {
    let bench = Bench::start().await;
    let recordings = bench.recordings().await;
    let (buffer, mut progress) = recordings.begin(&header());
    record_one_tick(&buffer);

    drop(buffer);
    progress.wait_for(|progress| progress.ended).await.unwrap();

    assert_eq!(listed(&bench).await, [(ID, 1)]);
    assert!(bench.app.blobs.parts().await.unwrap().is_empty());
    bench.stop().await;
}

#[tokio::test]
async fn a_round_that_was_cut_off_before_its_file_began_is_not_listed() {
    let bench = Bench::start().await;
    // No file can be made there.
    std::fs::remove_dir_all(bench.config.replay_dir()).unwrap();
    let recordings = bench.recordings().await;

    let (buffer, _) = recordings.begin(&header());
    buffer.end(Ending::CutOff { players: finished().players });
    bench.stop().await;

    assert_eq!(bench.app.store.replay(ID).await.unwrap(), None);
}

#[tokio::test]
async fn a_round_that_was_cut_off_before_its_first_tick_leaves_nothing() {
    let bench = Bench::start().await;
    let recordings = bench.recordings().await;

    let (buffer, _) = recordings.begin(&header());
    buffer.record(&StreamEncoder::new().keyframe(&World::new(Mode::Duel, 1, 600)), 0);
    buffer.end(Ending::CutOff { players: finished().players });
    bench.stop().await;

    assert_eq!(bench.app.store.replay(ID).await.unwrap(), None);
    assert!(bench.app.blobs.parts().await.unwrap().is_empty());
    assert_eq!(std::fs::read_dir(bench.config.replay_dir()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_server_whose_results_wait_for_long_is_not_ready_until_they_are_kept() {
    let bench = Bench::start().await;
    let readiness = bench.app.readiness.clone();
    let store = bench.app.store.clone();
    let mut settlement =
        Settlement::new(&bench.app.tasks, readiness.clone(), store, Engines::default().database);
    settlement.late_after = Duration::from_millis(1);

    rename_table(&bench, "replays", "gone").await;
    let (round, other) = (round_record(), round_record());
    let both = async { tokio::join!(settlement.settle(&round), settlement.settle(&other)) };
    let mend = async {
        readiness.with(Unready::ResultsLate).await;
        rename_table(&bench, "gone", "replays").await;
    };
    let ((first, second), ()) = tokio::join!(both, mend);

    assert!(first.is_some() && second.is_some());
    assert_eq!(readiness.reason(), None);
    bench.stop().await;
}

/// Rounds that one node settles.
const ROUNDS: u64 = 40;
/// Time for some of them.
const WITHIN: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_starts_anew_costs_no_result_and_counts_none_twice() {
    let bench = Bench::start().await;
    let mut postgres = Postgres::start();
    let url = DatabaseUrl::from(postgres.empty_database().as_str());
    let (settled, mut is_settled) = watch::channel(0);
    let mut nodes = JoinSet::new();
    for node in 0..3 {
        let store = Arc::new(SqlStore::open(&url).await.unwrap());
        store.upsert_bots(bots::all().into_iter().map(|bot| bot.player).collect()).await.unwrap();
        let (tasks, readiness) = (&bench.app.tasks, bench.app.readiness.clone());
        let settlement = Settlement::new(tasks, readiness, store, Engines::default().database);
        let settled = settled.clone();
        nodes.spawn(async move {
            for number in 1..=ROUNDS {
                let mut round = round_record();
                round.replay.id = ReplayId::from_bits(node * 1_000 + number);
                assert_eq!(settlement.settle(&round).await.map(|places| places.len()), Some(1));
                settled.send_modify(|settled| *settled += 1);
            }
        });
    }

    for some in [20, 60] {
        let enough = is_settled.wait_for(|settled| *settled >= some);
        timeout(WITHIN, enough).await.expect("the rounds go on").unwrap();
        block_in_place(|| {
            postgres.kill();
            postgres.restart();
        });
    }
    while let Some(ended) = nodes.join_next().await {
        ended.unwrap();
    }

    let store = SqlStore::open(&url).await.unwrap();
    let winner = finished().players[0].player;
    let (row, revision) = store.row_and_revision(winner).await.unwrap().unwrap();
    assert_eq!((u64::from(row.rounds), revision), (3 * ROUNDS, 3 * ROUNDS));
    assert_eq!(u64::try_from(row.points).unwrap(), 3 * 3 * ROUNDS);
    bench.stop().await;
}
