//! The log is a closed pipe, a full disk, or a pipe that nobody reads: nothing depends on it.

use std::fs::File;
use std::io::{Write as _, pipe};
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use shared::sim::Mode;
use tests::ServerProcess;

/// Starts the server and nothing else.
const PLAIN: &str = r#"exec "$0" "$@""#;
/// The server's limit, and a margin for a busy machine.
const STOP_WITHIN: Duration = Duration::from_secs(7);

/// Plays a round on a server whose log goes there, and stops it.
async fn play_and_stop(log: Stdio, lines_get_lost: bool) {
    // Every line that there is.
    let flags = ["--log=trace", "--round-seconds=2", "--bots=false"];
    let mut server = ServerProcess::start_in(PLAIN, log, &flags).await;
    let (ada, bob) = (server.guest("ada").await, server.guest("bob").await);
    let mut chat = ada.chat().await;
    let room = ada.public_room(Mode::Duel).await;
    let (mut first, _second) = (ada.play(room).await, bob.play(room).await);

    let view = first.until("a summary", |view| !view.summaries.is_empty()).await;

    server.finished_replay(view.summaries[0].replay).await;
    chat.say(shared::protocol::chat::ChatChannel::Lobby, "still here").await.unwrap();
    assert!(server.is_ready().await);
    if lines_get_lost {
        server.metric_becomes("pushback_log_lines_lost_total", |lines| lines > 0.0).await;
    }
    assert_eq!(server.metric("pushback_task_panics_total").await, 0.0);
    let took = server.stop().await;
    assert!(took < STOP_WITHIN, "{took:?}");
}

#[tokio::test]
async fn a_server_whose_log_is_a_closed_pipe_plays_on_and_stops_when_asked() {
    let (reader, log) = pipe().unwrap();
    drop(reader);

    play_and_stop(log.into(), true).await;
}

#[tokio::test]
async fn a_server_whose_log_is_on_a_full_disk_plays_on_and_stops_when_asked() {
    let full = File::options().write(true).open("/dev/full").unwrap();

    play_and_stop(full.into(), true).await;
}

#[tokio::test]
async fn a_server_whose_log_nobody_reads_plays_on_and_stops_when_asked() {
    let (unread, log) = pipe().unwrap();
    let mut filler = log.try_clone().unwrap();
    // Keeps the pipe full until its reader is gone.
    let filling = thread::spawn(move || filler.write_all(&vec![0; 1 << 20]));

    // Two seconds may be too short to fill the queue behind the pipe.
    play_and_stop(log.into(), false).await;

    drop(unread);
    assert!(filling.join().unwrap().is_err(), "the pipe was full");
}
