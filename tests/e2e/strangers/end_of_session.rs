//! A session that ends takes along what came from it; its token is shown once; and servers on one host keep apart.

use reqwest::Method;
use serde_json::{Value, json};
use shared::api::{ProblemKind, Role, Session};
use shared::protocol::chat::ChatChannel;
use shared::protocol::{CHAT_SUBPROTOCOL, GAME_SUBPROTOCOL, close};
use shared::sim::Mode;
use tests::browser::Browser;
use tests::{Answer, Guest, TestServer, raw};

#[tokio::test]
async fn signing_out_ends_sockets_with_4100_and_tickets_and_codes_are_refused() {
    let server = TestServer::start().await;
    let ada = server.guest("ada").await;
    let room = ada.private_room(Mode::Duel).await;
    let link = ada.create_device_link().await;
    let elsewhere =
        Guest::new((*server).clone(), server.redeem_device_link(&link.code).await.json());
    let (mut playing, mut chat) = (ada.play(room).await, ada.chat().await);
    let mut other_chat = elsewhere.chat().await;
    let tickets = (ada.chat_ticket().await, ada.ticket(room, Role::Spectator).await);
    let code = ada.create_device_link().await.code;

    ada.sign_out().await;

    assert_eq!(chat.closed().await.code, Some(close::SESSION_ENDED));
    assert_eq!(playing.closed().await.code, Some(close::SESSION_ENDED));
    for (url, protocol) in [(tickets.0.url, CHAT_SUBPROTOCOL), (tickets.1.url, GAME_SUBPROTOCOL)] {
        let offer = format!("Sec-WebSocket-Protocol: {protocol}\r\n");
        let handshake = raw::handshake(server.address(), &url, &offer);
        raw::exchange(server.address(), handshake).await.assert_refused(ProblemKind::BadTicket);
    }
    server.redeem_device_link(&code).await.assert_refused(ProblemKind::BadTicket);
    // Another session of the same player goes on, and its seat is free again.
    other_chat.say(ChatChannel::Lobby, "still here").await.unwrap();
    let _seated = elsewhere.play(room).await;
}

fn set_cookies(answer: &Answer) -> Vec<&str> {
    answer.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap()).collect()
}

/// The name and the token of a cookie that an answer sets.
fn pair(cookie: &str) -> (&str, &str) {
    cookie.split(';').next().unwrap().split_once('=').unwrap()
}

#[tokio::test]
async fn a_token_is_in_a_body_once_and_only_for_a_program_that_asks() {
    let server = TestServer::start().await;
    let post = |body: Value| server.request(Method::POST, "/api/session").json(&body);
    let token_of = |answer: &Answer| answer.json::<Session>().token;

    // A browser gets the cookie, even when a script of the page asks for the token.
    for page in [
        server.send(post(json!({ "name": "ada" }))).await,
        server
            .send(post(json!({ "name": "ada", "token": true })).header("origin", server.url("")))
            .await,
        server
            .send(
                post(json!({ "name": "ada", "token": true }))
                    .header("sec-fetch-site", "same-origin"),
            )
            .await,
    ] {
        assert_eq!((page.status.as_u16(), token_of(&page).as_str()), (201, ""));
        assert_eq!(set_cookies(&page).len(), 1);
    }
    let program = server.send(post(json!({ "name": "bob", "token": true }))).await;
    assert_eq!(set_cookies(&program), Vec::<&str>::new());
    let bob = Guest::new((*server).clone(), program.json());
    assert_eq!(bob.token().len(), 22);

    let renamed = bob.post("/api/session", &json!({ "name": "Bob", "token": true })).await;
    let code = bob.create_device_link().await.code;
    let same = bob.post("/api/session", &json!({ "handover": code, "token": true })).await;
    let read = bob.ask(Method::GET, "/api/session").await;
    for answer in [renamed, same, read] {
        assert_eq!((token_of(&answer).as_str(), set_cookies(&answer).len()), ("", 0));
    }
}

#[tokio::test]
async fn the_cookie_names_its_server_and_one_of_before_is_moved() {
    let (server, other) = (TestServer::start().await, TestServer::start().await);
    let page = server.request(Method::POST, "/api/session").json(&json!({ "name": "ada" }));
    let page = server.send(page).await;
    let (name, token) = pair(set_cookies(&page)[0]);
    let ask = |site: &TestServer, cookie: String| {
        let request = site.request(Method::GET, "/api/session").header("cookie", cookie);
        let site = (**site).clone();
        async move { site.send(request).await }
    };

    let read = ask(&server, format!("{name}={token}")).await;
    assert_eq!(pair(set_cookies(&read)[0]), (name, token), "each visit renews it");
    ask(&other, format!("{name}={token}")).await.assert_refused(ProblemKind::SignIn);

    let moved = ask(&server, format!("pushback_session={token}")).await;
    let set = set_cookies(&moved);
    assert_eq!(pair(set[0]), (name, token));
    assert!(set[1].starts_with("pushback_session=;") && set[1].contains("Max-Age=0"), "{set:?}");
    // The old cookie may be another server's: it stays for that one.
    let strange = ask(&other, format!("pushback_session={token}")).await;
    strange.assert_refused(ProblemKind::SignIn);
    assert_eq!(set_cookies(&strange), Vec::<&str>::new());
}

#[tokio::test]
async fn two_servers_on_one_host_keep_the_players_of_one_browser_apart() {
    let servers = [TestServer::start().await, TestServer::start().await];
    let browser = Browser::start().await;
    let who =
        "fetch('/api/session').then(answer => answer.json()).then(it => `${it.player} ${it.name}`)";
    let mut players = Vec::new();
    for (server, name) in servers.iter().zip(["Ada", "Bob"]) {
        browser.open(&server.url("/")).await;
        browser.quick_play(name).await;
        browser
            .attribute_where("[data-testid=\"match-status\"]", "data-room", |room| !room.is_empty())
            .await;
        players.push(browser.evaluate(who).await);
    }

    browser.open(&servers[0].url("/")).await;

    assert_eq!(browser.evaluate(who).await, players[0]);
    assert!(players[0].as_str().unwrap().ends_with(" Ada"), "{players:?}");
}
