//! The ladder of both engines: its order, and what becomes of ratings on the old scale.

use shared::id::{PlayerId, PlayerName, ReplayId, RoomId};
use shared::sim::Mode;
use sqlx::{AnyConnection, Connection as _};

use crate::player::Skill;
use crate::storage::sql::MIGRATIONS;
use crate::storage::testing::{guest, on_both_engines};
use crate::storage::{DatabaseUrl, Ladder as _, ReplayFilter, Rounds as _, SqlStore};

on_both_engines!(settled_players_come_before_provisional_ones);

/// The version before ratings around 1500.
const OLD_SCALE: i64 = 1;
/// What a build of that version wrote: a newcomer without a round, a beginner, a strong bot, and one out of range.
const OLD_PLAYERS: &str = "INSERT INTO players \
     (id, name, bot, created_at_ms, mean, deviation, rating, points, rounds) VALUES \
     (1, 'New', 0, 1, NULL, NULL, 1033, 0, 0), \
     (2, 'Beginner', 0, 1, 27.5, 6.25, 1300, 4, 1), \
     (3, 'Bolt', 1, 1, 35.0, 0.9, 2028, 90, 400), \
     (4, 'Lost', 0, 1, -40.0, 2.0, -1060, -9, 30)";
const OLD_HISTORY: &str =
    "INSERT INTO rating_history (player, replay, at_ms, rating) VALUES (2, 9, 50, 1300)";
const OLD_REPLAY: &str = "INSERT INTO replays (id, room, mode, started_at_ms, ticks, bytes, complete) \
     VALUES (9, 4, 'duel', 9, 600, 10, 1)";
const OLD_PLAYER: &str = "INSERT INTO replay_players \
     (replay, place, player, name, bot, points, team) VALUES (9, 0, 2, 'Beginner', 0, 4, NULL)";

async fn settled_players_come_before_provisional_ones(store: &SqlStore) {
    for (id, name) in [(1, "Ada"), (2, "Bob"), (3, "Eve")] {
        guest(store, id, name).await;
    }
    for (id, rating, provisional) in [(1, 1_600, 1), (2, 1_450, 0), (3, 1_550, 0)] {
        sqlx::query("UPDATE players SET rounds = 1, rating = $2, provisional = $3 WHERE id = $1")
            .bind(id)
            .bind(rating)
            .bind(provisional)
            .execute(&store.writes)
            .await
            .unwrap();
    }

    let rows = store.ladder(9).await.unwrap();

    let mut board = shared::api::Scoreboard::default();
    rows.iter().rev().for_each(|row| board.upsert(row.clone()));
    let names: Vec<_> = rows.iter().map(|row| row.name.as_str()).collect();
    assert_eq!((names, &board.rows), (vec!["Eve", "Bob", "Ada"], &rows), "as the feed orders them");
}

async fn old_ratings_are_brought_to_the_new_scale(url: &DatabaseUrl) {
    sqlx::any::install_default_drivers();
    let mut connection = AnyConnection::connect(url.expose()).await.unwrap();
    MIGRATIONS.run_to(OLD_SCALE, &mut connection).await.unwrap();
    for statement in [OLD_PLAYERS, OLD_HISTORY, OLD_REPLAY, OLD_PLAYER] {
        sqlx::query(statement).execute(&mut connection).await.unwrap();
    }
    connection.close().await.unwrap();

    let store = SqlStore::open(url).await.unwrap();

    let row = async |id| store.row(PlayerId::from_bits(id)).await.unwrap().unwrap();
    let rating = async |id| (row(id).await.rating, row(id).await.provisional);
    assert_eq!(rating(1).await, (Skill::NEWCOMER.shown(), true));
    assert_eq!(rating(2).await, (1_560, true));
    assert_eq!(rating(3).await, (1_740, false));
    assert_eq!(rating(4).await, (400, false));
    // Totals stay. Points of the old curve would be drawn on another scale.
    assert_eq!((row(3).await.points, row(3).await.rounds), (90, 400));
    let profile = store.profile(PlayerId::from_bits(2)).await.unwrap().unwrap();
    assert!(profile.curve.is_empty());
    let names: Vec<_> =
        store.ladder(9).await.unwrap().into_iter().map(|row| row.name.to_string()).collect();
    assert_eq!(names, ["Bolt", "Lost", "Beginner"]);
    // Old replays are found by player and mode.
    let filter = ReplayFilter {
        player: Some(PlayerId::from_bits(2)),
        mode: Some(Mode::Duel),
        limit: 9,
        before: None,
    };
    let found = store.replays(filter).await.unwrap().replays;
    assert_eq!(found.iter().map(|replay| replay.id).collect::<Vec<_>>(), [ReplayId::from_bits(9)]);
    assert_eq!(found[0].room, RoomId::from_bits(4));
    assert_eq!(found[0].players[0].name, PlayerName::parse("Beginner").unwrap());
}

#[tokio::test]
async fn old_ratings_are_brought_to_the_new_scale_in_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let url = DatabaseUrl::sqlite(&folder.path().join("old.sqlite"));
    old_ratings_are_brought_to_the_new_scale(&url).await;
}

#[tokio::test]
async fn old_ratings_are_brought_to_the_new_scale_in_postgres() {
    let url = DatabaseUrl::from(test_postgres::empty_database().as_str());
    old_ratings_are_brought_to_the_new_scale(&url).await;
}
