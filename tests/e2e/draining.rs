//! A drain of a server that is alone: the first signal lets rounds end, the second ends the program.

use std::time::{Duration, Instant};

use reqwest::Method;
use shared::api::{CreateRoom, ProblemKind, Role};
use shared::protocol::close;
use shared::sim::Mode;
use tests::feed::{EventStream, FeedReader as _};
use tests::{Player, ServerProcess, eventually, wait, within};

/// The exit code of a program that a signal interrupted.
const INTERRUPTED: i32 = 130;
/// The server would go on for half a minute.
const AT_ONCE: Duration = Duration::from_secs(3);

/// A server on which two play a duel.
async fn server_with_a_duel() -> (ServerProcess, [Player; 2]) {
    let flags = ["--drain-within=30", "--round-seconds=6", "--bots=false"];
    let server = ServerProcess::start_with(&flags).await;
    let (ada, bob) = (server.guest("ada").await, server.guest("bob").await);
    let room = ada.public_room(Mode::Duel).await;
    let mut players = [ada.play(room).await, bob.play(room).await];
    let is_duel = |view: &tests::player::View| view.is_playing() && view.roster.entries.len() == 2;
    for player in &mut players {
        player.until("a round of two", is_duel).await;
    }
    (server, players)
}

#[tokio::test]
async fn a_draining_server_plays_its_round_to_the_end_and_sends_everybody_elsewhere() {
    let (mut server, [mut ada, bob]) = server_with_a_duel().await;
    let room = server.rooms().await.rooms[0].id;
    let cleo = server.guest("cleo").await;
    let empty = cleo.private_room(Mode::Brawl).await;
    let mut chat = cleo.chat().await;
    let mut events = EventStream::open(&server, "rooms", None).await.unwrap();

    server.begin_stop();

    server.metric_becomes("pushback_rooms", |open| open <= 1.0).await;
    server.get("/readyz").await.assert_refused(ProblemKind::Stopping);
    assert!(server.get("/readyz").await.text().contains("draining"));
    assert_eq!(server.get("/healthz").await.status, 200);
    let wish = CreateRoom { mode: Mode::Duel, private: false, bots: None };
    let refused = cleo.post("/api/rooms", &wish).await;
    refused.assert_refused(ProblemKind::Stopping);
    assert!(refused.header("retry-after").parse::<u32>().is_ok_and(|seconds| seconds > 0));
    cleo.ask_for_ticket(empty, Role::Player).await.assert_refused(ProblemKind::RoomEnded);
    // One who was cut off comes back to a round that runs.
    let mut bob = bob.drop_connection().await.play(room).await;
    let ending = async {
        while events.next().await.is_ok() {}
        chat.closed().await.code
    };
    let (ends, chat_end) = tokio::join!(
        async { [ada.closed().await, bob.closed().await] },
        within("the ends", ending)
    );

    assert!(ends.iter().all(|end| end.code == Some(close::RESTART)), "{ends:?}");
    assert_eq!(chat_end, Some(close::RESTART));
    assert_eq!((ada.view().summaries.len(), bob.view().summaries.len()), (1, 1));
    assert_eq!(server.exit_code().await, Some(0));
    server.restart().await;
    let replays = server.replays().await.replays;
    assert_eq!(replays.iter().map(|replay| replay.complete).collect::<Vec<_>>(), [true]);
}

#[tokio::test]
async fn a_second_signal_ends_a_draining_server_at_once() {
    let (mut server, _players) = server_with_a_duel().await;
    server.begin_stop();
    eventually(wait::DEADLINE, "a drain", async || (!server.is_ready().await).then_some(())).await;
    let answer = server.send(server.request(Method::GET, "/api/rooms")).await;
    assert_eq!(answer.status, 200, "it goes on");
    let began = Instant::now();

    server.begin_stop();

    assert_eq!(server.exit_code().await, Some(INTERRUPTED));
    assert!(began.elapsed() < AT_ONCE, "{:?}", began.elapsed());
}
