//! Several nodes that share the queue: one of them matches.

use std::sync::Arc;
use std::time::{Duration, Instant};

use shared::id::PlayerId;
use shared::sim::Mode;

use super::{Bench, MATCH_EVERY, Seats, Service, asker, matched_room};
use crate::cluster::exchange::Exchange;
use crate::cluster::memory_table::MemoryTable;
use crate::cluster::nodes::{Load, Nodes, Timing};
use crate::cluster::table::{Expect, Table as _};
use crate::matchmaking::tickets::{Seat, TicketRow};
use crate::matchmaking::{AskError, TicketEnd};

/// Two servers, each with rooms of its own.
struct Lobby {
    benches: [Bench; 2],
    services: [Service; 2],
    queue: Arc<MemoryTable<TicketRow>>,
    exchange: Exchange,
}

impl Lobby {
    async fn start() -> Self {
        let benches = [Bench::start().await, Bench::start().await];
        let (queue, nodes) = (Arc::new(MemoryTable::default()), Arc::new(MemoryTable::default()));
        let exchange = Exchange::new();
        let mut services = Vec::new();
        for (bench, name) in benches.iter().zip(["a", "b"]) {
            let (own, app) = (name.parse().unwrap(), &bench.app);
            let post = exchange.post_of(&own);
            post.answer_with(Arc::new(app.rooms.clone()));
            let (load, timing) = (Arc::new(Load::default), Timing::default());
            let nodes = Nodes::start(&app.tasks, nodes.clone(), own.clone(), timing, load);
            let nodes = Some(nodes.await.unwrap());
            let (rooms, presence) = (app.rooms.clone(), app.presence.clone());
            let seats = Seats { own, nodes, post, rooms, presence };
            services.push(Service::with(queue.clone(), seats, bench.config.bots_fill_after));
        }
        let services = services.try_into().unwrap_or_else(|_| panic!("two services"));
        Self { benches, services, queue, exchange }
    }

    fn row(&self, player: PlayerId) -> TicketRow {
        self.queue.get(&player.to_string()).unwrap().value.clone()
    }

    /// Rooms that are open on each node.
    fn rooms(&self) -> [usize; 2] {
        [0, 1].map(|node: usize| self.benches[node].app.rooms.public().len())
    }

    async fn stop(self) {
        for bench in &self.benches {
            bench.stop().await;
        }
    }
}

#[tokio::test]
async fn players_of_two_nodes_are_matched_into_one_room_and_rooms_spread() {
    let lobby = Lobby::start().await;
    let ([a, b], now) = (&lobby.services, Instant::now());
    let mut followings = Vec::new();
    for number in 1..=8_u8 {
        let service = if number % 2 == 0 { a } else { b };
        // Pairs that accept nobody else.
        let rating = i32::from(number.div_ceil(2)) * 1_000;
        followings.push(service.join(asker(number), rating, Mode::Duel, now).await.unwrap());
    }

    // Only one of them is the steward.
    b.run_once(now).await;
    a.matchmaker.board.look(now);

    let rooms: Vec<_> = followings.iter().map(|f| matched_room(f).expect("a match")).collect();
    for pair in rooms.chunks(2) {
        assert_eq!(pair[0], pair[1]);
    }
    assert_eq!(lobby.rooms(), [2, 2]);
    // The same versions on both nodes.
    let followed = followings[0].borrow().clone();
    let elsewhere = a.matchmaker.follow(asker(1).player, followed.ticket.clone()).await.unwrap();
    assert_eq!(*elsewhere.borrow(), followed);
    lobby.stop().await;
}

#[tokio::test]
async fn two_stewards_at_once_match_each_ticket_once() {
    let lobby = Lobby::start().await;
    let ([a, b], now) = (&lobby.services, Instant::now());
    for number in 1..=20 {
        a.join(asker(number), 1_500, Mode::Duel, now).await.unwrap();
    }
    b.matchmaker.board.look(now);

    tokio::join!(a.matcher.beat(now), b.matcher.beat(now));

    let mut rooms = std::collections::BTreeMap::<_, usize>::new();
    for number in 1..=20 {
        let row = lobby.row(asker(number).player);
        assert_eq!(row.changes, 1);
        *rooms.entry(row.seat().expect("a match").room).or_default() += 1;
    }
    assert!(rooms.values().all(|people| *people == 2), "{rooms:?}");
    lobby.stop().await;
}

