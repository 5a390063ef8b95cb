//! Rounds in both engines.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use shared::api::{ReplayPlayer, ReplaySummary};
use shared::id::{ReplayId, RoomId};
use shared::sim::{Mode, Slot};
use sqlx::{AssertSqlSafe, Row as _};

use crate::player::{Player, Skill};
use crate::rating::{RoundResult, Standing};
use crate::storage::testing::{guest, on_both_engines, sqlite_store};
use crate::storage::{Ladder as _, ReplayFilter, RoundRecord, Rounds as _, SqlStore};

on_both_engines!(
    a_round_is_settled_once_and_whole,
    an_unrated_round_changes_its_replay_alone,
    rounds_of_the_same_players_at_the_same_time_follow_each_other,
    a_result_finds_a_connection_however_many_readers_there_are,
    replays_are_paged_and_filtered,
    a_salvaged_replay_replaces_a_shorter_one_that_is_not_complete,
);

fn replay(id: u64, player: &Player) -> ReplaySummary {
    ReplaySummary {
        id: ReplayId::from_bits(id),
        room: RoomId::from_bits(4),
        mode: Mode::Duel,
        started_at_ms: id,
        ticks: 600,
        bytes: 10,
        complete: true,
        players: vec![ReplayPlayer {
            player: player.id,
            name: player.name.clone(),
            bot: false,
            points: 3,
            team: Some(1),
        }],
    }
}

/// A duel: the first player won 3 : 1.
fn round(id: u64, [winner, loser]: [&Player; 2]) -> RoundRecord {
    let standing = |slot, player: &Player, points| Standing {
        slot: Slot(slot),
        player: player.clone(),
        bot: false,
        team: 0,
        points,
        knockouts: 4,
        falls: 1,
        rated: true,
    };
    let result = RoundResult {
        room: RoomId::from_bits(4),
        mode: Mode::Duel,
        is_rated: true,
        team_points: [0; 2],
        standings: vec![standing(0, winner, 3), standing(1, loser, 1)],
    };
    RoundRecord { replay: replay(id, winner), ended_at_ms: 50, result }
}

async fn a_round_is_settled_once_and_whole(store: &SqlStore) {
    let (ada, bob) = (guest(store, 2, "Ada").await, guest(store, 1, "Bob").await);
    let round = round(9, [&ada, &bob]);

    let settled = store.settle(round.clone()).await.unwrap();

    let [of_ada, of_bob] = &settled[..] else { panic!("{settled:?}") };
    assert_eq!((of_ada.row.player, of_bob.row.player), (ada.id, bob.id), "in their order");
    assert_eq!((of_ada.before, of_bob.before), (1_500, 1_500));
    assert!(of_ada.after > 1_550 && of_ada.after + of_bob.after == 3_000, "{settled:?}");
    assert_eq!((of_ada.revision, of_ada.row.provisional), (1, true));
    // An answer that was lost is asked for again.
    assert_eq!(store.settle(round.clone()).await.unwrap(), settled);

    let profile = store.profile(ada.id).await.unwrap().unwrap();
    assert_eq!(profile.row, of_ada.row);
    assert_eq!((profile.row.points, profile.row.rounds, profile.row.wins), (3, 1, 1));
    assert_eq!(profile.curve.iter().map(|p| p.rating).collect::<Vec<_>>(), [of_ada.after]);
    assert_eq!(store.ladder(10).await.unwrap(), [of_ada.row.clone(), of_bob.row.clone()]);
    assert_eq!(store.replay(round.replay.id).await.unwrap(), Some(round.replay));
}

async fn an_unrated_round_changes_its_replay_alone(store: &SqlStore) {
    let (ada, bob) = (guest(store, 1, "Ada").await, guest(store, 2, "Bob").await);
    let mut round = round(9, [&ada, &bob]);
    round.result.is_rated = false;

    assert_eq!(store.settle(round.clone()).await.unwrap(), []);
    assert_eq!(store.settle(round.clone()).await.unwrap(), []);

    let row = store.row(ada.id).await.unwrap().unwrap();
    assert_eq!((row.rating, row.points, row.rounds), (Skill::NEWCOMER.shown(), 0, 0));
    assert_eq!(store.replay(round.replay.id).await.unwrap(), Some(round.replay));
}

async fn rounds_of_the_same_players_at_the_same_time_follow_each_other(store: &SqlStore) {
    let (ada, bob) = (guest(store, 1, "Ada").await, guest(store, 2, "Bob").await);
    let rounds = (1..=12).map(|id| {
        let players = if id % 3 == 0 { [&bob, &ada] } else { [&ada, &bob] };
        store.settle(round(id, players))
    });

    let settled = join_all(rounds).await;

    // Whatever the order was: each round began with the ratings that the one before it ended with.
    for player in [&ada, &bob] {
        let places = settled.iter().map(|places| places.as_ref().unwrap());
        let own = places.flatten().filter(|place| place.row.player == player.id);
        let by_revision: BTreeMap<_, _> = own.map(|place| (place.revision, place)).collect();
        assert_eq!(by_revision.keys().copied().collect::<Vec<_>>(), (1..=12).collect::<Vec<_>>());
        let mut rating = Skill::NEWCOMER.shown();
        for place in by_revision.values() {
            assert_eq!(place.before, rating);
            rating = place.after;
        }
        assert_eq!(store.row(player.id).await.unwrap().unwrap().rating, rating);
        assert_eq!(store.profile(player.id).await.unwrap().unwrap().curve.len(), 12);
    }
}

