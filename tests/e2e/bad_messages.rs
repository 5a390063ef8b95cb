//! Wrong tickets, full rooms and invalid messages: each has its own refusal or close code.

use shared::api::{CreateRoom, MatchTicket, ProblemKind, Role};
use shared::id::RoomId;
use shared::protocol::{
    CLIENT_MESSAGE_BYTES_MAX, ClientMessage, GAME_SUBPROTOCOL, INPUTS_PER_MESSAGE_MAX, close,
};
use shared::sim::{Input, Mode};
use shared::tick::Tick;
use tests::socket::GameSocket;
use tests::{Answer, Guest, TestServer, raw, within};

async fn try_handshake(server: &TestServer, path: &str, protocol: &str) -> Answer {
    let offer = format!("Sec-WebSocket-Protocol: {protocol}\r\n");
    raw::exchange(server.address(), raw::handshake(server.address(), path, &offer)).await
}

async fn seated(server: &TestServer) -> GameSocket {
    let ada = server.guest("ada").await;
    let room = ada.private_room(Mode::Brawl).await;
    ada.connect(room, Role::Player).await
}

async fn code(socket: &mut GameSocket) -> Option<u16> {
    within("a close", socket.closed()).await.code
}

#[tokio::test]
async fn a_ticket_is_valid_once_for_its_own_room() {
    let server = TestServer::start().await;
    let ada = server.guest("ada").await;
    let (room, other) = (ada.private_room(Mode::Brawl).await, ada.private_room(Mode::Brawl).await);
    let ticket = ada.ticket(room, Role::Player).await;
    let foreign = format!("/ws/rooms/{other}?ticket={}", ticket.ticket);

    let elsewhere = try_handshake(&server, &foreign, GAME_SUBPROTOCOL).await;
    let in_chat = format!("/ws/chat?ticket={}", ticket.ticket);
    let in_chat = try_handshake(&server, &in_chat, shared::protocol::CHAT_SUBPROTOCOL).await;
    let used = GameSocket::open(server.address(), &ticket.url).await.expect("the ticket is valid");
    let again = try_handshake(&server, &ticket.url, GAME_SUBPROTOCOL).await;
    let none = try_handshake(&server, &format!("/ws/rooms/{room}"), GAME_SUBPROTOCOL).await;

    elsewhere.assert_refused(ProblemKind::BadTicket);
    in_chat.assert_refused(ProblemKind::BadTicket);
    again.assert_refused(ProblemKind::BadTicket);
    none.assert_refused(ProblemKind::BadTicket);
    drop(used);
}

#[tokio::test]
async fn a_client_of_another_version_is_refused_before_it_plays() {
    let server = TestServer::start().await;
    let ada = server.guest("ada").await;
    let room = ada.private_room(Mode::Brawl).await;
    let ticket = ada.ticket(room, Role::Player).await;

    let old = try_handshake(&server, &ticket.url, "pushback.v0").await;
    let good = try_handshake(&server, &ticket.url, GAME_SUBPROTOCOL).await;

    let problem = old.assert_refused(ProblemKind::ProtocolVersion);
    assert!(problem.detail.contains(GAME_SUBPROTOCOL), "{problem:?}");
    assert_eq!(good.status, 101, "the refused client kept its ticket");
}

#[tokio::test]
async fn a_full_room_admits_spectators_only() {
    let server = TestServer::start().await;
    let (ada, bob, cid) =
        (server.guest("ada").await, server.guest("bob").await, server.guest("cid").await);
    let room = ada.private_room(Mode::Duel).await;
    let late = cid.ticket(room, Role::Player).await;
    let (_ada, _bob) = (ada.play(room).await, bob.play(room).await);

    let refused = cid.ask_for_ticket(room, Role::Player).await;
    let too_late = try_handshake(&server, &late.url, GAME_SUBPROTOCOL).await;
    let watching = cid.spectate(room).await;

    refused.assert_refused(ProblemKind::RoomFull);
    too_late.assert_refused(ProblemKind::RoomFull);
    assert_eq!(watching.view().seat, None);
}

