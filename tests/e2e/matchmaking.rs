//! From the queue to a seat: by long-polling, over cut connections, too.

use std::time::Duration;

use reqwest::Method;
use shared::api::{MatchState, MatchTicket};
use shared::id::RoomId;
use shared::sim::Mode;
use tests::guest::match_path;
use tests::proxy::Proxy;
use tests::{Guest, TestServer, within};

async fn server_without_bots() -> TestServer {
    TestServer::start_with(|config| config.bots_fill_after = Duration::from_secs(600)).await
}

/// Polls a ticket until it has a room.
async fn matched(guest: &Guest, mut ticket: MatchTicket) -> RoomId {
    let found = async {
        loop {
            if let MatchState::Matched { room, .. } = ticket.state {
                return room;
            }
            if let Some(newer) = guest.poll_match(&ticket, 20).await {
                assert!(newer.version > ticket.version);
                ticket = newer;
            }
        }
    };
    within("a match", found).await
}

#[tokio::test]
async fn two_equal_players_in_the_queue_get_a_duel() {
    let server = server_without_bots().await;
    let (ada, bob) = (server.guest("ada").await, server.guest("bob").await);

    let first = ada.join_queue(Mode::Duel).await;
    assert!(matches!(first.state, MatchState::Waiting { in_queue: 1, .. }), "{first:?}");
    let second = bob.join_queue(Mode::Duel).await;
    let (of_ada, of_bob) = tokio::join!(matched(&ada, first), matched(&bob, second));

    assert_eq!(of_ada, of_bob);
    let (mut ada, bob) = (ada.play(of_ada).await, bob.play(of_bob).await);
    ada.until("the other", |view| view.roster.entries.len() == 2).await;
    assert_ne!(ada.view().seat, bob.view().seat);
}

#[tokio::test]
async fn bots_fill_a_match_after_a_wait() {
    let server = TestServer::start().await;

    let mut ada = server.quick_play("ada", Mode::Brawl).await;

    let view = ada.until("bots", |view| view.roster.entries.len() > 1).await;
    assert!(view.roster.entries.iter().filter(|entry| entry.bot.is_some()).count() >= 1);
}

#[tokio::test]
async fn practice_starts_at_once() {
    let server = server_without_bots().await;

    let ada = server.quick_play("ada", Mode::Practice).await;

    assert!(ada.view().seat.is_some());
}

#[tokio::test]
async fn a_newcomer_joins_the_room_where_others_play() {
    let server = TestServer::start().await;
    let first = server.quick_play("ada", Mode::Brawl).await;
    let room = server.rooms().await.rooms[0].id;

    let bob = server.guest("bob").await;
    let ticket = bob.join_queue(Mode::Brawl).await;

    assert_eq!(matched(&bob, ticket).await, room);
    drop(first);
}

#[tokio::test]
async fn a_ticket_keeps_its_place_when_its_long_poll_is_cut() {
    let server = server_without_bots().await;
    let proxy = Proxy::to(&server).await;
    let ada = server.guest("ada").await.at(proxy.site());
    let ticket = ada.join_queue(Mode::Duel).await;
    let path = match_path(&ticket.ticket, 1_000_000, 55);
    let held = proxy.site().request(Method::GET, &path).bearer_auth(ada.token()).send();
    let held = tokio::spawn(held);
    server.metric_becomes("pushback_long_poll_waiters", |count| count >= 1.0).await;

    proxy.cut();
    assert!(within("the cut", held).await.unwrap().is_err());
    server.metric_becomes("pushback_long_poll_waiters", |count| count < 1.0).await;
    // In the meantime a second player joins the queue.
    let bob = server.guest("bob").await;
    let of_bob = bob.join_queue(Mode::Duel).await;
    let room = matched(&bob, of_bob).await;

    assert_eq!(matched(&ada, ticket).await, room, "the place in the queue was kept");
}

#[tokio::test]
async fn a_second_request_keeps_the_place_in_the_queue() {
    let server = server_without_bots().await;
    let ada = server.guest("ada").await;
    ada.join_queue(Mode::Duel).await;
    let again = ada.join_queue(Mode::Duel).await;

    assert!(matches!(again.state, MatchState::Waiting { in_queue: 1, .. }), "{again:?}");
    // A player is not matched with itself.
    let later = ada.poll_match(&again, 1).await;
    assert!(later.is_none_or(|ticket| matches!(ticket.state, MatchState::Waiting { .. })));
}

#[tokio::test]
async fn the_skill_window_widens_during_the_wait() {
    let server = server_without_bots().await;
    let ada = server.guest("ada").await;
    let mut ticket = ada.join_queue(Mode::Duel).await;
    let window = |ticket: &MatchTicket| match ticket.state {
        MatchState::Waiting { window, .. } => window,
        MatchState::Matched { .. } => panic!("matched without an opponent"),
    };
    let first = window(&ticket);

    let widened = async {
        while window(&ticket) <= first {
            if let Some(newer) = ada.poll_match(&ticket, 20).await {
                ticket = newer;
            }
        }
    };
    within("a wider window", widened).await;
}
