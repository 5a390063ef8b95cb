//! What the service does with requests, and what they cost others.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use shared::api::MatchState;
use shared::id::{PlayerId, RoomId};
use shared::sim::Mode;

use super::{AskError, JoinError, MATCH_EVERY, Service, TICKETS_MAX, TicketEnd, TicketUpdates};
use crate::client_address::ClientAddress;
use crate::room::Opener;
use crate::testing::Bench;

impl Service {
    fn empty(bench: &Bench) -> Self {
        Self {
            node: None,
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

/// A player with this number, from an address of the same number.
fn asker(number: u8) -> Opener {
    let address = ClientAddress([192, 0, 2, number].into());
    Opener { player: PlayerId::from_bits(number.into()), address }
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
    let (ada, now) = (asker(1), Instant::now());

    let mut rooms = Vec::new();
    for _ in 0..3 {
        let following = service.join(ada, 1_500, Mode::Practice, now).unwrap();
        service.run_once(now).await;
        rooms.extend(matched_room(&following));
    }

    assert_eq!((rooms.len(), rooms[0], rooms[1]), (3, rooms[1], rooms[2]));
    let other = service.join(asker(2), 1_500, Mode::Practice, now).unwrap();
    service.run_once(now).await;
    assert!(matched_room(&other).is_some_and(|room| room != rooms[0]));
    bench.stop().await;
}

#[tokio::test]
async fn a_request_ends_with_the_reservation_that_it_led_to() {
    let bench = Bench::start().await;
    let mut service = Service::empty(&bench);
    let (ada, now) = (asker(1), Instant::now());
    let following = service.join(ada, 1_500, Mode::Practice, now).unwrap();
    service.run_once(now).await;
    let ticket = following.borrow().ticket.clone();
    assert!(matched_room(&following).is_some() && service.find(ada.player, &ticket).is_ok());

    // It is followed all the time, and ends all the same.
    service.end_abandoned(now + crate::room::RESERVATION_KEPT);

    let ended = Err(super::AskError::Ended(super::TicketEnd::SeatGone));
    assert_eq!(service.find(ada.player, &ticket), ended);
    bench.stop().await;
}

#[tokio::test]
async fn newcomers_are_published_once_a_pass_and_not_one_by_one() {
    let bench = Bench::start().await;
    let mut service = Service::empty(&bench);
    let now = Instant::now();
    // Too far apart to be matched.
    let mut first = service.join(asker(1), 1_000, Mode::Duel, now).unwrap();
    let mut elsewhere = service.join(asker(2), 1_000, Mode::Brawl, now).unwrap();
    first.mark_unchanged();
    elsewhere.mark_unchanged();

    for number in 3..=9 {
        let rating = i32::from(number) * 500;
        service.join(asker(number), rating, Mode::Duel, now).unwrap();
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

    let first = name(&service.join(asker(1), 1_500, Mode::Duel, now).unwrap());
    let second = name(&service.join(asker(1), 1_500, Mode::Brawl, now).unwrap());
    service.end(service.find(ada, &second).unwrap(), TicketEnd::Cancelled);

    assert_eq!(service.find(ada, &first), Err(AskError::Ended(TicketEnd::Replaced)));
    assert_eq!(service.find(ada, &second), Err(AskError::Ended(TicketEnd::Cancelled)));
    bench.stop().await;
}

#[tokio::test]
async fn a_request_is_found_by_its_name_until_it_ends() {
    let bench = Bench::start().await;
    let mut service = Service::empty(&bench);
    let (ada, bob, now) = (asker(1).player, asker(2).player, Instant::now());
    let following = service.join(asker(1), 1_500, Mode::Duel, now).unwrap();
    let name = following.borrow().ticket.clone();

    assert_eq!(service.find(ada, &name), Ok(0));
    assert_eq!(service.find(bob, &name), Err(AskError::NotYours));
    drop(following);
    service.run_once(now + super::ABANDONED_AFTER + Duration::from_secs(1)).await;

    assert_eq!(service.find(ada, &name), Err(AskError::Ended(TicketEnd::Abandoned)));
    assert!(service.queue.is_empty() && service.numbers.is_empty() && service.names.is_empty());
    bench.stop().await;
}

#[tokio::test]
async fn where_no_room_can_be_opened_a_search_uses_what_is_there_and_says_so() {
    let bench = Bench::start_with(|config| config.rooms_max = 1).await;
    let mut service = Service::empty(&bench);
    let now = Instant::now();
    let late = now + bench.config.bots_fill_after;
    let first = service.join(asker(1), 1_500, Mode::Duel, now).unwrap();
    service.run_once(late).await;
    let room = matched_room(&first).expect("the only room");

    // Far apart in rating, so that nothing but the limit sends the second player there.
    let second = service.join(asker(2), 9_000, Mode::Duel, late).unwrap();
    let third = service.join(asker(3), -9_000, Mode::Duel, late).unwrap();
    let other = service.join(asker(4), 1_500, Mode::Practice, late).unwrap();
    service.run_once(late + bench.config.bots_fill_after).await;

    let MatchState::Matched { room: found, full, .. } = second.borrow().state else {
        panic!("{:?}", second.borrow())
    };
    assert_eq!((found, full), (room, true));
    let waits = |following: &TicketUpdates| {
        matches!(following.borrow().state, MatchState::Waiting { full: true, .. })
    };
    assert!(waits(&third) && waits(&other), "{:?} {:?}", third.borrow(), other.borrow());
    bench.stop().await;
}

#[tokio::test]
async fn one_player_s_matches_open_no_more_rooms_than_one_may_hold() {
    let bench = Bench::start_with(|config| config.rooms_per_guest_max = 2).await;
    let mut service = Service::empty(&bench);
    let mut now = Instant::now();
    for mode in [Mode::Brawl, Mode::Teams, Mode::Crowd] {
        service.join(asker(1), 1_500, mode, now).unwrap();
        now += bench.config.bots_fill_after;
        service.run_once(now).await;
    }

    // Each keeps a seat for the player, so that none of them is empty.
    assert_eq!(bench.app.rooms.public().len(), 2);
    bench.stop().await;
}

#[tokio::test]
async fn a_full_queue_forgets_who_asked_longest_ago_and_refuses_only_when_all_follow() {
    let bench = Bench::start().await;
    let mut service = Service::empty(&bench);
    let now = Instant::now();
    let mut join = |player: u64, seconds: u64| {
        let Opener { address, .. } = asker(1);
        let opener = Opener { player: PlayerId::from_bits(player), address };
        service.join(opener, 1_500, Mode::Duel, now + Duration::from_secs(seconds))
    };
    let players = TICKETS_MAX as u64;
    let mut following: Vec<_> = (0..players - 1).map(|player| join(player, 1).unwrap()).collect();
    let unfollowed = join(players, 2).unwrap().borrow().ticket.clone();

    following.push(join(players + 1, 3).unwrap());
    let refused = join(players + 2, 4);

    assert!(matches!(refused, Err(JoinError::TooMany)), "every one is followed");
    let ended = service.find(PlayerId::from_bits(players), &unfollowed);
    assert_eq!(ended, Err(AskError::Ended(TicketEnd::Abandoned)));
    following.swap_remove(7);
    let opener = Opener { player: PlayerId::from_bits(players + 2), ..asker(1) };
    assert!(service.join(opener, 1_500, Mode::Duel, now).is_ok());
    assert_eq!(service.tickets.len(), TICKETS_MAX);
    bench.stop().await;
}
