//! The description of the API is true: answers fit their schemas, and the schemas refuse what the server refuses.

mod description;
mod generated;

use std::time::Duration;

use futures_util::SinkExt as _;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use shared::api::{ReplayList, Role};
use shared::protocol::chat::{ChatChannel, ChatClientMessage};
use shared::protocol::{CHAT_SUBPROTOCOL, GAME_SUBPROTOCOL};
use shared::sim::Mode;
use tests::socket::{self, Incoming};
use tests::wait::DEADLINE;
use tests::{Answer, Guest, TestServer, eventually, raw, within};
use tokio_tungstenite::tungstenite::Message;

use description::Description;

/// A server with short rounds.
async fn start() -> (TestServer, Description) {
    let server = TestServer::start_with(|config| {
        config.bots = true;
        config.round_seconds = Some(1);
        config.lab_interval = Duration::from_millis(20);
    })
    .await;
    let description = Description::of(&server).await;
    (server, description)
}

#[tokio::test]
async fn every_example_fits_its_schema() {
    let (_server, description) = start().await;
    let mut examples = 0;
    let mut check = |name: &str, media_type: &Value| {
        let several = media_type["examples"].as_object().into_iter().flatten();
        let several = several.map(|(_, example)| &example["value"]);
        for example in several.chain(media_type.get("example")) {
            description.assert_fits(name, &media_type["schema"], example);
            examples += 1;
        }
    };
    for (name, operation) in description.operations() {
        let request = &operation["requestBody"];
        let responses = operation["responses"].as_object().unwrap().values();
        let contents = responses.chain([request]).filter_map(|body| body["content"].as_object());
        contents.flat_map(|content| content.values()).for_each(|kind| check(name, kind));
    }
    assert!(examples > 100, "{examples}");
}

#[tokio::test]
async fn the_schema_takes_every_name_that_the_server_takes() {
    let (server, description) = start().await;
    for (name, good) in [
        ("Ada", true),
        ("Zoë O'Neil", true),
        ("李小龍", true),
        ("Ⅷ-bit", true),
        ("Mr.", true),
        ("exactly sixteen!", false),
        ("exactly_sixteen_", true),
        ("seventeen_letters", false),
        ("a", false),
        ("a  b", false),
        ("-ada", false),
        ("Zoe\u{308} of sixteen c", true),
        ("श्रीनिवासन", true),
        ("Ad\u{430}", false),
        ("a\u{202e}b", false),
        ("a\nb", false),
    ] {
        let body = json!({ "name": name });
        // The schema is the wider one: no pattern says what a script is.
        assert!(
            description.fits(&Description::schema("SessionRequest"), &body) || !good,
            "{name:?}"
        );
        assert_eq!(server.sign_in(name).await.status == StatusCode::CREATED, good, "{name:?}");
    }
}

