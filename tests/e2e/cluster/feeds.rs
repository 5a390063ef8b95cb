//! A feed has one log on all nodes: who reads it on one goes on reading it on another.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use shared::api::{CreateRoom, RoomSummary};
use shared::feed::{Cursor, KIND_SNAPSHOT};
use shared::sim::Mode;
use tests::feed::{self, Transport};
use tests::wait::within_time;
use tests::{Guest, Site, TestCluster};
use tokio::task::JoinSet;

/// Readers: twenty for each transport.
const READERS: usize = 100;
/// Rooms that open while they read.
const ROOMS: usize = 60;
/// The room after which a node is killed.
const KILL_AFTER: usize = 20;

/// Every event that some reader has seen, by its number: all have to agree.
type Seen = Arc<Mutex<BTreeMap<u64, String>>>;

/// Reads the feed of the rooms until the last one is listed. Goes on at the next site whenever a connection ends. Panics at
/// a gap, a doubled event, another epoch, or an event that differs from that of another reader.
async fn read(sites: Vec<Site>, transport: Transport, seen: Seen) -> u32 {
    let mut cursor: Option<Cursor> = None;
    let (mut opened, mut site) = (0, 0);
    let mut rooms = Vec::new();
    while rooms.len() < ROOMS {
        let opening = transport.open(&sites[site % sites.len()], "rooms", cursor).await;
        let Ok(mut reader) = opening else {
            site += 1;
            continue;
        };
        opened += 1;
        // An error is the end of the connection.
        while let Ok(envelope) = reader.next().await {
            match cursor {
                None => assert_eq!(envelope.kind, KIND_SNAPSHOT),
                Some(last) => {
                    assert_eq!(envelope.id.epoch, last.epoch, "{transport:?}: {envelope:?}");
                    let step = envelope.id.sequence.checked_sub(last.sequence);
                    assert_eq!(step, Some(1), "{transport:?} after {last}: {envelope:?}");
                    let text = format!("{} {} {}", envelope.kind, envelope.at_ms, envelope.data);
                    let mut seen = seen.lock().unwrap();
                    let known = seen.entry(envelope.id.sequence).or_insert_with(|| text.clone());
                    assert_eq!(*known, text, "{transport:?}");
                }
            }
            cursor = Some(envelope.id);
            if envelope.kind == "room" {
                let room: RoomSummary = feed::data(&envelope);
                if !rooms.contains(&room.id) {
                    rooms.push(room.id);
                }
            }
            if rooms.len() == ROOMS {
                break;
            }
        }
        site += 1;
    }
    opened
}

async fn open_room(guest: &Guest) {
    let room = CreateRoom { mode: Mode::Brawl, private: false, bots: None };
    guest.open_room(&room).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_of_a_node_that_is_killed_go_on_elsewhere_on_all_five_transports() {
    let mut cluster = TestCluster::start(3).await;
    let seen = Seen::default();
    let guest = cluster.node("a").guest("ada").await;
    let on_c = guest.at(cluster.node("c"));
    let mut readers = JoinSet::new();
    for number in 0..READERS {
        // Each begins at another node, many at the one that will be killed.
        let order: [&str; 3] = [["b", "a", "c"], ["b", "c", "a"], ["a", "b", "c"]][number % 3];
        let sites = order.map(|name| Site::clone(cluster.node(name))).to_vec();
        let transport = Transport::ALL[number % 5];
        readers.spawn(read(sites, transport, seen.clone()));
    }
    // All are there before the first room.
    for name in ["a", "b"] {
        let node = Site::clone(cluster.node(name));
        node.metric_becomes("pushback_connections", |open| open >= 20.0).await;
    }

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
