//! Chat inside rooms: all clients of a room read it, and only a team reads its own channel.

use reqwest::Method;
use shared::id::RoomId;
use shared::protocol::chat::{ChatChannel, ChatRefusal};
use shared::sim::{BotStrength, Mode};
use tests::browser::{Browser, PAGE_DEADLINE};
use tests::chat::ChatSocket;
use tests::{Player, TestServer, eventually, within};

#[tokio::test]
async fn room_chat_reaches_players_and_spectators() {
    let server = TestServer::start().await;
    let (ada, bob) = (server.guest("ada").await, server.guest("bob").await);
    let eve = server.guest("eve").await;
    let room = ada.private_room(Mode::Brawl).await;
    let channel = ChatChannel::Room { room };
    let (_ada, _bob) = (ada.play(room).await, bob.spectate(room).await);
    let (mut ada, mut bob, mut eve) = (ada.chat().await, bob.chat().await, eve.chat().await);
    ada.enter(room).await;
    bob.enter(room).await;
    assert!(eve.enter(room).await.is_empty());

    ada.say(channel, "nice push").await.unwrap();

    assert_eq!(bob.next_line().await.text, "nice push");
    assert_eq!(eve.say(channel, "let me in").await, Err(ChatRefusal::NotThere));
    ada.say(ChatChannel::Lobby, "for all").await.unwrap();
    assert_eq!(eve.next_line().await.text, "for all", "and nothing of the room before it");
}

#[tokio::test]
async fn team_chat_reaches_only_the_team() {
    let server = TestServer::start().await;
    let room = server.guest("host").await.private_room(Mode::Teams).await;
    let mut seated = Vec::new();
    for name in ["ada", "bob", "cid", "dan"] {
        let guest = server.guest(name).await;
        let mut player: Player = guest.play(room).await;
        let id = guest.id();
        let view = player
            .until("a seat", |view| view.roster.entries.iter().any(|entry| entry.player == id))
            .await;
        let team = view.roster.entries.iter().find(|entry| entry.player == id).unwrap().team;
        let mut chat = guest.chat().await;
        chat.enter(room).await;
        seated.push((player, chat, team));
    }
    let (same, other): (Vec<_>, Vec<_>) = seated.drain(1..).partition(|(_, _, team)| *team == 0);
    let (_ada, mut ada_chat, team) = seated.remove(0);
    assert_eq!((team, same.len(), other.len()), (0, 1, 2));

    ada_chat.say(ChatChannel::Team { room, team: 0 }, "left flank").await.unwrap();
    ada_chat.say(ChatChannel::Room { room }, "good game").await.unwrap();

    for (_player, mut chat, _) in same {
        assert_eq!(chat.next_line().await.text, "left flank");
    }
    for (_player, mut chat, _) in other {
        assert_eq!(chat.next_line().await.text, "good game");
        let theirs = chat.say(ChatChannel::Team { room, team: 0 }, "listening in").await;
        assert_eq!(theirs, Err(ChatRefusal::NotThere));
    }
}

#[tokio::test]
async fn a_reader_of_the_live_stream_is_present_while_it_is_open() {
    let server = TestServer::start().await;
    let (ada, bob) = (server.guest("ada").await, server.guest("bob").await);
    let room = ada.private_room(Mode::Brawl).await;
    let channel = ChatChannel::Room { room };
    let _ada = ada.play(room).await;
    let (mut ada, mut bob_chat) = (ada.chat().await, bob.chat().await);
    ada.enter(room).await;
    ada.say(channel, "anybody there?").await.unwrap();

    let path = format!("/api/rooms/{}/live", server.room_address(room).await);
    let request = server.request(Method::GET, &path).bearer_auth(bob.token());
    let stream = within("the stream", request.send()).await.unwrap();

    let before = bob_chat.enter(room).await;
    assert_eq!(before.last().unwrap().text, "anybody there?");
    bob_chat.say(channel, "I am, in a browser").await.unwrap();
    assert_eq!(ada.next_line().await.text, "I am, in a browser");

    drop(stream);
    server.metric_becomes("pushback_live_streams", |streams| streams == 0.0).await;
    assert_eq!(bob_chat.say(channel, "still here?").await, Err(ChatRefusal::NotThere));
}

