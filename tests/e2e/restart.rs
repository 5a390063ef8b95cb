//! Crash and restart: finished rounds are kept, running ones are recovered as far as they were recorded.

use std::fs;
use std::path::Path;

use game_server::Config;
use shared::protocol::chat::ChatChannel;
use shared::protocol::close;
use shared::replay::ReplayReader;
use shared::sim::Mode;
use tests::player::Behaviour;
use tests::{Guest, Player, ServerProcess, TestServer, eventually, wait, within};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

async fn fight(ada: &Guest, bob: &Guest) -> (Player, Player) {
    let room = ada.public_room(Mode::Duel).await;
    let (mut ada, bob) = (ada.play(room).await, bob.play(room).await);
    ada.set_behaviour(Behaviour::Fight).await;
    ada.until("a round of two", |view| view.roster.entries.len() == 2 && view.is_playing()).await;
    (ada, bob)
}

fn parts_below(folder: &Path) -> usize {
    let entries =
        fs::read_dir(folder).map(|entries| entries.flatten().collect()).unwrap_or_default();
    let entries: Vec<fs::DirEntry> = entries;
    entries
        .iter()
        .map(|entry| match entry.path() {
            path if path.is_dir() => parts_below(&path),
            path => usize::from(path.extension().is_some_and(|ending| ending == "part")),
        })
        .sum()
}

#[tokio::test]
async fn a_killed_server_keeps_finished_rounds_and_recovers_running_ones() {
    kill_and_restart(ServerProcess::start(4).await).await;
}

#[tokio::test]
async fn a_killed_server_on_postgresql_keeps_the_same() {
    let database = format!("--database-url={}", test_postgres::empty_database());
    let flags = [&database, "--round-seconds=4", "--bots=false"];
    kill_and_restart(ServerProcess::start_with(&flags).await).await;
}

async fn kill_and_restart(mut server: ServerProcess) {
    let (ada, bob) = (server.guest("ada").await, server.guest("bob").await);
    let mut chat = ada.chat().await;
    chat.say(ChatChannel::Lobby, "good luck").await.unwrap();
    let (mut first, _second) = fight(&ada, &bob).await;
    let view = first.until("a summary", |view| !view.summaries.is_empty()).await;
    let finished = server.finished_replay(view.summaries[0].replay).await;
    let file = server.replay_file(finished.id).await;
    let rating = view.summaries[0].results.iter().find(|p| p.player == ada.id()).unwrap().rating;
    let keyframes = view.keyframes;
    first.until("the next round", |view| view.keyframes > keyframes && view.is_playing()).await;
    let deltas = first.view().deltas;
    first.until("a second of it", |view| view.deltas > deltas + 30).await;
    assert!(parts_below(server.data()) > 0, "the running round is being written");

    server.kill();
    assert_eq!(first.closed().await.code, None, "no close frame was sent");
    server.restart().await;

    assert_eq!(server.replay_file(finished.id).await.body, file.body);
    let row = server.scoreboard().await.row_of("ada").cloned().expect("ada is on the board");
    assert_eq!((row.rounds, row.rating), (1, rating));
    let history = ada.chat().await.greeting;
    assert_eq!(history.last().map(|line| line.text.as_str()), Some("good luck"));
    let cut_off = eventually(wait::DEADLINE, "the round that was cut off", async || {
        server.replays().await.replays.into_iter().find(|replay| !replay.complete)
    })
    .await;
    let mut reader = ReplayReader::new();
    reader.push(&server.replay_file(cut_off.id).await.body).unwrap();
    assert!(!reader.is_complete());
    assert_eq!(reader.available_ticks(), cut_off.ticks);
    assert!(cut_off.ticks >= 30, "{} ticks were saved", cut_off.ticks);
    assert_eq!(parts_below(server.data()), 0);
}

#[tokio::test]
async fn a_second_server_refuses_a_data_folder_in_use() {
    let server = TestServer::start().await;
    let (ada, bob) = (server.guest("ada").await, server.guest("bob").await);
    let (mut player, _second) = fight(&ada, &bob).await;
    player.until("a while", |view| view.deltas > 30).await;
    let parts = parts_below(server.data());

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let config = Config { data_dir: server.data().to_owned(), ..Config::default() };
    let second = game_server::run(listener, config, CancellationToken::new());
    let refused = within("a refusal", second).await.expect_err("the folder is in use");

    assert!(refused.to_string().contains(server.data().to_str().unwrap()), "{refused}");
    assert!(parts > 0 && parts_below(server.data()) == parts, "the growing recording is untouched");
}

#[tokio::test]
async fn players_come_back_after_a_graceful_restart() {
    let mut server = ServerProcess::start(30).await;
    let (ada, bob) = (server.guest("ada").await, server.guest("bob").await);
    let (mut first, mut second) = fight(&ada, &bob).await;

    let took = server.stop().await;
    let codes = (first.closed().await.code, second.closed().await.code);
    server.restart().await;

    assert_eq!(codes, (Some(close::RESTART), Some(close::RESTART)));
    assert!(took.as_secs_f32() < 6.0, "{took:?}");
    let (mut again, _) = fight(&ada, &bob).await;
    again.until("a game that goes on", |view| view.deltas > 30).await;
    assert_eq!(again.view().diverged, 0);
}
