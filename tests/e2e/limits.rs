//! Limits: connections are counted, slow clients are disconnected, and every refusal says when to try again.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use futures_util::SinkExt as _;
use reqwest::Method;
use serde_json::json;
use shared::api::{MatchRequest, ProblemKind, Role, WebSocketTicket};
use shared::protocol::{CHAT_SUBPROTOCOL, close};
use shared::sim::Mode;
use tests::feed::{self, FeedReader as _, FeedSocket};
use tests::socket::{self, Incoming};
use tests::{Answer, Guest, TestServer, raw, within};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;

fn assert_retry_later(answer: &Answer, kind: ProblemKind) {
    answer.assert_refused(kind);
    let seconds: u32 = answer.header("retry-after").parse().expect("seconds");
    assert!((1..=60).contains(&seconds), "{seconds}");
}

const READY: &str = "GET /readyz HTTP/1.1\r\nHost: test\r\n\r\n";

#[tokio::test]
async fn one_address_gets_no_more_connections_than_its_share() {
    let server = TestServer::start_with(|config| config.connections_per_address_max = 3).await;
    server.metric_becomes("pushback_connections", |open| open <= 1.0).await;
    let mut held = Vec::new();
    for _ in 0..3 {
        let mut stream = raw::connect(server.address()).await;
        stream.write_all(READY.as_bytes()).await.unwrap();
        assert_eq!(raw::read_answer(&mut stream).await.unwrap().status, 200);
        held.push(stream);
    }

    assert_retry_later(&raw::exchange(server.address(), READY).await, ProblemKind::TooMany);

    drop(held);
    tests::eventually(Duration::from_secs(5), "room for one more", async || {
        (raw::exchange(server.address(), READY).await.status == 200).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_full_server_refuses_with_a_reason() {
    let server = TestServer::start_with(|config| config.connections_max = 2).await;

    // The story's own first request may still count for a moment.
    let mut held = Vec::new();
    let refused = tests::eventually(Duration::from_secs(5), "a refusal", async || {
        let mut stream = raw::connect(server.address()).await;
        stream.write_all(READY.as_bytes()).await.unwrap();
        let answer = raw::read_answer(&mut stream).await.unwrap();
        held.push(stream);
        (answer.status == 503).then_some(answer)
    })
    .await;

    assert_retry_later(&refused, ProblemKind::Overloaded);
    assert!(held.len() > 2);
}

#[tokio::test]
async fn one_address_makes_no_more_guests_than_its_share() {
    let server = TestServer::start_with(|config| config.sessions_per_minute = 2).await;
    server.guest("ada").await;
    server.guest("bob").await;

    let third = server.sign_in("cid").await;

    assert_retry_later(&third, ProblemKind::TooMany);
}

#[tokio::test]
async fn one_player_gets_no_more_device_links_than_windows_need() {
    let server = TestServer::start().await;
    let ada = server.guest("ada").await;
    let ask = async || ada.ask(Method::POST, "/api/session/handovers").await;

    let mut refused = None;
    for _ in 0..40 {
        let answer = ask().await;
        if answer.status != 201 {
            refused = Some(answer);
            break;
        }
    }

    assert_retry_later(&refused.expect("a refusal"), ProblemKind::TooMany);
    // Another player's are others.
    assert_eq!(
        server.guest("bob").await.ask(Method::POST, "/api/session/handovers").await.status,
        201
    );
}

#[tokio::test]
async fn a_client_that_asks_on_is_slowed_to_a_request_a_second() {
    let server = TestServer::start_with(|config| config.sessions_per_minute = 1).await;
    server.guest("ada").await;
    let began = Instant::now();

    for _ in 0..2 {
        assert_retry_later(&server.sign_in("bob").await, ProblemKind::TooMany);
    }

    assert!(began.elapsed() >= Duration::from_secs(2), "{:?}", began.elapsed());
}

#[tokio::test]
async fn one_address_asks_for_no_more_matches_than_its_share() {
    let server = TestServer::start_with(|config| config.rooms_per_minute = 2).await;
    let ada = server.guest("ada").await;
    ada.join_queue(Mode::Practice).await;
    ada.join_queue(Mode::Brawl).await;

    let third = ada.post("/api/matchmaking", &MatchRequest { mode: Mode::Practice }).await;

    assert_retry_later(&third, ProblemKind::TooMany);
}

#[tokio::test]
async fn one_address_gets_no_more_tickets_than_its_share() {
    // More guests than the limit divided by the tickets of one guest.
    let server = TestServer::start_with(|config| config.sessions_per_minute = 1).await;
    let ada = server.guest("ada").await;
    let room = ada.private_room(Mode::Duel).await;
    for _ in 0..10 {
        ada.ticket(room, Role::Player).await;
        assert_eq!(ada.ask(Method::POST, "/api/chat/tickets").await.status, 201);
    }

    let to_room = ada.ask_for_ticket(room, Role::Player).await;
    let to_chat = ada.ask(Method::POST, "/api/chat/tickets").await;

    assert_retry_later(&to_room, ProblemKind::TooMany);
    assert_retry_later(&to_chat, ProblemKind::TooMany);
}

#[tokio::test]
async fn the_name_changes_of_a_player_are_limited() {
    let server = TestServer::start().await;
    let (ada, bob) = (server.guest("ada").await, server.guest("bob").await);
    let rename = async |guest: &Guest, name: String| {
        guest.post("/api/session", &json!({ "name": name })).await
    };
    for number in 0..10 {
        assert_eq!(rename(&ada, format!("ada {number}")).await.status, 200);
    }

    let refused = rename(&ada, "ada again".to_owned()).await;

    assert_retry_later(&refused, ProblemKind::TooMany);
    assert_eq!(rename(&bob, "bobby".to_owned()).await.status, 200);
}

#[tokio::test]
async fn slow_headers_are_cut() {
    let server =
        TestServer::start_with(|config| config.header_timeout = Duration::from_millis(300)).await;
    let mut slow = raw::connect(server.address()).await;
    slow.write_all(b"GET /readyz HTTP/1.1\r\nHost: te").await.unwrap();
    let began = Instant::now();

    let mut rest = Vec::new();
    within("the cut", slow.read_to_end(&mut rest)).await.ok();

    assert!(began.elapsed() >= Duration::from_millis(250), "{:?}", began.elapsed());
    assert!(!rest.starts_with(b"HTTP/1.1 200"));
}

#[tokio::test]
async fn a_message_that_is_too_long_closes_with_1009() {
    let server = TestServer::start().await;
    let mut stream =
        socket::open(server.address(), "/api/feeds/lab", None).await.expect("a subscription");

    stream.send(Message::Text("x".repeat(9 * 1024).into())).await.unwrap();

    assert_eq!(end_of(&mut stream).await, Some(close::TOO_LARGE));
}

#[tokio::test]
async fn a_feed_takes_no_messages() {
    let server = TestServer::start().await;
    let mut stream =
        socket::open(server.address(), "/api/feeds/lab", None).await.expect("a subscription");

    stream.send(Message::Text("hello".into())).await.unwrap();

    assert_eq!(end_of(&mut stream).await, Some(close::POLICY));
}

/// Sends pings as fast as possible on a WebSocket at this path.
async fn end_of_a_ping_flood(
    server: &TestServer,
    path: &str,
    protocol: Option<&str>,
) -> Option<u16> {
    let mut stream = socket::open(server.address(), path, protocol).await.expect("a connection");
    for _ in 0..1_000 {
        // The server may disconnect before all are sent.
        if stream.feed(Message::Ping("are you there?".into())).await.is_err() {
            break;
        }
    }
    stream.flush().await.ok();
    end_of(&mut stream).await
}

#[tokio::test]
async fn a_flood_of_pings_closes_with_1008() {
    let server = TestServer::start().await;
    let ada = server.guest("ada").await;
    let ticket: WebSocketTicket = ada.ask(Method::POST, "/api/chat/tickets").await.json();

    let of_feed = end_of_a_ping_flood(&server, "/api/feeds/lab", None).await;
    let of_chat = end_of_a_ping_flood(&server, &ticket.url, Some(CHAT_SUBPROTOCOL)).await;

    assert_eq!((of_feed, of_chat), (Some(close::POLICY), Some(close::POLICY)));
}

#[tokio::test]
async fn text_that_is_not_utf_8_closes_with_1007() {
    let server = TestServer::start().await;
    let address = server.address();
    let (mut line, begun) = bare_subscription(address).await;

    // A masked text frame of two bytes that are no UTF-8; the mask is zero.
    line.write_all(&[0x81, 0x82, 0, 0, 0, 0, 0xff, 0xfe]).await.unwrap();

    assert_eq!(within("a close", close_code(&mut line, begun)).await, Some(close::INVALID_UTF8));
}

#[tokio::test]
async fn an_unmasked_frame_closes_with_1002() {
    let server = TestServer::start().await;
    let address = server.address();
    let (mut line, begun) = bare_subscription(address).await;

    line.write_all(&[0x81, 0x02, b'h', b'i']).await.unwrap();

    assert_eq!(within("a close", close_code(&mut line, begun)).await, Some(close::PROTOCOL_ERROR));
}

#[tokio::test]
async fn a_client_that_answers_no_ping_is_dropped() {
    let server = TestServer::start_with(|config| config.ping = Duration::from_millis(100)).await;
    let mut alive = FeedSocket::open(&server, "lab", None).await.expect("a subscription");
    let (mut dead, begun) = bare_subscription(server.address()).await;

    // Reads and answers no ping. The server waits for ten seconds.
    let code = within("a close", close_code(&mut dead, begun)).await;

    assert_eq!(code, Some(close::NO_PONG));
    assert!(feed::ready(&mut alive).is_some() || within("an event", alive.next()).await.is_ok());
}

async fn end_of(stream: &mut socket::Stream) -> Option<u16> {
    let end = async {
        loop {
            if let Incoming::Closed(closed) = socket::receive(stream).await {
                return closed.code;
            }
        }
    };
    within("a close", end).await
}

/// A feed's WebSocket over a bare TCP connection, and the first bytes of its frames.
async fn bare_subscription(address: SocketAddr) -> (TcpStream, Vec<u8>) {
    let mut line = raw::connect(address).await;
    line.write_all(raw::handshake(address, "/api/feeds/lab", "").as_bytes()).await.unwrap();
    let (status, _, begun) = within("the handshake", raw::read_head(&mut line)).await.unwrap();
    assert_eq!(status, 101);
    (line, begun)
}

/// Reads a server's frames until it closes. Returns the close code.
async fn close_code(line: &mut TcpStream, mut bytes: Vec<u8>) -> Option<u16> {
    loop {
        if let Some(code) = find_close(&bytes) {
            return Some(code);
        }
        if line.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}

fn find_close(mut rest: &[u8]) -> Option<u16> {
    loop {
        let (first, length) = (*rest.first()?, usize::from(*rest.get(1)?));
        let (length, from) = match length {
            126 => (usize::from(u16::from_be_bytes([*rest.get(2)?, *rest.get(3)?])), 4),
            short => (short, 2),
        };
        let payload = rest.get(from..from + length)?;
        if first & 0x0f == 8 {
            return Some(u16::from_be_bytes([*payload.first()?, *payload.get(1)?]));
        }
        rest = &rest[from + length..];
    }
}
