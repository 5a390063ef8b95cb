//! Refusals that clients see although they still send, and connections that outlive a pause.

use std::time::{Duration, Instant};

use shared::api::ProblemKind;
use tests::{Answer, TestServer, raw, within};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Sends a request with a body of 5 MB as a plain client does: all of it, and only then it looks for the answer.
async fn upload(server: &TestServer, head: &str) -> Answer {
    const BODY_BYTES: usize = 5_000_000;
    let mut line = raw::connect(server.address()).await;
    let head = format!("{head}Content-Length: {BODY_BYTES}\r\n\r\n");
    line.write_all(head.as_bytes()).await.expect("a head");
    within("the upload", line.write_all(&vec![b'x'; BODY_BYTES])).await.expect("no broken pipe");
    within("an answer", raw::read_answer(&mut line)).await.expect("an answer")
}

/// A server that permits one connection of an address, and that connection.
async fn server_with_its_only_connection_held() -> (TestServer, TcpStream) {
    let server = TestServer::start_with(|config| config.connections_per_address_max = 1).await;
    server.metric_becomes("pushback_connections", |open| open <= 1.0).await;
    let mut held = raw::connect(server.address()).await;
    held.write_all(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    assert_eq!(raw::read_answer(&mut held).await.unwrap().status, 200);
    (server, held)
}

#[tokio::test]
async fn a_client_that_sends_all_of_its_body_first_sees_the_refusal() {
    let server = TestServer::start().await;
    let json = "Host: localhost\r\nContent-Type: application/json\r\n";
    for (head, kind) in [
        (format!("POST /api/session HTTP/1.1\r\n{json}"), ProblemKind::TooLarge),
        (format!("POST /api/nothing HTTP/1.1\r\n{json}"), ProblemKind::NotFound),
        (format!("PUT /api/session HTTP/1.1\r\n{json}"), ProblemKind::MethodNotAllowed),
        (format!("POST /api/rooms HTTP/1.1\r\n{json}"), ProblemKind::SignIn),
        (
            format!("POST /api/session HTTP/1.1\r\n{json}Origin: https://evil.example\r\n"),
            ProblemKind::ForeignOrigin,
        ),
    ] {
        upload(&server, &head).await.assert_refused(kind);
    }
}

#[tokio::test]
async fn a_connection_over_the_cap_is_refused_in_words_although_it_sends_a_long_request() {
    let (server, _held) = server_with_its_only_connection_held().await;

    let long = format!(
        "GET /readyz HTTP/1.1\r\nHost: localhost\r\nCookie: a={}\r\n\r\n",
        "x".repeat(30_000)
    );
    raw::exchange(server.address(), long).await.assert_refused(ProblemKind::TooMany);
}

/// A hundred are more than the server answers side by side.
#[tokio::test]
async fn every_connection_over_the_cap_is_refused_in_words_also_one_that_says_nothing() {
    let (server, _held) = server_with_its_only_connection_held().await;

    let mut silent = Vec::new();
    for _ in 0..100 {
        silent.push(raw::connect(server.address()).await);
    }

    for line in &mut silent {
        let answer = within("a refusal", raw::read_answer(line)).await.expect("words");
        answer.assert_refused(ProblemKind::TooMany);
    }
}

#[tokio::test]
async fn a_full_server_says_that_it_lives_however_many_say_nothing() {
    let (server, _held) = server_with_its_only_connection_held().await;
    let mut silent = Vec::new();
    for _ in 0..200 {
        silent.push(raw::connect(server.address()).await);
    }

    for path in ["/healthz", "/metrics"] {
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        assert_eq!(raw::exchange(server.address(), &request).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn an_idle_connection_outlives_the_time_for_a_head() {
    let server = TestServer::start_with(|config| {
        config.header_timeout = Duration::from_millis(100);
        config.idle_timeout = Duration::from_millis(600);
    })
    .await;
    let mut line = raw::connect(server.address()).await;
    let ask = b"GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    line.write_all(ask).await.unwrap();
    assert_eq!(raw::read_answer(&mut line).await.unwrap().status, 200);

    // Idle: the end comes after the idle time, and not after the time for a head.
    let began = Instant::now();
    let mut rest = Vec::new();
    within("the end", line.read_to_end(&mut rest)).await.unwrap();
    assert!(began.elapsed() >= Duration::from_millis(500), "{:?}", began.elapsed());
    assert!(rest.is_empty());

    // A head that does not end is refused in words, long before that.
    let mut slow = raw::connect(server.address()).await;
    slow.write_all(b"GET /readyz HTTP/1.1\r\nHost: local").await.unwrap();
    let late = within("a refusal", raw::read_answer(&mut slow)).await.unwrap();
    assert_eq!(late.status, 408);
}

#[test]
fn connections_are_kept_for_longer_than_proxies_keep_them() {
    let config = game_server::Config::default();
    assert!(config.idle_timeout > Duration::from_secs(120), "{:?}", config.idle_timeout);
    assert!(config.header_timeout < config.idle_timeout);
}
