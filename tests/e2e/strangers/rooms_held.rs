//! Rooms are for all: what one guest and one network hold is bounded.

use std::time::Duration;

use shared::api::{CreateRoom, MatchState, ProblemKind, RoomDetails};
use shared::sim::Mode;
use tests::{Answer, Guest, TestServer, eventually};

async fn try_to_open(guest: &Guest) -> Answer {
    guest.post("/api/rooms", &CreateRoom { mode: Mode::Duel, private: false, bots: None }).await
}

#[tokio::test]
async fn one_guest_holds_a_few_rooms_and_others_still_open_theirs() {
    let server = TestServer::start_with(|config| {
        (config.rooms_per_guest_max, config.rooms_per_address_max) = (2, 3);
    })
    .await;
    let (ada, bob) = (server.guest("ada").await, server.guest("bob").await);
    let mut seats = Vec::new();
    for _ in 0..2 {
        let room: RoomDetails = try_to_open(&ada).await.json();
        seats.push(ada.play(room.summary.id).await);
    }

    let refused = try_to_open(&ada).await;
    let problem = refused.assert_refused(ProblemKind::TooMany);
    assert!(problem.detail.contains("2 rooms"), "{problem:?}");
    assert!(!refused.header("retry-after").is_empty());
    let third: RoomDetails = try_to_open(&bob).await.json();
    let _bob = bob.play(third.summary.id).await;
    let problem = try_to_open(&bob).await.assert_refused(ProblemKind::TooMany);
    assert!(problem.detail.contains("network"), "{problem:?}");
}

#[tokio::test]
async fn at_the_limit_an_empty_room_of_the_same_guest_makes_room_for_the_next() {
    let server = TestServer::start_with(|config| config.rooms_per_guest_max = 2).await;
    let ada = server.guest("ada").await;
    let mut rooms = Vec::new();
    for _ in 0..4 {
        let room: RoomDetails = try_to_open(&ada).await.json();
        rooms.push(room.summary.id);
    }

    let listed = || async { server.rooms().await.rooms.iter().map(|r| r.id).collect::<Vec<_>>() };
    eventually(tests::wait::DEADLINE, "the two newest", async || {
        (listed().await == rooms[2..]).then_some(())
    })
    .await;
    server.get(&format!("/api/rooms/{}", rooms[0])).await.assert_refused(ProblemKind::RoomEnded);
}

#[tokio::test]
async fn where_all_rooms_are_taken_quick_play_uses_one_that_is_there_and_says_so() {
    let server = TestServer::start_with(|config| config.rooms_max = 1).await;
    let (ada, bob) = (server.guest("ada").await, server.guest("bob").await);
    let room = ada.public_room(Mode::Duel).await;

    let mut ticket = bob.join_queue(Mode::Duel).await;
    while !matches!(ticket.state, MatchState::Matched { .. }) {
        ticket = bob.poll_match(&ticket, 5).await.unwrap_or(ticket);
    }
    let MatchState::Matched { room: found, full, .. } = ticket.state else {
        unreachable!("the loop ends so")
    };
    assert_eq!((found, full), (room, true));

    let mut other = ada.join_queue(Mode::Teams).await;
    while !matches!(other.state, MatchState::Waiting { full: true, .. }) {
        other = ada.poll_match(&other, 5).await.unwrap_or(other);
    }
}

#[tokio::test]
async fn a_room_in_which_nobody_acts_closes_although_somebody_is_there() {
    let idle = Duration::from_millis(700);
    let server = TestServer::start_with(move |config| config.room_idle_max = idle).await;
    let ada = server.guest("ada").await;
    let room = ada.public_room(Mode::Duel).await;

    let mut socket = ada.connect(room, shared::api::Role::Spectator).await;
    let closed = tests::within("the end of the room", socket.closed()).await;

    assert_eq!(closed.code, Some(shared::protocol::close::ROOM_ENDED));
    assert!(closed.reason.contains("acted"), "{closed:?}");
}
