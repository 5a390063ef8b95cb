//! A panic anywhere: counted, and either contained or the end of the server.

use std::process::Stdio;

use shared::api::Role;
use shared::protocol::close;
use shared::sim::Mode;
use tests::server::refused_start;
use tests::{ServerProcess, within};

const PLAIN: &str = r#"exec "$0" "$@""#;

#[tokio::test]
async fn a_room_that_panics_ends_with_a_reason_and_nothing_else_ends() {
    let flags = ["--panic-in=room", "--bots=false"];
    let mut server = ServerProcess::start_in(PLAIN, Stdio::null(), &flags).await;
    let ada = server.guest("ada").await;
    let mut chat = ada.chat().await;
    let room = ada.private_room(Mode::Duel).await;

    let mut socket = ada.connect(room, Role::Player).await;
    let closed = within("a close", socket.closed()).await;

    assert_eq!(closed.code, Some(close::ROOM_FAULT));
    assert!(closed.reason.contains("a fault of the server"), "{}", closed.reason);
    let text = server.get("/metrics").await;
    assert!(text.text().contains("pushback_task_panics_total{task=\"room\"} 1\n"));
    chat.say(shared::protocol::chat::ChatChannel::Lobby, "what was that?").await.unwrap();
    assert!(server.is_ready().await);
    server.stop().await;
}

#[tokio::test]
async fn a_server_that_lost_a_vital_task_ends_with_an_error() {
    for task in ["ladder", "chat", "feeds", "matchmaking", "accept", "room table", "data disk"] {
        let refused = refused_start(PLAIN, &[&format!("--panic-in={task}")]).await;

        assert_eq!(refused.code, Some(1), "{task}: {}", refused.log);
        let sentence = format!("the server ends because its task \"{task}\" panicked");
        assert!(refused.log.contains(&sentence), "{task}: {}", refused.log);
    }
}