#[tokio::test]
async fn a_room_that_does_not_exist_is_refused_with_a_reason() {
    let server = TestServer::start().await;
    let ada = server.guest("ada").await;
    let nowhere = RoomId::from_bits(12345);

    server.get(&format!("/api/rooms/{nowhere}")).await.assert_refused(ProblemKind::NotFound);
    server.get("/api/rooms/no-room").await.assert_refused(ProblemKind::NotFound);
    ada.ask_for_ticket(nowhere, Role::Player).await.assert_refused(ProblemKind::NotFound);
    let live = server.get(&format!("/api/rooms/{nowhere}/live")).await;
    live.assert_refused(ProblemKind::NotFound);
}

#[tokio::test]
async fn a_room_or_a_match_needs_a_session_and_a_mode() {
    let server = TestServer::start().await;
    let ada = server.guest("ada").await;
    let room = CreateRoom { mode: Mode::Duel, private: true, bots: None };
    let without = server.request(reqwest::Method::POST, "/api/rooms").json(&room);

    server.send(without).await.assert_refused(ProblemKind::SignIn);
    let chess = serde_json::json!({ "mode": "chess" });
    ada.post("/api/rooms", &chess).await.assert_refused(ProblemKind::BadRequest);
    ada.post("/api/matchmaking", &chess).await.assert_refused(ProblemKind::BadRequest);
}

#[tokio::test]
async fn a_matchmaking_ticket_belongs_to_its_owner() {
    let server = TestServer::start_with(|config| {
        config.bots_fill_after = std::time::Duration::from_secs(600);
    })
    .await;
    let (ada, eve) = (server.guest("ada").await, server.guest("eve").await);
    let ticket: MatchTicket = ada.join_queue(Mode::Duel).await;
    let path = format!("/api/matchmaking/{}", ticket.ticket);
    let get = async |guest: &Guest, path: &str| guest.ask(reqwest::Method::GET, path).await;

    get(&eve, &path).await.assert_refused(ProblemKind::Forbidden);
    get(&ada, "/api/matchmaking/made-up").await.assert_refused(ProblemKind::NotFound);
    server.get(&path).await.assert_refused(ProblemKind::SignIn);
    assert_eq!(ada.ask(reqwest::Method::DELETE, &path).await.status, 204);
    get(&ada, &path).await.assert_refused(ProblemKind::Gone);
}

#[tokio::test]
async fn invalid_messages_close_with_their_own_code() {
    let server = TestServer::start().await;
    let inputs = [Input::default(); INPUTS_PER_MESSAGE_MAX].into_iter().collect();
    let mut too_many = ClientMessage::Inputs { first: Tick(0), inputs }.encode();
    // The kind of message, the tick and the number of inputs take a byte each. Then come the inputs, all the same.
    let input = (too_many.len() - 3) / INPUTS_PER_MESSAGE_MAX;
    too_many[2] += 1;
    too_many.extend_from_within(3..3 + input);
    for (bytes, expected) in [
        (vec![0xff; 40], close::MALFORMED),
        (Vec::new(), close::MALFORMED),
        ([ClientMessage::Ping { nonce: 1 }.encode(), vec![0]].concat(), close::MALFORMED),
        (too_many, close::MALFORMED),
        (vec![0; CLIENT_MESSAGE_BYTES_MAX + 1], close::TOO_LARGE),
    ] {
        let mut socket = seated(&server).await;

        socket.send_bytes(bytes.clone()).await.unwrap();

        assert_eq!(code(&mut socket).await, Some(expected), "{} bytes", bytes.len());
    }
}

#[tokio::test]
async fn a_text_message_in_a_room_is_refused() {
    let server = TestServer::start().await;
    let mut socket = seated(&server).await;

    socket.send_text("hello").await.unwrap();

    assert_eq!(code(&mut socket).await, Some(close::MALFORMED));
}

#[tokio::test]
async fn a_client_that_sends_too_much_is_disconnected() {
    let server = TestServer::start().await;
    let mut socket = seated(&server).await;

    for nonce in 0..1_000 {
        if socket.send(&ClientMessage::Ping { nonce }).await.is_err() {
            break;
        }
    }

    assert_eq!(code(&mut socket).await, Some(close::POLICY));
}

#[tokio::test]
async fn a_spectator_only_watches() {
    let server = TestServer::start().await;
    let ada = server.guest("ada").await;
    let room = ada.private_room(Mode::Brawl).await;
    let mut socket = ada.connect(room, Role::Spectator).await;

    let inputs =
        ClientMessage::Inputs { first: Tick(0), inputs: [Input::default()].into_iter().collect() };
    socket.send(&inputs).await.unwrap();

    assert_eq!(code(&mut socket).await, Some(close::POLICY));
}
