//! What the last run left behind, on a disk that takes its time.

use std::fs;
use std::process::Command;
use std::time::Duration;

use shared::api::ProblemKind;
use shared::id::ReplayId;
use shared::protocol::chat::ChatChannel;
use tests::{ServerProcess, eventually, wait};

/// A part that is read only as fast as somebody writes it: a disk that does not answer.
fn leave_a_slow_part(server: &ServerProcess) -> std::path::PathBuf {
    let part = server.data().join(format!("data/replays/{}.part", ReplayId::from_bits(77)));
    let made = Command::new("mkfifo").arg(&part).status().unwrap();
    assert!(made.success());
    part
}

#[tokio::test]
async fn a_killed_server_answers_at_once_and_saves_its_recordings_beside() {
    let mut server = ServerProcess::start(4).await;
    server.kill();
    let part = leave_a_slow_part(&server);

    server.begin_restart().await;

    assert_eq!(server.get("/healthz").await.status, 200);
    let problem = eventually(wait::DEADLINE, "the recovery", async || {
        let answer = server.get("/readyz").await;
        let problem = answer.assert_refused(ProblemKind::Starting);
        assert!(answer.header("retry-after").parse::<u32>().is_ok());
        problem.detail.contains("Recordings").then_some(problem)
    })
    .await;
    assert_eq!(problem.status, 503);
    // Everything else is there.
    let mut chat = server.guest("ada").await.chat().await;
    chat.say(ChatChannel::Lobby, "good morning").await.unwrap();

    // The disk answers: nothing that can be played.
    fs::write(&part, b"not a recording").unwrap();
    eventually(wait::DEADLINE, "readiness", async || server.is_ready().await.then_some(())).await;
    assert!(part.with_extension("damaged").exists());
}

#[tokio::test]
async fn a_server_stops_when_asked_even_if_a_disk_does_not_answer() {
    let mut server = ServerProcess::start(4).await;
    server.kill();
    leave_a_slow_part(&server);
    server.begin_restart().await;
    assert_eq!(server.get("/healthz").await.status, 200);

    let took = server.stop().await;

    assert!(took < Duration::from_secs(7), "{took:?}");
}
