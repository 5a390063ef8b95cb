//! NATS that is held for longer than the silence after which a node counts as dead: before one node, and before all of them.

use std::time::Duration;

use futures_util::future::join_all;
use shared::feed::Heartbeat;
use shared::id::RoomId;
use shared::protocol::Ratings;
use shared::sim::Mode;
use tests::feed::{EventStream, Transport};
use tests::player::Behaviour;
use tests::wait::{DEADLINE, within_time};
use tests::{Guest, Player, Site, TestCluster, eventually, within};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::matchmaking::steward;
use super::replicas::{LAST, listed, read, ticks};
use super::rooms::unfollowed;
use super::seen::Seen;

const NAMES: [&str; 3] = ["a", "b", "c"];
/// The silence after which a node counts as dead.
const DEAD_AFTER: Duration = Duration::from_secs(12);
const FOR_LONG: Duration = Duration::from_secs(20);
/// Time for a node that is back to be seen as before.
const BACK_WITHIN: Duration = Duration::from_secs(30);

/// A duel on each node.
struct Duels {
    rooms: Vec<RoomId>,
    /// Of each room one. The other is in `others`.
    players: Vec<Player>,
    others: Vec<Player>,
}

impl Duels {
    async fn start(cluster: &TestCluster) -> Self {
        let mut duels = Self { rooms: Vec::new(), players: Vec::new(), others: Vec::new() };
        for node in cluster.nodes() {
            let (ada, bob) = (node.guest("ada").await, node.guest("bob").await);
            let room = ada.public_room(Mode::Duel).await;
            let (mut ada, bob) = (ada.play(room).await, bob.play(room).await);
            ada.set_behaviour(Behaviour::Fight).await;
            ada.until("a round", |view| view.is_playing()).await;
            listed(cluster, room, DEADLINE).await;
            duels.rooms.push(room);
            duels.players.push(ada);
            duels.others.push(bob);
        }
        duels
    }

    /// Waits until a round has ended in each room, and its result is kept.
    async fn go_on(&mut self) {
        let going_on = self.players.iter_mut().map(async |player| {
            ticks(player, "ticks").await;
            let before = player.view().summaries.len();
            let view = player.until("a result", |view| view.summaries.len() > before).await;
            assert_eq!(view.summaries[before].ratings, Ratings::Settled);
            assert_eq!(view.diverged, 0);
        });
        join_all(going_on).await;
    }
}

/// What the first heartbeat of a stream of the rooms says: the node's clock, and since when the rooms stand still.
async fn beat_of(site: &Site) -> Heartbeat {
    let reading = async {
        let mut stream = EventStream::open(site, "rooms", None).await.unwrap();
        while stream.heartbeat.is_none() {
            stream.any_envelope().await.unwrap();
        }
        stream.heartbeat.unwrap()
    };
    within("a heartbeat", reading).await
}

/// Waits until so much time has passed on the clock of a node, and its rooms stand still.
async fn until_late_for(site: &Site, from: &Heartbeat, time: Duration) {
    let what = format!("{} late after {time:?}", site.address());
    let until_ms = from.at_ms + u64::try_from(time.as_millis()).unwrap();
    eventually(DEADLINE, &what, async || {
        let beat = beat_of(site).await;
        (beat.late_since_ms.is_some() && beat.at_ms >= until_ms).then_some(())
    })
    .await;
}

/// Whether every node has each of these rooms, one of each, or sends on to the node that has it.
async fn are_found(cluster: &TestCluster, guest: &Guest, rooms: &[RoomId]) -> bool {
    for (name, room) in NAMES.iter().zip(rooms) {
        let path = format!("/api/rooms/{room}");
        for node in cluster.nodes() {
            let found = unfollowed(node, guest, reqwest::Method::GET, &path).await;
            let is_there = node.address() == cluster.node(name).address();
            if found
                != if is_there { (200, String::new()) } else { (307, format!("/@{name}{path}")) }
            {
                return false;
            }
        }
    }
    true
}

async fn until_live(site: &Site) {
    let what = format!("the end of lateness of {}", site.address());
    eventually(BACK_WITHIN, &what, async || {
        beat_of(site).await.late_since_ms.is_none().then_some(())
    })
    .await;
    eventually(DEADLINE, "NATS", async || {
        let metrics = site.get("/metrics").await;
        metrics.text().contains("pushback_engine_connected{engine=\"nats\"} 1\n").then_some(())
    })
    .await;
}