/// A room where Ada plays against bots and is in the chat.
struct Watched {
    server: TestServer,
    room: RoomId,
    chat: ChatSocket,
    player: Player,
}

impl Watched {
    async fn start() -> Self {
        let server = TestServer::start().await;
        let ada = server.guest("ada").await;
        let room = ada.bot_room(Mode::Brawl, BotStrength::Keen).await;
        let player = ada.play(room).await;
        let mut chat = ada.chat().await;
        chat.enter(room).await;
        Self { server, room, chat, player }
    }
}

#[tokio::test]
async fn a_spectator_in_a_browser_chats_with_the_players() {
    let Watched { server, room, chat: mut ada, player: _player } = Watched::start().await;
    let channel = ChatChannel::Room { room };
    ada.say(channel, "watch this").await.unwrap();
    let browser = Browser::start().await;
    browser.open(&server.url(&format!("/rooms/{room}/watch"))).await;

    // The page asks for a name before the first line.
    browser.say("I am watching").await;
    browser.give_name("Bea").await;

    let line = ada.next_line().await;
    assert_eq!((line.name.as_str(), line.text.as_str()), ("Bea", "I am watching"));
    assert_eq!(line.channel, channel);
    let line = "[data-testid=\"chat-line\"]";
    browser.text_where(line, |text| text.contains("watch this")).await;
    ada.say(channel, "thank you").await.unwrap();
    browser.text_where(line, |text| text.contains("thank you")).await;
}

#[tokio::test]
async fn a_spectator_whose_other_window_reads_the_stream_chats_too() {
    let Watched { server, room, chat: mut ada, player: _player } = Watched::start().await;
    let browser = Browser::start().await;
    let page = server.url(&format!("/rooms/{room}/watch"));
    let live = async || {
        let badge = "[data-testid=\"badge-live\"]";
        browser.attribute_where(badge, "data-state", |state| state == "live").await
    };
    browser.open(&page).await;
    live().await;
    browser.open_window(&page).await;
    live().await;

    browser.say("from the second window").await;
    browser.give_name("Bea").await;

    assert_eq!(ada.next_line().await.text, "from the second window");
}

/// Makes the page's requests for live streams wait for `release()`, and counts its chat messages.
const HOLD_STREAMS: &str = r#"(() => {
    const { fetch } = window, { send } = WebSocket.prototype;
    window.said = 0;
    WebSocket.prototype.send = function (text) {
        window.said += JSON.parse(text).type === "say";
        return send.call(this, text);
    };
    const held = new Promise((resolve) => { window.release = resolve; });
    window.fetch = (request) =>
        request.url.endsWith("/live") ? held.then(() => fetch(request)) : fetch(request);
})()"#;

#[tokio::test]
async fn chat_between_two_rounds_reaches_the_room() {
    let Watched { server, room, chat: mut ada, player: _player } = Watched::start().await;
    let browser = Browser::start().await;
    browser.open(&server.url(&format!("/rooms/{room}/watch"))).await;
    browser.say("good luck").await;
    browser.give_name("Bea").await;
    assert_eq!(ada.next_line().await.text, "good luck");

    // The round's stream has ended and the next one is not requested yet, so the server sees no spectator.
    browser.evaluate(HOLD_STREAMS).await;
    server.metric_becomes("pushback_live_streams", |streams| streams == 0.0).await;
    browser.say("good game").await;
    eventually(PAGE_DEADLINE, "a second try", async || {
        browser.evaluate("window.said").await.as_u64().filter(|said| *said >= 2)
    })
    .await;
    browser.evaluate("window.release()").await;

    assert_eq!(ada.next_line().await.text, "good game");
    let field = "document.querySelector('[data-testid=\"chat-input\"]').value";
    assert_eq!(browser.evaluate(field).await, "", "nothing came back");
}
