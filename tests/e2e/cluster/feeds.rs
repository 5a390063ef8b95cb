//! A feed has one log on all nodes: who reads it on one goes on reading it on another.

use std::time::Duration;

use shared::api::{CreateRoom, RoomSummary};
use shared::feed::{Cursor, KIND_SNAPSHOT};
use shared::sim::Mode;
use tests::feed::{self, Transport};
use tests::wait::within_time;
use tests::{Guest, Site, TestCluster, within};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::seen::Seen;

/// Readers: twenty for each transport.
const READERS: usize = 100;
/// Rooms that open while they read.
const ROOMS: usize = 60;
/// The room after which a node is killed.
const KILL_AFTER: usize = 20;

/// Reads the feed of the rooms until the last one is listed. Goes on at the next site whenever a connection ends. Counts itself
/// as ready once it has its snapshot. Panics when what it gets is not what all others get. Returns how many connections it took.
async fn read(
    sites: Vec<Site>,
    transport: Transport,
    seen: Seen,
    ready: watch::Sender<usize>,
) -> usize {
    let mut last: Option<Cursor> = None;
    let (mut opened, mut rooms) = (0, Vec::new());
    for site in sites.iter().cycle() {
        // A refusal and an error are the end of a connection.
        let Ok(mut reader) = transport.open(site, "rooms", last).await else { continue };
        opened += 1;
        while let Ok(envelope) = reader.next().await {
            match last {
                Some(last) => seen.note(transport, last, &envelope),
                None => {
                    assert_eq!(envelope.kind, KIND_SNAPSHOT);
                    ready.send_modify(|ready| *ready += 1);
                }
            }
            last = Some(envelope.id);
            if envelope.kind == "room" {
                let room: RoomSummary = feed::data(&envelope);
                if !rooms.contains(&room.id) {
                    rooms.push(room.id);
                }
            }
            if rooms.len() == ROOMS {
                return opened;
            }
        }
    }
    unreachable!("there are sites")
}

async fn open_room(guest: &Guest) {
    let room = CreateRoom { mode: Mode::Brawl, private: false, bots: None };
    guest.open_room(&room).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_of_a_node_that_is_killed_go_on_elsewhere_on_all_five_transports() {
    let mut cluster = TestCluster::start(3).await;
    let (seen, (ready, mut are_ready)) = (Seen::default(), watch::channel(0));
    let guest = cluster.node("a").guest("ada").await;
    let on_c = guest.at(cluster.node("c"));
    let mut readers = JoinSet::new();
    for number in 0..READERS {
        // Each begins at another node, many at the one that will be killed.
        let order: [&str; 3] = [["b", "a", "c"], ["b", "c", "a"], ["a", "b", "c"]][number % 3];
        let sites = order.map(|name| Site::clone(cluster.node(name))).to_vec();
        let transport = Transport::ALL[number % 5];
        readers.spawn(read(sites, transport, seen.clone(), ready.clone()));
    }
    within("all snapshots", are_ready.wait_for(|ready| *ready == READERS)).await.unwrap();

    for number in 0..ROOMS {
        open_room(if number % 2 == 0 { &guest } else { &on_c }).await;
        if number == KILL_AFTER {
            cluster.kill("b");
        }
    }
    let opened =
        within_time(Duration::from_secs(120), "all rooms at all readers", readers.join_all()).await;

    assert!(opened.iter().filter(|opened| **opened > 1).count() >= READERS / 2, "{opened:?}");
}
