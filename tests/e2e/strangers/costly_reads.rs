//! Reads that cost: they hold up nobody else, and what is remembered of a session is never out of date.

use std::time::Duration;

use reqwest::Method;
use shared::api::{ProblemKind, ReplayList, Session};
use shared::sim::Mode;
use tests::{ServerProcess, TestServer, within};
use tokio::task::JoinSet;

/// Lists that one address asks for at once.
const GREEDY: usize = 64;

#[tokio::test]
async fn a_rename_and_a_sign_out_count_at_once_however_often_the_session_was_used() {
    let server = TestServer::start().await;
    let ada = server.guest("ada").await;
    let read = async || ada.ask(Method::GET, "/api/session").await;
    for _ in 0..3 {
        assert_eq!(read().await.json::<Session>().name.as_str(), "ada");
    }

    for number in 0..5 {
        let name = format!("ada {number}");
        let renamed = ada.post("/api/session", &serde_json::json!({ "name": name })).await;
        assert_eq!(renamed.status, 200);
        assert_eq!(read().await.json::<Session>().name.as_str(), name);
    }
    assert_eq!(ada.ask(Method::DELETE, "/api/session").await.status, 204);

    read().await.assert_refused(ProblemKind::SignIn);
}

#[tokio::test]
async fn many_lists_at_once_wait_for_their_turn_or_are_told_to_and_sessions_do_not_wait() {
    let server = ServerProcess::start(2).await;
    let (ada, bob) = (server.guest("ada").await, server.guest("bob").await);
    let room = ada.public_room(Mode::Duel).await;
    let (mut player, _second) = (ada.play(room).await, bob.play(room).await);
    player.until("a summary", |view| !view.summaries.is_empty()).await;
    let path = format!("/api/replays?player={}&limit=100", ada.id());

    let mut readers = JoinSet::new();
    for _ in 0..GREEDY {
        let (site, path) = ((*server).clone(), path.clone());
        readers.spawn(async move { site.get(&path).await });
    }
    let own = within("the session", ada.ask(Method::GET, "/api/session")).await;
    let answers = within("all lists", readers.join_all()).await;

    assert_eq!(own.status, 200);
    let mut read = 0;
    for answer in answers {
        if answer.status == 200 {
            read += 1;
            let list: ReplayList = answer.json();
            assert!(list.replays.iter().all(|r| r.players.iter().any(|p| p.player == ada.id())));
            assert!(!list.replays.is_empty());
        } else {
            answer.assert_refused(ProblemKind::TooMany);
            let wait: u64 = answer.header("retry-after").parse().unwrap();
            assert!(Duration::from_secs(wait) <= Duration::from_secs(5));
        }
    }
    assert!(read > 0);
}
