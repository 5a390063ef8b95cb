//! Private rooms: the invitation opens them, and codes cannot be guessed.

use reqwest::Method;
use shared::api::{CreateRoom, ProblemKind, Role, RoomDetails};
use shared::invitation::{InvitationSecret, RoomAddress};
use shared::sim::Mode;
use tests::browser::Browser;
use tests::{Guest, TestServer};

async fn private_room(guest: &Guest) -> RoomDetails {
    guest.open_room(&CreateRoom { mode: Mode::Brawl, private: true, bots: None }).await
}

#[tokio::test]
async fn guessing_codes_is_metered_and_an_empty_bucket_tells_nothing() {
    let server = TestServer::start_with(|config| config.codes_per_minute = 5).await;
    let ada = server.guest("ada").await;
    let details = private_room(&ada).await;
    let (invitation, code) = (details.address(), details.summary.id);
    let public = ada.public_room(Mode::Brawl).await;
    for guess in 0..5 {
        let room = shared::id::RoomId::from_bits(0x0AAA_AAAA + guess);
        server.get(&format!("/api/rooms/{room}")).await.assert_refused(ProblemKind::NotFound);
    }

    for path in [
        "/api/rooms/AAAAAA".to_owned(),
        "/api/rooms/AAAAAA/recent".to_owned(),
        format!("/api/rooms/{code}"),
        format!("/api/rooms/{code}/live"),
    ] {
        let refused = server.get(&path).await;
        refused.assert_refused(ProblemKind::TooMany);
        let seconds: u32 = refused.header("retry-after").parse().expect("seconds");
        assert!((1..=60).contains(&seconds), "{seconds}");
    }
    for at in [RoomAddress::from(public), invitation] {
        assert_eq!(server.get(&format!("/api/rooms/{at}")).await.status, 200, "{at}");
    }
}

#[tokio::test]
async fn a_private_room_opens_by_its_invitation_and_not_by_its_code() {
    let server = TestServer::start().await;
    let (ada, bob) = (server.guest("ada").await, server.guest("bob").await);
    let details = private_room(&ada).await;
    let (invitation, code) = (details.address(), details.summary.id);
    assert!(invitation.secret.is_some(), "{details:?}");

    let wrong = RoomAddress { secret: Some(InvitationSecret::from_bits(7)), ..invitation };
    for at in [code.into(), wrong] {
        bob.ask_for_ticket_at(at, Role::Player).await.assert_refused(ProblemKind::Forbidden);
        bob.ask_for_ticket_at(at, Role::Spectator).await.assert_refused(ProblemKind::Forbidden);
        for path in [format!("/api/rooms/{at}/live"), format!("/api/rooms/{at}/recent")] {
            server.get(&path).await.assert_refused(ProblemKind::Forbidden);
        }
    }
    server.get(&format!("/api/rooms/{wrong}")).await.assert_refused(ProblemKind::Forbidden);

    assert_eq!(bob.ask_for_ticket_at(invitation, Role::Player).await.status, 201);
    let looked_up: RoomDetails = server.get(&format!("/api/rooms/{code}")).await.json();
    assert_eq!(looked_up.address(), invitation, "a metered look-up of the code leads on");
    // Whoever has opened the room, or has a seat there, needs no invitation.
    assert_eq!(ada.ask_for_ticket_at(code.into(), Role::Player).await.status, 201);
    let _bob = bob.play(code).await;
    assert_eq!(bob.ask_for_ticket_at(code.into(), Role::Player).await.status, 201);
    let own: RoomDetails = bob.ask(Method::GET, &format!("/api/rooms/{code}")).await.json();
    assert_eq!(own.address(), invitation);

    let public = ada.public_room(Mode::Brawl).await;
    assert_eq!(bob.ask_for_ticket_at(public.into(), Role::Player).await.status, 201);
    assert_eq!(server.room(public).await.invitation, None);
}

#[tokio::test]
async fn the_link_to_a_private_room_opens_it_in_a_friend_s_browser() {
    let server = TestServer::start().await;
    let browser = Browser::start().await;
    browser.open(&server.url("/")).await;
    browser.click("[data-testid=\"private-room\"]").await;
    browser.click("[data-testid=\"open-room\"]").await;
    browser.give_name("Ada").await;
    let code = browser.text_where("[data-testid=\"room-code\"]", |code| code.len() == 6).await;
    let room: shared::id::RoomId = code.parse().unwrap();
    let field = "document.querySelector('[aria-label=\"Link for friends\"]')?.value";
    let link = browser.evaluate(field).await.as_str().expect("a link").to_owned();
    assert!(link.starts_with(&server.url(&format!("/r/{code}-"))), "{link}");

    let friend = Browser::start().await;
    friend.open(&link).await;
    let open = "[data-testid=\"open-game\"]";
    let invitation = link.rsplit('/').next().unwrap();
    friend.attribute_where(open, "href", |href| href.contains(invitation)).await;
    friend.open(&server.url(&format!("/rooms/{invitation}/watch"))).await;
    server.metric_becomes("pushback_live_streams", |streams| streams == 1.0).await;

    // Who knows the code alone types it, and is led to the same invitation.
    friend.open(&server.url(&format!("/r/{room}"))).await;
    friend.attribute_where(open, "href", |href| href.contains(invitation)).await;
}
