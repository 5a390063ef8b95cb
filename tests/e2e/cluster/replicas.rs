//! Three NATS servers, of which the one is killed that leads the feed of the rooms.

use std::time::Duration;

use shared::api::{RoomClosed, RoomList, RoomSummary};
use shared::feed::{Cursor, KIND_SNAPSHOT};
use shared::id::RoomId;
use shared::sim::Mode;
use test_nats::Nats;
use tests::feed::{self, Transport};
use tests::player::{Behaviour, Player};
use tests::wait::{DEADLINE, within_time};
use tests::{Site, TestCluster, eventually, within};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::seen::Seen;

/// Time until a room is listed that was opened while the feed had no leader.
const LISTED_WITHIN: Duration = Duration::from_secs(30);
/// NATS' name of the log of the rooms.
const STREAM: &str = "pb1_feed_rooms";
/// The mode of the room that ends the story. No other room has it.
pub(super) const LAST: Mode = Mode::Teams;

/// Reads the feed of the rooms in one connection, until the last room opens. Panics when what it gets is not what all others get,
/// at the end of the connection, and when one of these rooms closes.
pub(super) async fn read(
    site: Site,
    transport: Transport,
    seen: Seen,
    stay: Vec<RoomId>,
    ready: watch::Sender<usize>,
) {
    let mut reader = transport.open(&site, "rooms", None).await.unwrap();
    let snapshot = reader.next().await.unwrap();
    assert_eq!(snapshot.kind, KIND_SNAPSHOT);
    ready.send_modify(|ready| *ready += 1);
    let mut last: Cursor = snapshot.id;
    loop {
        let envelope = reader.next().await.expect("the connection stays");
        seen.note(transport, last, &envelope);
        last = envelope.id;
        if envelope.kind == RoomList::EVENT_CLOSED {
            let closed: RoomClosed = feed::data(&envelope);
            assert!(!stay.contains(&closed.id), "a node was called dead: {envelope:?}");
        }
        if envelope.kind == RoomList::EVENT_ROOM
            && feed::data::<RoomSummary>(&envelope).mode == LAST
        {
            return;
        }
    }
}

/// Waits until all nodes list this room.
pub(super) async fn listed(cluster: &TestCluster, room: RoomId, limit: Duration) {
    for node in cluster.nodes() {
        let what = format!("{room} in the list of {}", node.address());
        eventually(limit, &what, async || {
            let list = node.rooms().await;
            list.rooms.iter().any(|listed| listed.id == room).then_some(())
        })
        .await;
    }
}

pub(super) async fn ticks(player: &mut Player, what: &str) {
    let before = player.view().deltas;
    player.until(what, |view| view.deltas > before + 60).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_notices_that_one_of_three_nats_servers_is_killed() {
    let mut cluster = TestCluster::start_replicated(2).await;
    let (ada, bob) = (cluster.node("a").guest("ada").await, cluster.node("b").guest("bob").await);
    let stay = [ada.public_room(Mode::Duel).await, bob.public_room(Mode::Duel).await];
    let (mut player, mut other) = (ada.play(stay[0]).await, bob.play(stay[1]).await);
    let _second = bob.at(cluster.node("a")).play(stay[0]).await;
    player.set_behaviour(Behaviour::Fight).await;
    player.until("a round", |view| view.is_playing()).await;
    for room in stay {
        listed(&cluster, room, DEADLINE).await;
    }
    let (seen, (ready, mut are_ready)) = (Seen::default(), watch::channel(0));
    let mut readers = JoinSet::new();
    for node in cluster.nodes() {
        for transport in Transport::ALL {
            let site = Site::clone(node);
            readers.spawn(read(site, transport, seen.clone(), stay.to_vec(), ready.clone()));
        }
    }
    let all = readers.len();
    within("all snapshots", are_ready.wait_for(|ready| *ready == all)).await.unwrap();

    let leader = Nats::leader_of(cluster.nats_servers(), STREAM);
    cluster.nats_servers()[leader].kill();

    // At once, while the feed has no leader.
    let meanwhile = ada.public_room(Mode::Brawl).await;
    ticks(&mut player, "ticks on a").await;
    ticks(&mut other, "ticks on b").await;
    listed(&cluster, meanwhile, LISTED_WITHIN).await;
    cluster.nats_servers()[leader].restart();
    bob.public_room(LAST).await;
    let read = within_time(LISTED_WITHIN, "the last room at all readers", readers.join_all());
    assert_eq!(read.await.len(), all);

    ticks(&mut player, "ticks on a after it").await;
    ticks(&mut other, "ticks on b after it").await;
    for room in stay {
        listed(&cluster, room, DEADLINE).await;
    }
}
