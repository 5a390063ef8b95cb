//! Connections to NATS on which nothing arrives for longer than the silence after which a node is dead.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use shared::api::{CreateRoom, RoomClosed, RoomList};
use shared::id::RoomId;
use shared::sim::Mode;
use tests::feed::{self, EventStream};
use tests::{Guest, TestCluster};
use tokio::time::{sleep, timeout};

use super::rooms::listed;

/// A node is dead after twelve seconds.
const HELD_FOR: Duration = Duration::from_secs(20);
/// A node that has come back judges the others for the first time after twelve seconds.
const JUDGED_WITHIN: Duration = Duration::from_secs(16);

/// One room on each node.
async fn rooms_of(cluster: &TestCluster) -> Vec<RoomId> {
    let mut rooms = Vec::new();
    for node in cluster.nodes() {
        let guest: Guest = node.guest("ada").await;
        let room = CreateRoom { mode: Mode::Brawl, private: false, bots: None };
        rooms.push(guest.open_room(&room).await.summary.id);
    }
    for room in &rooms {
        listed(cluster, *room, true).await;
    }
    rooms
}

/// The rooms that are told to be over for so long.
async fn closed_within(reader: &mut EventStream, time: Duration) -> BTreeSet<RoomId> {
    let (until, mut closed) = (Instant::now() + time, BTreeSet::new());
    while let Some(left) = until.checked_duration_since(Instant::now()) {
        let Ok(envelope) = timeout(left, reader.any_envelope()).await else { break };
        let envelope = envelope.expect("the subscription goes on");
        assert_ne!(envelope.kind, shared::feed::KIND_RESET, "nothing was lost");
        if envelope.kind == RoomList::EVENT_CLOSED {
            closed.insert(feed::data::<RoomClosed>(&envelope).id);
        }
    }
    closed
}

#[tokio::test]
async fn no_node_is_dead_because_nats_is_held_for_all_of_them() {
    let cluster = TestCluster::start(3).await;
    let rooms = rooms_of(&cluster).await;
    let mut reader = EventStream::open(cluster.node("b"), "rooms", None).await.unwrap();

    for name in ["a", "b", "c"] {
        cluster.nats_of(name).hold(true);
    }
    sleep(HELD_FOR).await;
    for name in ["a", "b", "c"] {
        cluster.nats_of(name).hold(false);
    }

    let closed = closed_within(&mut reader, JUDGED_WITHIN).await;
    assert!(rooms.iter().all(|room| !closed.contains(room)), "{closed:?} of {rooms:?}");
    for room in rooms {
        listed(&cluster, room, true).await;
    }
}

#[tokio::test]
async fn a_node_whose_nats_is_held_takes_no_other_for_dead_and_comes_back_by_itself() {
    let cluster = TestCluster::start(3).await;
    let rooms = rooms_of(&cluster).await;
    let mut reader = EventStream::open(cluster.node("b"), "rooms", None).await.unwrap();

    cluster.nats_of("a").hold(true);
    let closed = closed_within(&mut reader, HELD_FOR).await;
    assert!(closed.contains(&rooms[0]), "it is dead for the others");
    assert!(rooms[1..].iter().all(|room| !closed.contains(room)), "{closed:?} of {rooms:?}");

    cluster.nats_of("a").hold(false);
    listed(&cluster, rooms[0], true).await;
    let closed = closed_within(&mut reader, JUDGED_WITHIN).await;
    assert!(rooms.iter().all(|room| !closed.contains(room)), "{closed:?} of {rooms:?}");
}