async fn a_result_finds_a_connection_however_many_readers_there_are(store: &SqlStore) {
    let (ada, bob) = (guest(store, 1, "Ada").await, guest(store, 2, "Bob").await);
    let mut others = Vec::new();
    for pool in [&store.reads, &store.lists, &store.writes] {
        for _ in 0..pool.options().get_max_connections() {
            others.push(pool.acquire().await.unwrap());
        }
    }

    store.settle(round(9, [&ada, &bob])).await.unwrap();

    drop(others);
    assert!(store.replay(ReplayId::from_bits(9)).await.unwrap().is_some());
}

async fn a_salvaged_replay_replaces_a_shorter_one_that_is_not_complete(store: &SqlStore) {
    let (ada, bob) = (guest(store, 1, "Ada").await, guest(store, 2, "Bob").await);
    let of = |player, bytes, complete| ReplaySummary { bytes, complete, ..replay(9, player) };

    for (salvaged, is_put) in [
        (of(&ada, 10, false), true),
        (of(&bob, 10, false), false),
        (of(&bob, 12, false), true),
        (of(&ada, 11, false), false),
        (of(&ada, 13, true), true),
        (of(&bob, 14, false), false),
    ] {
        let before = store.replay(salvaged.id).await.unwrap();
        assert_eq!(store.put_salvaged(salvaged.clone()).await.unwrap(), is_put, "{salvaged:?}");
        let expected = if is_put { Some(salvaged) } else { before };
        assert_eq!(store.replay(ReplayId::from_bits(9)).await.unwrap(), expected);
    }
}

async fn replays_are_paged_and_filtered(store: &SqlStore) {
    let (ada, bob) = (guest(store, 1, "Ada").await, guest(store, 2, "Bob").await);
    for id in 1..=5 {
        let player = if id % 2 == 0 { &ada } else { &bob };
        store.put_replay(replay(id, player)).await.unwrap();
    }
    let ids = |list: &shared::api::ReplayList| {
        list.replays.iter().map(|replay| replay.id.bits()).collect::<Vec<_>>()
    };

    let filter = ReplayFilter { limit: 2, ..ReplayFilter::default() };
    let first = store.replays(filter).await.unwrap();
    assert_eq!((ids(&first), first.next.map(ReplayId::bits)), (vec![5, 4], Some(4)));
    assert_eq!(first.replays[0], replay(5, &bob));
    let filter = ReplayFilter { before: first.next, limit: 9, ..filter };
    let rest = store.replays(filter).await.unwrap();
    assert_eq!((ids(&rest), rest.next), (vec![3, 2, 1], None));

    let of_ada = ReplayFilter { limit: 9, player: Some(ada.id), ..ReplayFilter::default() };
    assert_eq!(ids(&store.replays(of_ada).await.unwrap()), [4, 2]);
    let before = ReplayFilter { before: Some(ReplayId::from_bits(4)), ..of_ada };
    assert_eq!(ids(&store.replays(before).await.unwrap()), [2]);
    for (mode, found) in [(Mode::Duel, 2), (Mode::Teams, 0)] {
        let both = ReplayFilter { mode: Some(mode), ..of_ada };
        assert_eq!(ids(&store.replays(both).await.unwrap()).len(), found);
        let of_all = ReplayFilter { player: None, ..both };
        assert_eq!(ids(&store.replays(of_all).await.unwrap()).is_empty(), found == 0);
    }

    assert_eq!(store.replays_older_than(3, 9).await.unwrap().len(), 2);
    store.remove_replay(ReplayId::from_bits(1)).await.unwrap();
    assert_eq!(store.replay(ReplayId::from_bits(1)).await.unwrap(), None);
}

#[tokio::test]
async fn no_page_of_replays_walks_a_table_or_sorts() {
    let (store, _folder) = sqlite_store().await;
    let ada = guest(&store, 1, "Ada").await;
    store.put_replay(replay(1, &ada)).await.unwrap();

    for player in [None, Some(ada.id)] {
        for mode in [None, Some(Mode::Duel)] {
            let filter = ReplayFilter { player, mode, ..ReplayFilter::default() };
            let sql = format!("EXPLAIN QUERY PLAN {}", crate::storage::replays::page(filter));
            let plan = sqlx::query(AssertSqlSafe(sql)).fetch_all(&store.lists).await.unwrap();
            let steps: Vec<String> = plan.iter().map(|row| row.get("detail")).collect();
            let is_search = |step: &String| step.starts_with("SEARCH ");
            assert!(!steps.is_empty() && steps.iter().all(is_search), "{filter:?}: {steps:?}");
        }
    }
}

#[tokio::test]
async fn the_log_is_emptied_as_soon_as_no_reader_needs_it_and_nobody_waits_for_that() {
    let (store, folder) = sqlite_store().await;
    let ada = guest(&store, 1, "Ada").await;
    let log = folder.path().join("test.sqlite-wal");
    let length = || std::fs::metadata(&log).unwrap().len();
    let mut reader = store.lists.begin().await.unwrap();
    sqlx::query("SELECT COUNT(*) FROM replays").fetch_all(&mut *reader).await.unwrap();
    for id in 1..=200 {
        store.put_replay(replay(id, &ada)).await.unwrap();
    }

    assert!(store.empty_log().await.unwrap() > 0 && length() > 0, "the reader needs it");
    store.put_replay(replay(201, &ada)).await.unwrap();
    reader.commit().await.unwrap();

    assert_eq!((store.empty_log().await.unwrap(), length()), (0, 0));
    assert!(store.replay(ReplayId::from_bits(201)).await.unwrap().is_some());
}
