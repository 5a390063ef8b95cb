//! What the service does with requests, and what they cost others.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use shared::api::MatchState;
use shared::id::{PlayerId, RoomId};
use shared::sim::Mode;

use super::{AskError, MATCH_EVERY, Service, TicketEnd, TicketUpdates};
use crate::testing::Bench;

impl Service {
    fn empty(bench: &Bench) -> Self {
        Self {
            rooms: bench.app.rooms.clone(),
            bots_fill_after: bench.config.bots_fill_after,
            tickets: HashMap::new(),
            numbers: HashMap::new(),
            names: HashMap::new(),
            queue: Vec::new(),
            next_number: 0,
            ended: VecDeque::new(),
        }
    }
}

fn matched_room(following: &TicketUpdates) -> Option<RoomId> {
    match following.borrow().state {
        MatchState::Matched { room, .. } => Some(room),
        MatchState::Waiting { .. } => None,
    }
}

#[tokio::test]
async fn a_player_who_asks_again_is_sent_to_the_room_with_the_reserved_seat() {
    let bench = Bench::start().await;
    let mut service = Service::empty(&bench);
    let (ada, now) = (PlayerId::from_bits(1), Instant::now());

    let mut rooms = Vec::new();
    for _ in 0..3 {
        let following = service.join(ada, 1_500, Mode::Practice, now).unwrap();
        service.run_once(now).await;
        rooms.extend(matched_room(&following));
    }

    assert_eq!((rooms.len(), rooms[0], rooms[1]), (3, rooms[1], rooms[2]));
    let other = service.join(PlayerId::from_bits(2), 1_500, Mode::Practice, now).unwrap();
    service.run_once(now).await;
    assert!(matched_room(&other).is_some_and(|room| room != rooms[0]));
    bench.stop().await;
}

#[tokio::test]
async fn a_request_ends_with_the_reservation_that_it_led_to() {
    let bench = Bench::start().await;
    let mut service = Service::empty(&bench);
    let (ada, now) = (PlayerId::from_bits(1), Instant::now());
    let following = service.join(ada, 1_500, Mode::Practice, now).unwrap();
    service.run_once(now).await;
    let ticket = following.borrow().ticket.clone();
    assert!(matched_room(&following).is_some() && service.find(ada, &ticket).is_ok());

    // It is followed all the time, and ends all the same.
    service.end_abandoned(now + crate::room::RESERVATION_KEPT);

    assert_eq!(service.find(ada, &ticket), Err(super::AskError::Ended(super::TicketEnd::SeatGone)));
    bench.stop().await;
}

#[tokio::test]
async fn newcomers_are_published_once_a_pass_and_not_one_by_one() {
    let bench = Bench::start().await;
    let mut service = Service::empty(&bench);
    let now = Instant::now();
    // Too far apart to be matched.
    let mut first = service.join(PlayerId::from_bits(1), 1_000, Mode::Duel, now).unwrap();
    let mut elsewhere = service.join(PlayerId::from_bits(2), 1_000, Mode::Brawl, now).unwrap();
    first.mark_unchanged();
    elsewhere.mark_unchanged();

    for number in 3..=9 {
        let rating = i32::try_from(number).unwrap() * 500;
        service.join(PlayerId::from_bits(number), rating, Mode::Duel, now).unwrap();
    }
    assert!(!first.has_changed().unwrap());
    service.run_once(now + MATCH_EVERY).await;

    let ticket = first.borrow_and_update().clone();
    assert_eq!(ticket.version, 2);
    assert!(matches!(ticket.state, MatchState::Waiting { in_queue: 8, .. }), "{ticket:?}");
    assert!(!elsewhere.has_changed().unwrap());
    bench.stop().await;
}

#[tokio::test]
async fn each_of_two_windows_is_told_why_its_search_ended() {
    let bench = Bench::start().await;
    let mut service = Service::empty(&bench);
    let (ada, now) = (PlayerId::from_bits(1), Instant::now());
    let name = |following: &TicketUpdates| following.borrow().ticket.clone();

    let first = name(&service.join(ada, 1_500, Mode::Duel, now).unwrap());
    let second = name(&service.join(ada, 1_500, Mode::Brawl, now).unwrap());
    service.end(service.find(ada, &second).unwrap(), TicketEnd::Cancelled);

    assert_eq!(service.find(ada, &first), Err(AskError::Ended(TicketEnd::Replaced)));
    assert_eq!(service.find(ada, &second), Err(AskError::Ended(TicketEnd::Cancelled)));
    bench.stop().await;
}

#[tokio::test]
async fn a_request_is_found_by_its_name_until_it_ends() {
    let bench = Bench::start().await;
    let mut service = Service::empty(&bench);
    let (ada, bob, now) = (PlayerId::from_bits(1), PlayerId::from_bits(2), Instant::now());
    let following = service.join(ada, 1_500, Mode::Duel, now).unwrap();
    let name = following.borrow().ticket.clone();

    assert_eq!(service.find(ada, &name), Ok(0));
    assert_eq!(service.find(bob, &name), Err(AskError::NotYours));
    drop(following);
    service.run_once(now + super::ABANDONED_AFTER + Duration::from_secs(1)).await;

    assert_eq!(service.find(ada, &name), Err(AskError::Ended(TicketEnd::Abandoned)));
    assert!(service.queue.is_empty() && service.numbers.is_empty() && service.names.is_empty());
    bench.stop().await;
}
