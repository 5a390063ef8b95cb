//! Ratings that people can read, and that nobody can make alone.

use shared::api::PlayerProfile;
use shared::protocol::{PlayerResult, Ratings};
use shared::sim::Mode;
use tests::player::Behaviour;
use tests::{Player, TestServer};

/// Plays a round of a duel, which Ada wins against one who does this. Returns both players.
async fn duel(server: &TestServer, private: bool, other: Behaviour) -> (Player, Player) {
    let (ada, bob) = (server.guest("ada").await, server.guest("bob").await);
    let room = match private {
        true => ada.private_room(Mode::Duel).await,
        false => ada.public_room(Mode::Duel).await,
    };
    assert_eq!(server.room(room).await.rated, !private);
    let (mut ada, bob) = (ada.play(room).await, bob.play(room).await);
    ada.set_behaviour(Behaviour::Fight).await;
    bob.set_behaviour(other).await;
    ada.until("a summary", |view| !view.summaries.is_empty()).await;
    (ada, bob)
}

async fn profile(server: &TestServer, player: &Player) -> PlayerProfile {
    server.get(&format!("/api/players/{}", player.guest().id())).await.json()
}

#[tokio::test]
async fn a_private_duel_is_unrated_and_says_so() {
    let server = TestServer::start().await;
    let (ada, bob) = duel(&server, true, Behaviour::Aim).await;

    let view = ada.view();
    let summary = view.last_summary().unwrap();
    assert_eq!(summary.ratings, Ratings::Unrated);
    assert!(summary.results.iter().all(|result| result.rating_change == 0));
    assert!(server.finished_replay(summary.replay).await.complete);
    for player in [&ada, &bob] {
        let profile = profile(&server, player).await;
        let row = &profile.row;
        assert_eq!((row.rating, row.rounds, row.points, row.knockouts), (1_500, 0, 0, 0));
        assert!(row.provisional && profile.curve.is_empty());
    }
}

#[tokio::test]
async fn a_first_round_moves_a_rating_by_less_than_a_hundred_points_and_is_kept_when_it_is_told() {
    let server = TestServer::start().await;
    let (ada, bob) = duel(&server, false, Behaviour::Aim).await;

    // Read at once: the summary is told after the commit.
    let (of_ada, of_bob) = (profile(&server, &ada).await, profile(&server, &bob).await);
    let view = ada.view();
    let summary = view.last_summary().unwrap();
    assert_eq!(summary.ratings, Ratings::Settled);
    let result = |player: &Player| -> PlayerResult {
        let id = player.guest().id();
        summary.results.iter().find(|result| result.player == id).unwrap().clone()
    };
    for (player, profile) in [(&ada, &of_ada), (&bob, &of_bob)] {
        let result = result(player);
        assert!((50..100).contains(&result.rating_change.abs()), "{result:?}");
        assert_eq!(result.rating, 1_500 + result.rating_change);
        assert!(result.provisional && profile.row.provisional);
        assert_eq!(profile.curve.last().map(|point| point.rating), Some(result.rating));
    }
    assert_eq!(result(&ada).rating_change, -result(&bob).rating_change);
    assert!(result(&ada).rating_change > 0);
}

#[tokio::test]
async fn rounds_are_settled_in_their_order() {
    let server = TestServer::start_with(|config| config.round_seconds = Some(2)).await;
    let (mut ada, bob) = duel(&server, false, Behaviour::Aim).await;
    let view = ada.until("three rounds", |view| view.summaries.len() >= 3).await;

    for player in [&ada, &bob] {
        let mut rating = 1_500;
        for summary in &view.summaries {
            let id = player.guest().id();
            let result = summary.results.iter().find(|result| result.player == id).unwrap();
            assert_eq!(
                (summary.ratings, result.rating - result.rating_change),
                (Ratings::Settled, rating)
            );
            rating = result.rating;
        }
        let curve = profile(&server, player).await.curve;
        let ratings: Vec<_> = curve.iter().take(3).map(|point| point.rating).collect();
        assert_eq!(ratings.last(), Some(&rating));
    }
}

#[tokio::test]
async fn a_second_window_that_stands_still_makes_no_rating() {
    let server = TestServer::start().await;
    let (ada, bob) = duel(&server, false, Behaviour::Idle).await;

    let view = ada.view();
    let summary = view.last_summary().unwrap();
    assert!(summary.results[0].points > summary.results[1].points);
    assert!(summary.results.iter().all(|result| result.rating_change == 0), "{summary:?}");
    for player in [&ada, &bob] {
        let row = profile(&server, player).await.row;
        assert_eq!((row.rating, row.wins), (1_500, 0));
    }
}
