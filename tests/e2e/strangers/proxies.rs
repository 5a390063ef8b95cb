//! Behind proxies each client counts for itself: its limits, and the cap on its connections.

use reqwest::Method;
use serde_json::json;
use shared::api::{ProblemKind, Role};
use tests::feed::Transport;
use tests::{Answer, TestServer, eventually, raw, within};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

async fn behind_two_proxies(sessions_per_minute: u32) -> TestServer {
    TestServer::start_with(|config| {
        config.trusted_proxies =
            ["127.0.0.0/8", "10.0.0.0/8"].map(|network| network.parse().unwrap()).to_vec();
        config.sessions_per_minute = sessions_per_minute;
        config.connections_per_address_max = 2;
    })
    .await
}

async fn sign_in_with(server: &TestServer, header: &str, value: &str) -> Answer {
    let request = server.request(Method::POST, "/api/session").header(header, value);
    server.send(request.json(&json!({ "name": "ada" }))).await
}

#[tokio::test]
async fn two_proxies_in_a_row_and_every_form_of_an_address_lead_to_the_client() {
    let server = behind_two_proxies(2).await;
    for (header, value) in [
        ("x-forwarded-for", "192.0.2.1, 10.1.1.1"),
        ("forwarded", "for=\"192.0.2.1:80\", for=10.1.1.1"),
    ] {
        assert_eq!(sign_in_with(&server, header, value).await.status, 201, "{value}");
    }

    // What the client itself wrote stands farther left, and makes no other client of it.
    for value in ["192.0.2.1", "192.0.2.1:4711, 10.1.1.1", "203.0.113.9, 192.0.2.1, 10.2.2.2"] {
        let refused = sign_in_with(&server, "x-forwarded-for", value).await;
        refused.assert_refused(ProblemKind::TooMany);
    }
    assert_eq!(sign_in_with(&server, "x-forwarded-for", "192.0.2.2, 10.1.1.1").await.status, 201);
}

/// Opens a subscription over a connection of its own, as a proxy does for a client.
async fn subscribe_for(server: &TestServer, client: &str, more: &str) -> (u16, TcpStream) {
    let mut line = raw::connect(server.address()).await;
    let request = format!(
        "GET /api/feeds/lab HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: {client}\r\n{more}\r\n"
    );
    line.write_all(request.as_bytes()).await.unwrap();
    let (status, _, _) = within("a head", raw::read_head(&mut line)).await.unwrap();
    (status.as_u16(), line)
}

const SSE: &str = "Accept: text/event-stream\r\n";
const WEBSOCKET: &str = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

#[tokio::test]
async fn the_cap_on_connections_counts_the_clients_behind_a_proxy() {
    let server = behind_two_proxies(100).await;
    let (sse, _stream) = subscribe_for(&server, "192.0.2.1", SSE).await;
    let (upgraded, socket) = subscribe_for(&server, "192.0.2.1", WEBSOCKET).await;
    assert_eq!((sse, upgraded), (200, 101));

    // The proxy uses one connection for requests of many.
    let mut line = raw::connect(server.address()).await;
    for (client, status) in [("192.0.2.1:9", 429), ("192.0.2.3", 200), ("192.0.2.1", 429)] {
        let ask = format!(
            "GET /api/rooms HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: {client}\r\n\r\n"
        );
        line.write_all(ask.as_bytes()).await.unwrap();
        let answer = within("an answer", raw::read_answer(&mut line)).await.unwrap();
        assert_eq!(answer.status, status, "{client}");
        if status == 429 {
            answer.assert_refused(ProblemKind::TooMany);
        }
    }
    assert_eq!(subscribe_for(&server, "192.0.2.2", SSE).await.0, 200, "another client");

    drop(socket);
    eventually(tests::wait::DEADLINE, "room for one more", async || {
        let (status, _line) = subscribe_for(&server, "192.0.2.1", SSE).await;
        (status == 200).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_seat_counts_for_its_client_until_its_socket_closes() {
    let server = behind_two_proxies(100).await;
    let ada = server.guest("ada").await;
    let room = ada.public_room(shared::sim::Mode::Duel).await;
    let mut lines = Vec::new();
    for status in [101, 101, 429] {
        let ticket = ada.ticket(room, Role::Spectator).await.url;
        let more = format!(
            "X-Forwarded-For: 192.0.2.1\r\nSec-WebSocket-Protocol: {}\r\n",
            shared::protocol::GAME_SUBPROTOCOL
        );
        let mut line = raw::connect(server.address()).await;
        let request = raw::handshake(server.address(), &ticket, &more);
        line.write_all(request.as_bytes()).await.unwrap();
        let (answered, _, _) = within("a head", raw::read_head(&mut line)).await.unwrap();
        assert_eq!(answered.as_u16(), status);
        lines.push(line);
    }

    // Everybody else is served: the room's list over a feed, for one.
    let rooms = within("a feed", server.subscribe("rooms", Transport::Sse)).await;
    drop(rooms);
}
