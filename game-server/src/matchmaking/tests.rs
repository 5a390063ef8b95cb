//! What becomes of requests for matches, and what they cost others.

mod nodes;

use std::sync::Arc;
use std::time::{Duration, Instant};

use shared::api::MatchState;
use shared::id::{PlayerId, RoomId};
use shared::sim::Mode;

use super::board::{ABANDONED_AFTER, Board, NOTED_EVERY};
use super::matcher::{MATCH_EVERY, Matcher};
use super::seats::Seats;
use super::tickets::{Queue, Seat, TicketEnd};
use super::{AskError, JoinError, Matchmaker, TICKETS_MAX, TicketUpdates};
use crate::client_address::ClientAddress;
use crate::cluster::memory_table::MemoryTable;
use crate::cluster::post::{Alone, Post as _};
use crate::cluster::table::Expect;
use crate::node::NodeName;
use crate::room::Opener;
use crate::testing::Bench;

/// The matchmaking of one node, whose time is that of the test.
struct Service {
    matchmaker: Matchmaker,
    matcher: Matcher,
}

impl Service {
    /// That of a server that runs alone.
    fn empty(bench: &Bench) -> Self {
        let post = Arc::new(Alone::default());
        post.answer_with(Arc::new(bench.app.rooms.clone()));
        let seats = Seats {
            own: NodeName::default(),
            nodes: None,
            post,
            rooms: bench.app.rooms.clone(),
            presence: bench.app.presence.clone(),
        };
        Self::with(Arc::new(MemoryTable::default()), seats, bench.config.bots_fill_after)
    }

    fn with(queue: Queue, seats: Seats, bots_fill_after: Duration) -> Self {
        let board = Arc::new(Board::new(queue.clone(), bots_fill_after));
        board.look(Instant::now());
        let matcher = Matcher {
            queue: queue.clone(),
            board: board.clone(),
            seats: seats.clone(),
            bots_fill_after,
        };
        let matchmaker = Matchmaker { queue, board, seats, unasked_min: Duration::ZERO };
        Self { matchmaker, matcher }
    }

    async fn join(
        &self,
        asker: Opener,
        rating: i32,
        mode: Mode,
        now: Instant,
    ) -> Result<TicketUpdates, JoinError> {
        self.matchmaker.join_at(asker.player, asker.address, rating, mode, now).await
    }

    /// What happens each 250 ms.
    async fn run_once(&self, now: Instant) {
        self.matchmaker.board.look(now);
        self.matcher.beat(now).await;
        self.matchmaker.beat(now);
        self.matchmaker.note_asked(now).await;
        self.matchmaker.board.look(now);
    }

    /// Whether a ticket is the player's and has not ended.
    async fn find(&self, player: PlayerId, ticket: &str) -> Result<(), AskError> {
        self.matchmaker.find(player, ticket).await.map(drop)
    }