#[tokio::test]
async fn sessions_and_rooms_are_as_described() {
    let (server, mut api) = start().await;
    let ada = server.guest("ada").await;
    let post = |kind: &str, body: String| {
        let request = server.request(Method::POST, "/api/session");
        server.send(request.header("content-type", kind).body(body))
    };

    api.check("beginSession", &server.sign_in("bob").await);
    api.check("beginSession", &ada.post("/api/session", &json!({ "name": "Ada" })).await);
    api.check("beginSession", &server.sign_in("?").await);
    api.check("beginSession", &post("application/json", "{".to_owned()).await);
    api.check("beginSession", &post("text/plain", r#"{"name":"ada"}"#.to_owned()).await);
    api.check("beginSession", &post("application/json", "x".repeat(1 << 20)).await);
    let code = ada.ask(Method::POST, "/api/session/handovers").await;
    api.check("handOver", &code);
    let unknown = server.request(Method::POST, "/api/session/handovers");
    api.check("handOver", &server.send(unknown).await);
    let code = code.json::<Value>()["code"].as_str().unwrap().to_owned();
    api.check("beginSession", &server.redeem_device_link(&code).await);
    api.check("beginSession", &server.redeem_device_link(&code).await);
    let code = ada.create_device_link().await.code;
    api.check("beginSession", &ada.post("/api/session", &json!({ "handover": code })).await);
    api.check("readSession", &ada.ask(Method::GET, "/api/session").await);
    api.check("readSession", &server.get("/api/session").await);
    let foreign =
        server.request(Method::DELETE, "/api/session").header("origin", "https://a.example");
    api.check("endSession", &server.send(foreign).await);

    api.check("listRooms", &server.get("/api/rooms").await);
    api.check(
        "createRoom",
        &ada.post("/api/rooms", &json!({ "mode": "duel", "private": true })).await,
    );
    api.check("createRoom", &ada.post("/api/rooms", &json!({ "mode": "chess" })).await);
    api.check("createRoom", &server.send(server.request(Method::POST, "/api/rooms")).await);
    let room = ada.private_room(Mode::Duel).await;
    let tickets = format!("/api/rooms/{room}/tickets");
    api.check("readRoom", &server.get(&format!("/api/rooms/{room}")).await);
    api.check("readRoom", &server.get("/api/rooms/AAAAAA").await);
    api.check("askRoomTicket", &ada.post(&tickets, &json!({ "as": "player" })).await);
    api.check("askRoomTicket", &ada.post(&tickets, &json!({ "as": "king" })).await);
    let uninvited = server.guest("ned").await;
    api.check("askRoomTicket", &uninvited.ask_for_ticket_at(room.into(), Role::Player).await);
    api.check(
        "askRoomTicket",
        &ada.post("/api/rooms/AAAAAA/tickets", &json!({ "as": "player" })).await,
    );
    let (_ada, _bob) = (ada.play(room).await, server.guest("bob").await.play(room).await);
    let eve = server.guest("eve").await;
    api.check("askRoomTicket", &eve.ask_for_ticket(room, Role::Player).await);
    api.check("endSession", &eve.ask(Method::DELETE, "/api/session").await);

    for name in
        ["beginSession", "readSession", "endSession", "createRoom", "readRoom", "askRoomTicket"]
    {
        assert!(!api.unchecked().contains(&name), "{name}");
    }
}

#[tokio::test]
async fn feeds_are_as_described_on_every_transport() {
    let (server, mut api) = start().await;
    api.check("readAbout", &server.get("/api/about").await);
    for feed in ["scoreboard", "rooms", "lab"] {
        let path = format!("/api/feeds/{feed}");
        let now = server.get(&path).await;
        api.check("readFeed", &now);
        let cursor = now.header("pushback-cursor").to_owned();
        let after = format!("{path}?after={cursor}");
        api.check("readFeed", &server.get(&format!("{after}&wait=5")).await);
        api.check("readFeed", &server.get(&after).await);
        api.check("readFeed", &server.get(&format!("{path}?after=1-1")).await);
        api.check("readFeed", &server.get(&format!("{path}?after=x")).await);
        api.check("readFeed", &server.get(&format!("{after}&wait=x")).await);
        let known = server.request(Method::GET, &after).header("if-none-match", "*");
        api.check("readFeed", &server.send(known).await);
        api.check("readFeed", &server.send(accepting(&server, &path, "text/html")).await);

        for line in items(&mut api, accepting(&server, &path, "application/x-ndjson"), "\n").await {
            let envelope = serde_json::from_str(&line).expect("JSON");
            api.assert_fits(feed, &Description::schema("FeedEnvelope"), &envelope);
        }
        for block in items(&mut api, accepting(&server, &path, "text/event-stream"), "\n\n").await {
            let fields = block.lines().filter_map(|line| line.split_once(": "));
            let event: serde_json::Map<_, _> =
                fields.map(|(name, value)| (name.to_owned(), json!(value))).collect();
            let Some(data) = event.get("data").and_then(Value::as_str) else { continue };
            let envelope = serde_json::from_str(data).expect("JSON");
            api.assert_fits(feed, &Description::schema("FeedEnvelope"), &envelope);
            api.assert_fits(feed, &Description::schema("ServerSentEvent"), &event.into());
        }
        let mut socket = socket::open(server.address(), &path, None).await.unwrap();
        for _ in 0..3 {
            api.assert_fits(feed, &Description::schema("FeedEnvelope"), &text(&mut socket).await);
        }
    }
    api.check("readFeed", &server.get("/api/feeds/weather").await);
}

fn accepting(server: &TestServer, path: &str, kind: &str) -> RequestBuilder {
    server.request(Method::GET, path).header("accept", kind)
}

/// The first items of a stream that are not blank. Asserts that its media type is described.
async fn items(api: &mut Description, request: RequestBuilder, end: &str) -> Vec<String> {
    let mut response = within("a stream", request.send()).await.unwrap();
    let kind = response.headers()["content-type"].to_str().unwrap().to_owned();
    let media_type = api.check_head("readFeed", response.status().as_u16(), &kind).unwrap();
    assert!(media_type["x-item-schema"].is_object(), "{kind}");
    let mut received = String::new();
    let enough = |text: &str| text.split(end).filter(|item| !item.trim().is_empty()).count() > 4;
    while !enough(&received) {
        let chunk = within("more of the stream", response.chunk()).await.unwrap().unwrap();
        received.push_str(std::str::from_utf8(&chunk).unwrap());
    }
    // The last item may be incomplete.
    let (whole, _) = received.rsplit_once(end).unwrap();
    whole.split(end).filter(|item| !item.trim().is_empty()).map(str::to_owned).collect()
}

/// The next text message of a WebSocket, as JSON.
async fn text(socket: &mut socket::Stream) -> Value {
    match within("a message", socket::receive(socket)).await {
        Incoming::Text(text) => serde_json::from_str(&text).expect("JSON"),
        other => panic!("no text: {other:?}"),
    }
}

#[tokio::test]
async fn matchmaking_is_as_described() {
    let (server, mut api) = start().await;
    let (ada, bob) = (server.guest("ada").await, server.guest("bob").await);
    api.check("askMatch", &ada.post("/api/matchmaking", &json!({ "mode": "chess" })).await);
    api.check("askMatch", &server.send(server.request(Method::POST, "/api/matchmaking")).await);
    api.check("askMatch", &ada.post("/api/matchmaking", &json!({ "mode": "duel" })).await);

    let ticket = ada.join_queue(Mode::Duel).await;
    let path = format!("/api/matchmaking/{}", ticket.ticket);
    api.check("followMatch", &ada.ask(Method::GET, &path).await);
    api.check("followMatch", &ada.ask(Method::GET, &format!("{path}?after=999")).await);
    api.check("followMatch", &ada.ask(Method::GET, &format!("{path}?after=-1")).await);
    api.check("followMatch", &bob.ask(Method::GET, &path).await);
    api.check("followMatch", &server.get(&path).await);
    api.check("followMatch", &ada.ask(Method::GET, "/api/matchmaking/none").await);
    let mut version = ticket.version;
    eventually(DEADLINE, "a match", async || {
        let news = ada.ask(Method::GET, &format!("{path}?after={version}&wait=5")).await;
        api.check("followMatch", &news);
        let news: Value = news.json();
        version = news["version"].as_u64().unwrap();
        (news["state"]["is"] == "matched").then_some(())
    })
    .await;

    let ticket = bob.join_queue(Mode::Teams).await;
    let path = format!("/api/matchmaking/{}", ticket.ticket);
    api.check("cancelMatch", &ada.ask(Method::DELETE, &path).await);
    api.check("cancelMatch", &bob.ask(Method::DELETE, &path).await);
    api.check("cancelMatch", &bob.ask(Method::DELETE, &path).await);
    api.check("followMatch", &bob.ask(Method::GET, &path).await);
    assert!(!api.unchecked().iter().any(|name| name.ends_with("Match")));
}

#[tokio::test]
async fn chat_messages_are_as_described() {
    let (server, mut api) = start().await;
    let (ada, bob) = (server.guest("ada").await, server.guest("bob").await);
    let (mine, other) = (ada.private_room(Mode::Brawl).await, bob.private_room(Mode::Brawl).await);
    let _seat = ada.play(mine).await;
    api.check(
        "askChatTicket",
        &server.send(server.request(Method::POST, "/api/chat/tickets")).await,
    );
    let ticket = ada.ask(Method::POST, "/api/chat/tickets").await;
    api.check("askChatTicket", &ticket);
    for (url, offer) in [("/ws/chat?ticket=x", CHAT_SUBPROTOCOL), ("/ws/chat", "pushback-chat.v0")]
    {
        let offer = format!("Sec-WebSocket-Protocol: {offer}\r\n");
        let handshake = raw::handshake(server.address(), url, &offer);
        api.check("openChat", &raw::exchange(server.address(), handshake).await);
    }

    let url = ticket.json::<Value>()["url"].as_str().unwrap().to_owned();
    let mut chat = socket::open(server.address(), &url, Some(CHAT_SUBPROTOCOL)).await.unwrap();
    assert!(api.check_head("openChat", 101, "").is_none());
    let say = |channel, nonce| {
        let text = "hello".to_owned();
        ChatClientMessage::Say { channel, text, nonce }
    };
    let mut messages = vec![text(&mut chat).await, text(&mut chat).await];
    for message in [
        ChatClientMessage::Enter { room: mine },
        say(ChatChannel::Lobby, 1),
        say(ChatChannel::Room { room: mine }, u32::MAX),
        say(ChatChannel::Direct { player: bob.id() }, 0),
        say(ChatChannel::Team { room: other, team: 1 }, 4),
    ] {
        let message = serde_json::to_value(&message).unwrap();
        api.assert_fits("a client", &Description::schema("ChatClientMessage"), &message);
        chat.send(Message::text(message.to_string())).await.unwrap();
        // Another heartbeat may come at any time.
        loop {
            let message = text(&mut chat).await;
            if message["type"] != "heartbeat" {
                break messages.push(message);
            }
        }
    }
    let exit = serde_json::to_value(ChatClientMessage::Exit { room: mine }).unwrap();
    api.assert_fits("a client", &Description::schema("ChatClientMessage"), &exit);

    for message in &messages {
        api.assert_fits("the server", &Description::schema("ChatServerMessage"), message);
    }
    let types: Vec<_> = messages.iter().map(|message| message["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["hello", "heartbeat", "entered", "line", "line", "line", "refused"]);
}

#[tokio::test]
async fn replays_are_as_described() {
    let (server, mut api) = start().await;
    let list: ReplayList = eventually(DEADLINE, "a recording", async || {
        let answer = server.get("/api/replays").await;
        api.check("listReplays", &answer);
        Some(answer.json::<ReplayList>()).filter(|list| !list.replays.is_empty())
    })
    .await;
    let tag = server.get("/api/replays").await.header("etag").to_owned();
    for (header, value) in [("if-none-match", tag.as_str()), ("if-match", "\"another\"")] {
        let request = server.request(Method::GET, "/api/replays").header(header, value);
        api.check("listReplays", &server.send(request).await);
    }
    let replay = &list.replays[0];
    for query in ["limit=1", "limit=0", "limit=101", "mode=chess", "before=never"] {
        api.check("listReplays", &server.get(&format!("/api/replays?{query}")).await);
    }
    let player = replay.players[0].player;
    api.check(
        "listReplays",
        &server.get(&format!("/api/replays?player={player}&mode=brawl")).await,
    );
    api.check("readPlayer", &server.get(&format!("/api/players/{player}")).await);
    api.check("readPlayer", &server.get("/api/players/AAAAAAAAAAAA").await);

    for id in [replay.id.to_string(), "AAAAAAAAAAAA".to_owned()] {
        let path = format!("/api/replays/{id}");
        api.check("readReplay", &server.get(&path).await);
        let file = |name: &'static str, value: &'static str| {
            server.send(server.request(Method::GET, &format!("{path}/file")).header(name, value))
        };
        api.check("readReplayFile", &file("range", "bytes=0-9").await);
        api.check("readReplayFile", &file("range", "bytes=99999999-").await);
        api.check("readReplayFile", &file("if-none-match", "*").await);
        api.check("readReplayFile", &file("if-match", "\"another\"").await);
        api.check("readReplayFile", &file("accept", "*/*").await);
    }
    assert!(!api.unchecked().iter().any(|name| name.contains("Replay") || name.contains("Player")));
}

#[tokio::test]
async fn live_streams_and_room_tickets_are_as_described() {
    let (server, mut api) = start().await;
    let room = eventually(DEADLINE, "a room", async || server.rooms().await.rooms.pop()).await.id;
    let stream = server.request(Method::GET, &format!("/api/rooms/{room}/live")).send();
    let stream = within("the stream", stream).await.unwrap();
    let kind = stream.headers()["content-type"].to_str().unwrap();
    assert!(api.check_head("watchRoom", stream.status().as_u16(), kind).is_some());
    api.check("watchRoom", &server.get(&format!("/api/rooms/{room}/live?from=end")).await);
    api.check("watchRoom", &server.get("/api/rooms/AAAAAA/live").await);
    api.check("readRecent", &server.get(&format!("/api/rooms/{room}/recent?after=x")).await);
    eventually(DEADLINE, "a moment of a round", async || {
        let answer = server.get(&format!("/api/rooms/{room}/recent")).await;
        api.check("readRecent", &answer);
        (answer.status == StatusCode::OK).then_some(())
    })
    .await;

    let eve: Guest = server.guest("eve").await;
    let url = eve.ticket(room, Role::Spectator).await.url;
    let offer = format!("Sec-WebSocket-Protocol: {GAME_SUBPROTOCOL}\r\n");
    let enter = async |url: &str, more: &str| -> Answer {
        raw::exchange(server.address(), raw::handshake(server.address(), url, more)).await
    };
    api.check("openRoom", &enter(&url, "").await);
    api.check("openRoom", &enter(&format!("/ws/rooms/{room}?ticket=x"), &offer).await);
    api.check("openRoom", &enter(&url, "Origin: https://a.example\r\n").await);
    api.check("openRoom", &server.get(&url).await);
    assert_eq!(enter(&url, &offer).await.status, 101);
    assert!(api.check_head("openRoom", 101, "").is_none());

    api.check("checkAlive", &server.get("/healthz").await);
    api.check("checkReady", &server.get("/readyz").await);
    api.check("readMetrics", &server.get("/metrics").await);
}
