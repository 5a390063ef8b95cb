//! One player in two programs: the lobby in a browser finds a match, and the client takes its seat.

use std::time::Duration;

use reqwest::Method;
use serde_json::Value;
use shared::api::{MatchState, ProblemKind, Role, Session};
use shared::sim::Mode;
use tests::browser::Browser;
use tests::client::Client;
use tests::{Guest, TestServer};

async fn server_without_bots() -> TestServer {
    TestServer::start_with(|config| config.bots_fill_after = Duration::from_secs(600)).await
}

#[tokio::test]
async fn a_code_makes_another_program_the_same_player_and_its_seat_is_theirs() {
    let server = server_without_bots().await;
    let (ada, bob) = (server.guest("ada").await, server.guest("bob").await);
    let mut ticket = ada.join_queue(Mode::Duel).await;
    bob.join_queue(Mode::Duel).await;
    let room = loop {
        if let MatchState::Matched { room, .. } = ticket.state {
            break room;
        }
        ticket = ada.poll_match(&ticket, 20).await.unwrap_or(ticket);
    };
    // Both seats are reserved, so the room is full for other players.
    let stranger = server.guest("ada").await;
    stranger.ask_for_ticket(room, Role::Player).await.assert_refused(ProblemKind::RoomFull);

    let redeemed: Session =
        server.redeem_device_link(&ada.create_device_link().await.code).await.json();

    assert_eq!((redeemed.player, redeemed.name.as_str()), (ada.id(), "ada"));
    assert_ne!(redeemed.token, ada.token(), "each program has a session of its own");
    let client = Guest::new((*server).clone(), redeemed).play(room).await;
    let _bob = bob.play(room).await;
    let seated = server.room(room).await.seated;
    assert!(client.view().seat.is_some() && seated.iter().any(|seat| seat.player == ada.id()));
}

#[tokio::test]
async fn a_device_link_works_once_and_only_on_its_server() {
    let (server, other) = (TestServer::start().await, TestServer::start().await);
    let ada = server.guest("ada").await;
    let code = ada.create_device_link().await;
    assert!((30..=60).contains(&code.expires_in_s), "{code:?}");

    other.redeem_device_link(&code.code).await.assert_refused(ProblemKind::BadTicket);
    assert_eq!(server.redeem_device_link(&code.code).await.status, 201);
    let again = server.redeem_device_link(&code.code).await.assert_refused(ProblemKind::BadTicket);

    assert!(again.detail.contains("used") && again.detail.contains("expired"), "{again:?}");
    server.redeem_device_link("x").await.assert_refused(ProblemKind::BadTicket);
    let nobody = server.request(Method::POST, "/api/session/handovers");
    server.send(nobody).await.assert_refused(ProblemKind::SignIn);
}

#[tokio::test]
async fn a_device_link_of_the_same_player_keeps_the_session() {
    let server = TestServer::start().await;
    let ada = server.guest("ada").await;
    let redeem = async |guest: &Guest| -> Session {
        let code = ada.create_device_link().await.code;
        guest
            .post("/api/session", &serde_json::json!({ "handover": code, "token": true }))
            .await
            .json()
    };

    let same = redeem(&ada).await;
    let bob = server.guest("bob").await;
    let was_bob = redeem(&bob).await;

    assert_eq!((same.player, same.token.as_str()), (ada.id(), ""), "its token is known");
    assert_eq!(was_bob.player, ada.id());
    assert_eq!(bob.ask(Method::GET, "/api/session").await.json::<Session>().player, bob.id());
    let second = Guest::new((*server).clone(), was_bob);
    assert_eq!(second.ask(Method::DELETE, "/api/session").await.status, 204);
    second.ask(Method::GET, "/api/session").await.assert_refused(ProblemKind::SignIn);
    assert_eq!(ada.ask(Method::GET, "/api/session").await.status, 200);
}

#[tokio::test]
async fn the_client_takes_the_seat_that_the_browser_found() {
    let server = server_without_bots().await;
    let browser = Browser::start().await;
    browser.open(&server.url("/")).await;
    browser.click("[data-testid=\"mode\"] input[value=\"Duel\"]").await;
    browser.quick_play("Browser Ada").await;
    let bob = server.guest("bob").await;
    bob.join_queue(Mode::Duel).await;
    let status = "[data-testid=\"match-status\"]";
    let room = browser.attribute_where(status, "data-room", |room| !room.is_empty()).await;
    let room = room.parse().unwrap();
    let who = "fetch('/api/session').then(answer => answer.json()).then(session => session.player)";
    let ada = browser.evaluate(who).await;

    let open = "[data-testid=\"open-game\"]";
    let link = browser.attribute_where(open, "href", |link| link.contains("&as=")).await;
    let mut client = Client::headless(&[&link]);

    let is_seated = |status: &Value| status["link"] == "open" && status["seat"].is_u64();
    let seen = client.status_where("the seat", is_seated).await;
    assert_eq!((&seen["player"], &seen["name"]), (&ada, &Value::from("Browser Ada")));
    let mut bob = bob.play(room).await;
    bob.until("both", |view| view.roster.entries.len() == 2).await;
    let seated = server.room(room).await.seated;
    assert!(seated.iter().any(|seat| ada == seat.player.to_string()), "{seated:?}");

    // The link was used before: the client takes no seat, and says what to do.
    let mut late = Client::headless(&[&link]);
    let status = late.status_where("a refusal", |status| status["trouble"].is_string()).await;
    assert!(status["trouble"].as_str().unwrap().contains("Open the game"), "{status}");
    assert_eq!((&status["screen"], &status["player"]), (&Value::from("menu"), &Value::Null));
    // The page shows a new link as soon as one was used.
    let link = browser.attribute_where(open, "href", |_| true).await;
    browser.click(open).await;
    browser.attribute_where(open, "href", |fresh| fresh.contains("&as=") && fresh != link).await;
}