#[tokio::test]
async fn a_steward_goes_on_where_another_one_was_killed() {
    let lobby = Lobby::start().await;
    let ([a, b], now) = (&lobby.services, Instant::now());
    let (ada, bob) = (asker(1), asker(2));
    let of_ada = a.join(ada, 1_500, Mode::Duel, now).await.unwrap();
    let of_bob = a.join(bob, 1_500, Mode::Duel, now).await.unwrap();
    // The steward on `a` has come as far as the first of the two tickets.
    let players = vec![ada, bob];
    let room = lobby.benches[0].app.rooms.open_for(Mode::Duel, players).await.unwrap().spec().id;
    let group = [&of_ada, &of_bob].map(|following| following.borrow().ticket.clone()).to_vec();
    let matched =
        lobby.row(ada.player).matched(Seat::new(room, "a".parse().unwrap(), false, group));
    lobby.queue.put(&ada.player.to_string(), matched, Expect::Anything).await.unwrap();

    b.run_once(now).await;
    a.matchmaker.board.look(now);

    assert_eq!([matched_room(&of_ada), matched_room(&of_bob)], [Some(room); 2]);
    assert_eq!([ada, bob].map(|asker| lobby.row(asker.player).changes), [1, 1]);
    lobby.stop().await;
}

#[tokio::test]
async fn what_is_cancelled_on_one_node_is_not_matched_by_another() {
    let lobby = Lobby::start().await;
    let ([a, b], now) = (&lobby.services, Instant::now());
    let (ada, bob) = (asker(1), asker(2));
    let of_ada = a.join(ada, 1_500, Mode::Duel, now).await.unwrap();
    let of_bob = b.join(bob, 1_500, Mode::Duel, now).await.unwrap();
    let ticket = of_ada.borrow().ticket.clone();
    b.matchmaker.board.look(now);
    a.cancel(ada.player, &ticket).await.unwrap();

    // It has not seen that yet.
    b.matcher.beat(now).await;

    assert_eq!(lobby.row(ada.player).changes, 0);
    assert!(matched_room(&of_bob).is_none(), "the other one would be alone");
    let ended = Err(AskError::Ended(TicketEnd::Cancelled));
    assert_eq!(b.find(ada.player, &ticket).await, ended);
    // A note that a ticket is asked for keeps nobody from a match.
    let again = a.join(ada, 1_500, Mode::Duel, now).await.unwrap();
    b.matchmaker.board.look(now);
    let row = lobby.row(ada.player);
    lobby.queue.put(&ada.player.to_string(), row.asked_for(), Expect::Anything).await.unwrap();
    b.matcher.beat(now + MATCH_EVERY).await;
    a.matchmaker.board.look(now);
    assert_eq!(matched_room(&again), matched_room(&of_bob));
    assert!(matched_room(&again).is_some());
    lobby.stop().await;
}

#[tokio::test]
async fn a_node_that_does_not_answer_opens_no_room() {
    let lobby = Lobby::start().await;
    let ([a, _], now) = (&lobby.services, Instant::now());
    let following = a.join(asker(1), 1_500, Mode::Practice, now).await.unwrap();
    lobby.exchange.lose_all(true);
    a.matcher.beat(now).await;
    assert!(matched_room(&following).is_none());

    lobby.exchange.lose_all(false);
    a.matcher.beat(now + Duration::from_secs(1)).await;
    assert!(matched_room(&following).is_some());
    lobby.stop().await;
}

#[tokio::test]
async fn a_room_that_the_steward_has_not_heard_of_is_lost_only_when_its_node_says_so() {
    let lobby = Lobby::start().await;
    let ([_, b], start) = (&lobby.services, Instant::now());
    let at = |second| start + Duration::from_secs(second);
    let following = b.join(asker(1), 1_500, Mode::Practice, start).await.unwrap();
    b.run_once(start).await;
    let room = matched_room(&following).expect("a match");
    let [on_a, on_b] = [0, 1].map(|node: usize| lobby.benches[node].app.rooms.find(room).is_ok());
    assert!(on_a && !on_b, "these two have no directory in which b would find it");

    for second in 1..=10 {
        b.run_once(at(second)).await;
    }
    assert_eq!(matched_room(&following), Some(room));
    // While the other node does not answer, it may be there as well.
    lobby.exchange.lose_all(true);
    for second in 11..=15 {
        b.run_once(at(second)).await;
    }
    lobby.exchange.lose_all(false);
    assert_eq!(matched_room(&following), Some(room));
    assert_eq!(lobby.row(asker(1).player).changes, 1);

    lobby.benches[0].stop().await;
    for second in 16..=22 {
        b.run_once(at(second)).await;
    }
    let again = matched_room(&following).expect("another match");
    assert!(again != room && lobby.benches[1].app.rooms.find(again).is_ok());
    lobby.benches[1].stop().await;
}