/// Readers at these nodes, on every transport. They panic when one of the rooms closes, and see the last room in the end.
async fn watch_rooms(cluster: &TestCluster, names: &[&str], rooms: &[RoomId]) -> JoinSet<()> {
    let (seen, (ready, mut are_ready)) = (Seen::default(), watch::channel(0));
    let mut readers = JoinSet::new();
    for name in names {
        for transport in Transport::ALL {
            let site = Site::clone(cluster.node(name));
            readers.spawn(read(site, transport, seen.clone(), rooms.to_vec(), ready.clone()));
        }
    }
    let all = readers.len();
    within("all snapshots", are_ready.wait_for(|ready| *ready == all)).await.unwrap();
    readers
}

/// Opens the last room, which every reader waits for.
async fn end_readers(guest: &Guest, readers: JoinSet<()>) {
    guest.public_room(LAST).await;
    within_time(BACK_WITHIN, "the last room at all readers", readers.join_all()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_steward_whose_nats_is_held_for_long_comes_back_by_itself_and_nobody_else_was_called_dead()
 {
    let cluster = TestCluster::start(3).await;
    let held = steward(&cluster, &NAMES).await;
    let place = NAMES.iter().position(|name| *name == held).unwrap();
    let others = [NAMES[(place + 1) % 3], NAMES[(place + 2) % 3]];
    let mut duels = Duels::start(&cluster).await;
    let room = duels.rooms[place];
    let living: Vec<_> = duels.rooms.iter().copied().filter(|other| *other != room).collect();
    let readers = watch_rooms(&cluster, &others, &living).await;
    let eve = cluster.balancer().guest("eve").await;

    let from = beat_of(cluster.node(held)).await;
    cluster.nats_of(held).hold(true);

    steward(&cluster, &others).await;
    until_late_for(cluster.node(held), &from, FOR_LONG).await;
    for name in others {
        eventually(DEADLINE, "a room that is over for the others", async || {
            let rooms = cluster.node(name).rooms().await.rooms;
            rooms.iter().all(|listed| listed.id != room).then_some(())
        })
        .await;
        assert_eq!(beat_of(cluster.node(name)).await.late_since_ms, None, "{name}");
    }
    duels.go_on().await;

    cluster.nats_of(held).hold(false);

    until_live(cluster.node(held)).await;
    for room in &duels.rooms {
        listed(&cluster, *room, BACK_WITHIN).await;
    }
    eventually(BACK_WITHIN, "rooms that are found from everywhere", async || {
        are_found(&cluster, &eve, &duels.rooms).await.then_some(())
    })
    .await;
    let mut spectator = eve.spectate(room).await;
    ticks(&mut spectator, "ticks of the room that is back").await;
    duels.go_on().await;
    end_readers(&eve, readers).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_called_dead_while_the_nats_of_all_nodes_is_held() {
    let cluster = TestCluster::start(3).await;
    let mut duels = Duels::start(&cluster).await;
    let eve = cluster.balancer().guest("eve").await;
    for time in [DEAD_AFTER, FOR_LONG] {
        let first = steward(&cluster, &NAMES).await;
        let readers = watch_rooms(&cluster, &NAMES, &duels.rooms).await;

        let from = beat_of(cluster.node(first)).await;
        for name in NAMES {
            cluster.nats_of(name).hold(true);
        }
        let standing_still = async {
            for name in NAMES {
                until_late_for(cluster.node(name), &from, time).await;
                let is_none = |count: f64| count < 0.5;
                cluster.node(name).metric_becomes("pushback_steward", is_none).await;
            }
        };
        // The rooms go on.
        tokio::join!(standing_still, duels.go_on());
        assert!(are_found(&cluster, &eve, &duels.rooms).await);

        // The steward is the first that is back: it alone could close the rooms of those that it does not hear yet.
        cluster.nats_of(first).hold(false);
        assert_eq!(steward(&cluster, &NAMES).await, first);
        for name in NAMES {
            cluster.nats_of(name).hold(false);
        }
        for node in cluster.nodes() {
            until_live(node).await;
        }
        assert!(are_found(&cluster, &eve, &duels.rooms).await);
        for room in &duels.rooms {
            listed(&cluster, *room, DEADLINE).await;
        }
        duels.go_on().await;
        end_readers(&eve, readers).await;
    }
}
