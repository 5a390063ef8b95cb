//! The process may open few files.

use std::process::Stdio;

use shared::api::ProblemKind;
use shared::sim::Mode;
use tests::server::refused_start;
use tests::{Answer, ServerProcess, eventually, raw, wait};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

/// What an operator's `ulimit` or `LimitNOFILE` may be.
const FEW: &str = r#"ulimit -n 128; exec "$0" "$@""#;
const TOO_FEW: &str = r#"ulimit -n 60; exec "$0" "$@""#;
/// More than the process may open files.
const READERS: usize = 200;

/// A reader of the feed `lab`, or the refusal.
async fn subscribe(server: &ServerProcess) -> Result<TcpStream, Answer> {
    let mut stream = raw::connect(server.address()).await;
    let request = format!(
        "GET /api/feeds/lab HTTP/1.1\r\nHost: {}\r\nAccept: text/event-stream\r\n\r\n",
        server.address()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let (status, headers, mut body) =
        tests::within("an answer", raw::read_head(&mut stream)).await.expect("an answer");
    if status == 200 {
        return Ok(stream);
    }
    tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut body).await.unwrap();
    Err(Answer { status, headers, body: body.into() })
}

#[tokio::test]
async fn a_crowd_of_readers_takes_no_file_from_recordings_database_and_health() {
    let flags = ["--round-seconds=3", "--bots=false"];
    let mut server = ServerProcess::start_in(FEW, Stdio::inherit(), &flags).await;
    let (ada, bob) = (server.guest("ada").await, server.guest("bob").await);
    let room = ada.public_room(Mode::Duel).await;
    let (mut first, _second) = (ada.play(room).await, bob.play(room).await);

    let (mut readers, mut refused) = (Vec::new(), 0);
    for _ in 0..READERS {
        match subscribe(&server).await {
            Ok(reader) => readers.push(reader),
            Err(answer) => {
                answer.assert_refused(ProblemKind::Overloaded);
                assert!(answer.header("retry-after").parse::<u32>().is_ok());
                refused += 1;
            }
        }
    }
    assert!(refused > 0 && readers.len() >= 16, "{} readers, {refused} refused", readers.len());
    assert_eq!(server.get("/healthz").await.status, 200);
    assert!(server.metric("pushback_connections_refused_total").await >= 1.0);
    let view = first.until("two rounds", |view| view.summaries.len() >= 2).await;

    drop(readers);
    eventually(wait::DEADLINE, "readiness", async || server.is_ready().await.then_some(())).await;
    for summary in &view.summaries {
        server.finished_replay(summary.replay).await;
    }
    assert_eq!(server.metric("pushback_task_panics_total").await, 0.0);
    server.stop().await;
}

#[tokio::test]
async fn a_server_that_may_open_too_few_files_says_so_and_ends() {
    let refused = refused_start(TOO_FEW, &[]).await;

    assert_eq!(refused.code, Some(1), "{}", refused.log);
    assert!(refused.log.contains("ulimit -n"), "{}", refused.log);
}
