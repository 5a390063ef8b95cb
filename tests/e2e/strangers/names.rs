//! Names in any script people write, and what cannot be told apart is refused with a reason.

use reqwest::Method;
use shared::api::{PlayerProfile, ProblemKind, Session};
use shared::protocol::chat::ChatChannel;
use shared::sim::Mode;
use tests::wait::DEADLINE;
use tests::{TestServer, eventually};

#[tokio::test]
async fn a_name_is_written_in_any_script_and_its_two_unicode_forms_are_one() {
    let server = TestServer::start().await;
    for name in [
        "Zoë",
        "D\u{2019}Artagnan",
        "Ирина",
        "李小龍",
        "김민준",
        "مُحَمَّد",
        "श्रीनिवासन",
        "ශ්\u{200d}රී",
        "DJ 太郎",
    ] {
        let session: Session = server.sign_in(name).await.json();
        assert_eq!(session.name.as_str(), name);
    }
    let apart: Session = server.sign_in("Zoe\u{308}").await.json();
    assert_eq!(apart.name.as_str(), "Zo\u{eb}");
}

#[tokio::test]
async fn a_name_that_could_pass_for_another_is_refused_with_the_reason() {
    let server = TestServer::start().await;
    for (name, reason) in [
        ("Ad\u{430}", "Latin and Cyrillic"),
        ("\u{3164}\u{3164}", "invisible"),
        ("Ada\u{200b}", "invisible"),
        ("\u{301}\u{302}", "marks alone"),
        ("a\u{330}\u{331}\u{332}\u{333}\u{334}", "at most 4 marks"),
        ("what?", "letters and digits"),
        ("a", "at least 2"),
    ] {
        let refused = server.sign_in(name).await.assert_refused(ProblemKind::BadName);
        assert!(refused.detail.contains(reason), "{name:?}: {}", refused.detail);
    }
}

#[tokio::test]
async fn a_new_name_shows_in_profile_ladder_room_stream_and_chat_at_once() {
    let server = TestServer::start().await;
    let (ada, bob) = (server.guest("ada").await, server.guest("bob").await);
    let room = ada.public_room(Mode::Duel).await;
    let mut playing = ada.play(room).await;
    let mut watching = bob.play(room).await;
    let (mut chat, mut heard) = (ada.chat().await, bob.chat().await);
    let ticket = ada.chat_ticket().await;
    let mut scores = server.watch_scores().await;
    scores.until("ada", |_| true).await;

    ada.rename("Countess").await;

    scores.until("Countess", |row| row.player == ada.id()).await;
    let profile = server.get(&format!("/api/players/{}", ada.id())).await;
    assert_eq!(profile.json::<PlayerProfile>().row.name.as_str(), "Countess");
    for player in [&mut playing, &mut watching] {
        let is_new = |entry: &shared::snapshot::RosterEntry| entry.name.as_str() == "Countess";
        player.until("the name", |view| view.roster.entries.iter().any(is_new)).await;
    }
    eventually(DEADLINE, "the name in the room's seats", async || {
        let seated = server.room(room).await.seated;
        seated.iter().any(|seat| seat.name.as_str() == "Countess").then_some(())
    })
    .await;
    // Over a connection from before, and over a ticket from before.
    chat.say(ChatChannel::Lobby, "it is me").await.unwrap();
    assert_eq!(heard.next_line().await.name.as_str(), "Countess");
    let opened = tests::chat::ChatSocket::open(server.address(), &ticket.url).await;
    opened.unwrap().say(ChatChannel::Lobby, "me too").await.unwrap();
    assert_eq!(heard.next_line().await.name.as_str(), "Countess");
    let again: Session = ada.ask(Method::GET, "/api/session").await.json();
    assert_eq!(again.name.as_str(), "Countess");
}

#[tokio::test]
async fn a_new_name_without_a_round_brings_no_one_onto_the_ladder() {
    let server = TestServer::start().await;
    let (ada, bob) = (server.guest("ada").await, server.guest("bob").await);

    ada.rename("Countess").await;
    let room = bob.public_room(Mode::Duel).await;
    let _playing = bob.play(room).await;

    let mut scores = server.watch_scores().await;
    scores.until("bob", |_| true).await;
    let rows = server.scoreboard().await.rows;
    assert!(rows.iter().all(|row| row.player != ada.id()), "{rows:?}");
}
