//! Another process holds the database: that is the wait of those who write, and of nobody else.

use std::time::Duration;

use shared::api::ProblemKind;
use shared::protocol::Ratings;
use shared::protocol::chat::{ChatChannel, ChatRefusal};
use shared::sim::Mode;
use tests::database::OtherProcess;
use tests::player::Behaviour;
use tests::{Guest, Player, ServerProcess, eventually, wait};
use tokio::time::timeout;

/// Two guests in a duel of a public room, in the middle of a round.
async fn duel(ada: &Guest, bob: &Guest) -> (Player, Player) {
    let room = ada.public_room(Mode::Duel).await;
    let (mut ada, bob) = (ada.play(room).await, bob.play(room).await);
    ada.set_behaviour(Behaviour::Fight).await;
    ada.until("a round of two", |view| view.roster.entries.len() == 2 && view.is_playing()).await;
    (ada, bob)
}

#[tokio::test]
async fn its_database_held_by_another_process_is_nobody_elses_wait() {
    let server = ServerProcess::start(6).await;
    let (ada, bob, eve) =
        (server.guest("ada").await, server.guest("bob").await, server.guest("eve").await);
    let mut chat_of_ada = ada.chat().await;
    let before = chat_of_ada.say(ChatChannel::Lobby, "before").await.unwrap();
    let (mut player, _second) = duel(&ada, &bob).await;

    let other = OtherProcess::writes(server.data()).await;
    // Whoever writes waits for a moment, and is told what to do; whoever reads does not wait for that.
    let mut line = Box::pin(chat_of_ada.say(ChatChannel::Lobby, "meanwhile"));
    let mut chat_of_eve = tokio::select! {
        biased;
        answer = &mut line => panic!("answered while the database is held: {answer:?}"),
        chat = eve.chat() => chat,
    };
    assert_eq!(chat_of_eve.greeting.last().map(|line| line.sequence), Some(before));
    assert_eq!(line.await, Err(ChatRefusal::Failed));
    let renamed = eve.post("/api/session", &serde_json::json!({ "name": "Eve L" })).await;
    renamed.assert_refused(ProblemKind::Busy);
    assert_eq!((renamed.status.as_u16(), renamed.header("retry-after")), (503, "2"));
    server.sign_in("new").await.assert_refused(ProblemKind::Busy);
    assert_eq!(server.get("/readyz").await.status, 200);

    // The round ends on time, and its players are told what is known.
    let view = player.until("a summary", |view| !view.summaries.is_empty()).await;
    let summary = &view.summaries[0];
    assert_eq!((summary.ratings, summary.results.len()), (Ratings::Pending, 2));
    let keyframes = view.keyframes;
    player.until("the next round", |view| view.keyframes > keyframes && view.is_playing()).await;
    let seated = server.scoreboard().await.row_of("ada").cloned();
    assert!(seated.is_some_and(|row| row.playing.is_some() && row.rounds == 0));
    other.end().await;

    // Nothing of it was lost.
    eventually(wait::DEADLINE, "the result", async || {
        server.scoreboard().await.row_of("ada").filter(|row| row.rounds >= 1).cloned()
    })
    .await;
    assert!(server.finished_replay(summary.replay).await.complete);
    assert_eq!(chat_of_ada.say(ChatChannel::Lobby, "afterwards").await.unwrap(), before + 1);
    assert_eq!(chat_of_eve.next_line().await.text, "afterwards");
    let renamed = eve.post("/api/session", &serde_json::json!({ "name": "Eve L" })).await;
    assert_eq!(renamed.status, 200, "{}", renamed.text());
}

#[tokio::test]
async fn a_stop_does_not_wait_for_a_database_that_is_held_and_the_next_start_has_the_result() {
    let mut server = ServerProcess::start(3).await;
    let (ada, bob) = (server.guest("ada").await, server.guest("bob").await);
    let (mut player, _second) = duel(&ada, &bob).await;
    let other = OtherProcess::writes(server.data()).await;
    let view = player.until("a summary", |view| !view.summaries.is_empty()).await;
    let summary = view.summaries[0].clone();
    assert_eq!(summary.ratings, Ratings::Pending);

    let took = server.stop().await;
    other.end().await;
    assert!(took.as_secs_f32() < 6.0, "{took:?}");
    server.restart().await;

    let row = server.scoreboard().await.row_of("ada").cloned().expect("ada is on the board");
    let told = summary.results.iter().find(|result| result.player == row.player).unwrap();
    assert_eq!((row.rounds, row.points), (1, told.points.into()));
    assert_eq!((row.knockouts, row.falls), (told.knockouts, told.falls));
    assert!(server.finished_replay(summary.replay).await.complete);
}

#[tokio::test]
async fn a_start_beside_a_program_that_holds_the_database_waits_for_it_and_says_so() {
    let mut server = ServerProcess::start(60).await;
    server.stop().await;
    let other = OtherProcess::writes(server.data()).await;
    server.begin_restart().await;

    let ready = async || {
        eventually(wait::DEADLINE, "readiness", async || server.is_ready().await.then_some(()))
            .await;
    };
    // Longer than one write waits for another process.
    assert!(timeout(Duration::from_secs(4), ready()).await.is_err());
    assert_eq!(server.get("/healthz").await.status, 200);
    server.get("/readyz").await.assert_refused(ProblemKind::Starting);
    server.sign_in("ada").await.assert_refused(ProblemKind::Starting);
    other.end().await;

    ready().await;
    assert_eq!(server.sign_in("ada").await.status, 201);
}

#[tokio::test]
async fn the_log_of_the_database_is_emptied_when_a_long_reader_has_ended() {
    let server = ServerProcess::start(30).await;
    let mut chat = server.guest("ada").await.chat().await;
    let other = OtherProcess::reads(server.data()).await;
    for number in 0..5 {
        chat.say(ChatChannel::Lobby, &format!("line {number}")).await.unwrap();
    }
    assert!(other.log_bytes() > 0);
    let watch = OtherProcess::reads(server.data()).await;
    other.end().await;
    watch.end().await;

    let folder = server.data().to_owned();
    eventually(wait::DEADLINE, "an empty log", async || {
        let log = folder.join("data").join("pushback.sqlite-wal");
        let length = std::fs::metadata(log).map_or(0, |log| log.len());
        (length == 0).then_some(())
    })
    .await;
    assert!(chat.say(ChatChannel::Lobby, "still here").await.is_ok());
}