    async fn cancel(&self, player: PlayerId, ticket: &str) -> Result<(), AskError> {
        self.matchmaker.cancel(player, ticket.to_owned()).await
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
    let service = Service::empty(&bench);
    let (ada, now) = (asker(1), Instant::now());

    let mut rooms = Vec::new();
    for _ in 0..3 {
        let following = service.join(ada, 1_500, Mode::Practice, now).await.unwrap();
        service.run_once(now).await;
        rooms.extend(matched_room(&following));
    }

    assert_eq!((rooms.len(), rooms[0], rooms[1]), (3, rooms[1], rooms[2]));
    let other = service.join(asker(2), 1_500, Mode::Practice, now).await.unwrap();
    service.run_once(now).await;
    assert!(matched_room(&other).is_some_and(|room| room != rooms[0]));
    bench.stop().await;
}

#[tokio::test]
async fn a_request_ends_with_the_reservation_that_it_led_to() {
    let bench = Bench::start().await;
    let service = Service::empty(&bench);
    let (ada, now) = (asker(1), Instant::now());
    let following = service.join(ada, 1_500, Mode::Practice, now).await.unwrap();
    service.run_once(now).await;
    let ticket = following.borrow().ticket.clone();
    assert!(matched_room(&following).is_some());
    assert_eq!(service.find(ada.player, &ticket).await, Ok(()));

    // It is followed all the time, and ends all the same.
    service.run_once(now + crate::room::RESERVATION_KEPT + MATCH_EVERY).await;

    let ended = Err(AskError::Ended(TicketEnd::SeatGone));
    assert_eq!(service.find(ada.player, &ticket).await, ended);
    bench.stop().await;
}

#[tokio::test]
async fn newcomers_are_published_once_a_pass_and_not_one_by_one() {
    let bench = Bench::start().await;
    let service = Service::empty(&bench);
    let now = Instant::now();
    // Too far apart to be matched.
    let mut first = service.join(asker(1), 1_000, Mode::Duel, now).await.unwrap();
    let mut elsewhere = service.join(asker(2), 1_000, Mode::Brawl, now).await.unwrap();
    first.mark_unchanged();
    elsewhere.mark_unchanged();

    for number in 3..=9 {
        let rating = i32::from(number) * 500;
        service.join(asker(number), rating, Mode::Duel, now).await.unwrap();
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
    let service = Service::empty(&bench);
    let (ada, now) = (PlayerId::from_bits(1), Instant::now());
    let name = |following: &TicketUpdates| following.borrow().ticket.clone();

    let first = name(&service.join(asker(1), 1_500, Mode::Duel, now).await.unwrap());
    let second = name(&service.join(asker(1), 1_500, Mode::Brawl, now).await.unwrap());
    service.cancel(ada, &second).await.unwrap();

    assert_eq!(service.find(ada, &first).await, Err(AskError::Ended(TicketEnd::Replaced)));
    let cancelled = Err(AskError::Ended(TicketEnd::Cancelled));
    assert_eq!(service.find(ada, &second).await, cancelled);
    assert_eq!(service.cancel(ada, &second).await, cancelled);
    bench.stop().await;
}

#[tokio::test]
async fn a_request_is_found_by_its_name_until_it_ends() {
    let bench = Bench::start_with(|config| config.bots_fill_after = ABANDONED_AFTER * 9).await;
    let service = Service::empty(&bench);
    let (ada, bob, now) = (asker(1).player, asker(2).player, Instant::now());
    let following = service.join(asker(1), 1_500, Mode::Duel, now).await.unwrap();
    let name = following.borrow().ticket.clone();

    assert_eq!(service.find(ada, &name).await, Ok(()));
    assert_eq!(service.find(bob, &name).await, Err(AskError::NotYours));
    assert_eq!(service.find(bob, "another").await, Err(AskError::Unknown));
    drop(following);
    service.run_once(now + ABANDONED_AFTER - Duration::from_secs(1)).await;
    assert_eq!(service.find(ada, &name).await, Ok(()));
    service.run_once(now + ABANDONED_AFTER).await;

    assert_eq!(service.find(ada, &name).await, Err(AskError::Ended(TicketEnd::Abandoned)));
    assert_eq!(service.matchmaker.board.len(), 0);
    bench.stop().await;
}

#[tokio::test]
async fn where_no_room_can_be_opened_a_search_uses_what_is_there_and_says_so() {
    let bench = Bench::start_with(|config| config.rooms_max = 1).await;
    let service = Service::empty(&bench);
    let now = Instant::now();
    let late = now + bench.config.bots_fill_after;
    let first = service.join(asker(1), 1_500, Mode::Duel, now).await.unwrap();
    service.run_once(late).await;
    let room = matched_room(&first).expect("the only room");

    // Far apart in rating, so that nothing but the limit sends the second player there.
    let second = service.join(asker(2), 9_000, Mode::Duel, late).await.unwrap();
    let third = service.join(asker(3), -9_000, Mode::Duel, late).await.unwrap();
    let other = service.join(asker(4), 1_500, Mode::Practice, late).await.unwrap();
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
    let service = Service::empty(&bench);
    let mut now = Instant::now();
    for mode in [Mode::Brawl, Mode::Teams, Mode::Crowd] {
        service.join(asker(1), 1_500, mode, now).await.unwrap();
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
    let service = Service::empty(&bench);
    let now = Instant::now();
    let join = async |player: u64, seconds: u64| {
        let Opener { address, .. } = asker(1);
        let opener = Opener { player: PlayerId::from_bits(player), address };
        service.join(opener, 1_500, Mode::Duel, now + Duration::from_secs(seconds)).await
    };
    let players = TICKETS_MAX as u64;
    let mut following = Vec::new();
    for player in 0..players - 1 {
        following.push(join(player, 1).await.unwrap());
    }
    let unfollowed = join(players, 2).await.unwrap().borrow().ticket.clone();

    following.push(join(players + 1, 3).await.unwrap());
    let refused = join(players + 2, 4).await;

    assert!(matches!(refused, Err(JoinError::TooMany)), "every one is followed");
    let ended = service.find(PlayerId::from_bits(players), &unfollowed).await;
    assert_eq!(ended, Err(AskError::Ended(TicketEnd::Abandoned)));
    following.swap_remove(7);
    assert!(join(players + 2, 4).await.is_ok());
    assert_eq!(service.matchmaker.board.len(), TICKETS_MAX);
    bench.stop().await;
}

#[tokio::test]
async fn a_ticket_that_is_followed_is_noted_now_and_then_and_not_each_time() {
    let bench = Bench::start_with(|config| config.bots_fill_after = ABANDONED_AFTER * 9).await;
    let service = Service::empty(&bench);
    let (ada, start) = (asker(1), Instant::now());
    let following = service.join(ada, 1_500, Mode::Duel, start).await.unwrap();
    let ticket = following.borrow().ticket.clone();
    let asked = || service.matchmaker.queue.get(&ada.player.to_string()).unwrap().value.asked;

    for second in 1..=60 {
        service.run_once(start + Duration::from_secs(second)).await;
    }
    assert_eq!(asked(), 60 / NOTED_EVERY.as_secs());
    drop(following);
    // It ends a minute after the last note.
    let noted = start + Duration::from_secs(60);
    service.run_once(noted + ABANDONED_AFTER - MATCH_EVERY).await;
    assert_eq!(service.find(ada.player, &ticket).await, Ok(()));
    service.run_once(noted + ABANDONED_AFTER + MATCH_EVERY).await;
    assert_eq!(service.find(ada.player, &ticket).await, Err(AskError::Ended(TicketEnd::Abandoned)));
    bench.stop().await;
}

#[tokio::test]
async fn a_match_whose_room_is_gone_waits_again_with_its_old_wait() {
    let bench = Bench::start().await;
    let service = Service::empty(&bench);
    let (ada, start) = (asker(1), Instant::now());
    let mut following = service.join(ada, 1_500, Mode::Duel, start).await.unwrap();
    let matched = start + bench.config.bots_fill_after;
    service.run_once(matched).await;
    let room = matched_room(&following).expect("a room");
    let version = following.borrow_and_update().version;

    // As after the end of its node.
    let row = service.matchmaker.queue.get(&ada.player.to_string()).unwrap();
    let gone = RoomId::from_bits(room.bits() ^ 1);
    let seat = Seat { room: gone, ..row.value.seat().unwrap().clone() };
    let (key, elsewhere) = (ada.player.to_string(), row.value.set_back().matched(seat));
    service.matchmaker.queue.put(&key, elsewhere, Expect::Anything).await.unwrap();
    service.run_once(matched).await;
    assert_eq!(matched_room(&following), Some(gone), "it may come to be known");

    service.run_once(matched + Duration::from_secs(3)).await;
    let waits = following.borrow().clone();
    assert!(matches!(waits.state, MatchState::Waiting { .. }) && waits.version > version);
    // First it is noted that it is followed.
    for second in 4..=5 {
        service.run_once(matched + Duration::from_secs(second)).await;
    }

    let again = following.borrow().clone();
    assert!(again.version > waits.version);
    // It has waited long enough for bots.
    assert!(matched_room(&following).is_some_and(|room| room != gone), "{again:?}");
    bench.stop().await;
}

#[tokio::test]
async fn a_ticket_that_lost_its_seat_is_matched_again_as_soon_as_its_player_asks_and_not_before() {
    let bench = Bench::start_with(|config| config.bots_fill_after = ABANDONED_AFTER * 9).await;
    let service = Service::empty(&bench);
    let (ada, start) = (asker(1), Instant::now());
    let at = |second| start + Duration::from_secs(second);
    let ticket = service.join(ada, 1_500, Mode::Duel, start).await.unwrap().borrow().ticket.clone();
    // A seat in a room that is gone. Nobody follows the ticket.
    let row = service.matchmaker.queue.get(&ada.player.to_string()).unwrap();
    let seat = Seat::new(RoomId::from_bits(1), NodeName::default(), false, vec![]);
    let (key, matched) = (ada.player.to_string(), row.value.matched(seat));
    service.matchmaker.queue.put(&key, matched, Expect::Anything).await.unwrap();
    let bob = service.join(asker(2), 1_500, Mode::Duel, start).await.unwrap();

    for second in 0..=20 {
        service.run_once(at(second)).await;
    }
    assert!(matched_room(&bob).is_none(), "the other seat would stay empty");
    let of_ada = service.matchmaker.follow_at(ada.player, &ticket, at(21)).await.unwrap();
    assert!(matches!(of_ada.borrow().state, MatchState::Waiting { waited_s: 21, .. }));
    for second in 21..=22 {
        service.run_once(at(second)).await;
    }

    assert!(matched_room(&bob).is_some());
    assert_eq!(matched_room(&of_ada), matched_room(&bob));
    bench.stop().await;
}

#[tokio::test]
async fn many_tickets_that_end_at_once_do_not_hold_up_those_who_wait() {
    let bench = Bench::start_with(|config| config.bots_fill_after = ABANDONED_AFTER * 9).await;
    let service = Service::empty(&bench);
    let (now, many) = (Instant::now(), 1_000);
    for number in 0..many {
        let Opener { address, .. } = asker(1);
        let asker = Opener { player: PlayerId::from_bits(1_000 + number), address };
        // Too far apart to be matched.
        let rating = 10_000 * i32::try_from(number).unwrap();
        service.join(asker, rating, Mode::Duel, now).await.unwrap();
    }
    let later = now + ABANDONED_AFTER;
    let of_ada = service.join(asker(1), -10_000, Mode::Duel, later).await.unwrap();
    let of_bob = service.join(asker(2), -10_000, Mode::Duel, later).await.unwrap();

    service.run_once(later).await;
    assert_eq!(matched_room(&of_ada), matched_room(&of_bob));
    let left = service.matchmaker.board.len();
    assert!(matched_room(&of_ada).is_some() && left > 500, "{left}");
    for _ in 0..3 {
        service.run_once(later).await;
    }
    assert_eq!(service.matchmaker.board.len(), 2);
    bench.stop().await;
}
