//! The directory over tables in memory, and over NATS where that has to go away.

use std::sync::Arc;
use std::time::{Duration, Instant};

use shared::id::{PlayerId, RoomId};
use shared::sim::Mode;
use test_nats::Nats as Server;
use tokio::time::{sleep, timeout};

use super::{CHANGES, Directory, RoomRow, Visitor};
use crate::cluster::memory_table::MemoryTable;
use crate::cluster::nodes::{Load, NodeRow, Nodes, Timing};
use crate::cluster::table::{Expect, Table};
use crate::cluster::testing::{PATIENCE, connect, open, tasks, until};
use crate::metrics::Engines;
use crate::tasks::Tasks;

struct Node {
    directory: Directory,
    table: Arc<dyn Table<RoomRow>>,
    nodes: Nodes,
    tasks: Tasks,
}

async fn node(table: Arc<dyn Table<RoomRow>>) -> (Node, Vec<RoomId>) {
    node_with(table, Arc::new(MemoryTable::default()), Timing::default()).await
}

async fn node_with(
    table: Arc<dyn Table<RoomRow>>,
    nodes: Arc<dyn Table<NodeRow>>,
    timing: Timing,
) -> (Node, Vec<RoomId>) {
    let (tasks, engine) = (tasks(), Engines::default().nats);
    let (name, load) = ("ada".parse().unwrap(), Arc::new(Load::default));
    let nodes = Nodes::start(&tasks, nodes, name, timing, load).await.unwrap();
    let (directory, over) = Directory::start(&tasks, nodes.clone(), table.clone(), engine);
    (Node { directory, table, nodes, tasks }, over)
}

async fn in_memory() -> Node {
    node(Arc::new(MemoryTable::default())).await.0
}

fn room(number: u64) -> RoomId {
    RoomId::from_bits(number)
}

fn row(node: &str, boot: &str) -> RoomRow {
    let (node, boot) = (node.parse().unwrap(), boot.to_owned());
    RoomRow { node, boot, mode: Mode::Brawl, private: false, people: vec![] }
}

fn visitor(player: u64) -> Visitor {
    Visitor { player: PlayerId::from_bits(player), team: None, since_ms: 0 }
}

impl Node {
    fn open(&self, number: u64) -> RoomId {
        self.directory.opened(room(number), Mode::Brawl, false);
        room(number)
    }

    /// The row of an empty room of this node.
    fn empty(&self) -> RoomRow {
        row("ada", self.nodes.boot())
    }

    fn row(&self, room: RoomId) -> Option<RoomRow> {
        self.table.get(&room.to_string()).map(|row| row.value.clone())
    }

    /// Writes what this node has not asked for.
    async fn put(&self, room: RoomId, row: RoomRow) {
        self.table.put(&room.to_string(), row, Expect::Anything).await.unwrap();
    }

    async fn until_rows(&self, wanted: &[RoomId]) {
        until(&*self.table, |table| {
            let mut rows: Vec<RoomId> =
                table.rows().iter().map(|(key, _)| key.parse().unwrap()).collect();
            rows.sort_unstable();
            rows == wanted
        })
        .await;
    }
}

#[tokio::test]
async fn a_room_is_in_the_table_from_its_opening_to_its_end() {
    let node = in_memory().await;
    let (first, second) = (node.open(1), node.open(2));
    timeout(PATIENCE, node.directory.until_known(first)).await.unwrap();
    assert_eq!(node.row(first), Some(node.empty()));

    node.directory.visited(first, vec![visitor(5)]);
    until(&*node.table, |_| node.row(first).is_some_and(|row| row.people == [visitor(5)])).await;

    node.directory.closed(first);
    node.until_rows(&[second]).await;
    // It has ended: whoever leaves it last changes nothing.
    node.directory.visited(first, vec![]);
    node.directory.closed(second);
    node.until_rows(&[]).await;
}

#[tokio::test]
async fn rooms_of_an_earlier_start_are_over_and_those_of_others_are_not() {
    let table = Arc::new(MemoryTable::default());
    for (number, (name, boot)) in [("ada", "6"), ("bob", "6")].into_iter().enumerate() {
        let key = room(number as u64).to_string();
        table.put(&key, row(name, boot), Expect::Absent).await.unwrap();
    }

    let (node, over) = node(table).await;

    assert_eq!(over, [room(0)]);
    node.until_rows(&[room(1)]).await;
    assert_eq!(node.directory.node_of(room(1)), Some("bob".parse().unwrap()));
}

#[tokio::test]
async fn the_table_is_set_right_whatever_others_and_late_writes_made_of_it() {
    let node = in_memory().await;
    let (removed, old, over) = (node.open(1), node.open(2), room(3));
    node.directory.visited(old, vec![visitor(5)]);
    until(&*node.table, |_| node.row(old).is_some_and(|row| row.people == [visitor(5)])).await;
    let (of_bob, of_before) = (room(4), room(5));

    // Somebody took this node for dead.
    node.table.remove(&removed.to_string(), Expect::Anything).await.unwrap();
    // These had not been acknowledged.
    node.put(old, node.empty()).await;
    node.put(over, node.empty()).await;
    node.put(of_bob, row("bob", "6")).await;
    node.put(of_before, row("ada", "6")).await;
    node.directory.reconcile();

    node.until_rows(&[removed, old, of_bob, of_before]).await;
    until(&*node.table, |_| node.row(old).is_some_and(|row| row.people == [visitor(5)])).await;
}

#[tokio::test]
async fn rows_that_are_lost_are_written_at_once_and_changes_of_visitors_at_a_pace() {
    const ROOMS: u64 = 200;
    let node = in_memory().await;
    let rooms: Vec<_> = (0..ROOMS).map(|number| node.open(number)).collect();
    node.until_rows(&rooms).await;
    for room in &rooms {
        node.table.remove(&room.to_string(), Expect::Anything).await.unwrap();
    }

    let lost = Instant::now();
    node.directory.reconcile();
    node.until_rows(&rooms).await;
    let paced = CHANGES.refill * u32::try_from(ROOMS).unwrap();
    assert!(lost.elapsed() < paced / 4, "{:?}", lost.elapsed());

    let more_than_a_burst = CHANGES.burst + 10;
    let changed = Instant::now();
    for room in rooms.iter().take(more_than_a_burst as usize) {
        node.directory.visited(*room, vec![visitor(5)]);
    }
    let last = rooms[more_than_a_burst as usize - 1];
    until(&*node.table, |_| node.row(last).is_some_and(|row| !row.people.is_empty())).await;
    assert!(changed.elapsed() >= CHANGES.refill * 9, "{:?}", changed.elapsed());
}

#[tokio::test]
async fn a_node_that_others_may_take_for_dead_says_first_that_it_lives() {
    let mut server = Server::start();
    let own = tasks();
    let nodes = open(&own, &connect(&server, "ada").await).await;
    let (beat_every, give_up_after) = (Duration::from_millis(50), Duration::from_millis(500));
    let timing = Timing { beat_every, give_up_after, ..Timing::default() };
    let (node, _) = node_with(Arc::new(MemoryTable::default()), nodes, timing).await;
    let before = node.open(1);
    node.until_rows(&[before]).await;

    server.kill();
    let killed = Instant::now();
    while !node.nodes.may_be_dead() {
        assert!(killed.elapsed() < PATIENCE);
        sleep(Duration::from_millis(10)).await;
    }
    let meanwhile = node.open(2);
    node.directory.until_known(meanwhile).await;
    assert_eq!(node.row(meanwhile), None);

    server.restart();
    node.until_rows(&[before, meanwhile]).await;
}

#[tokio::test]
async fn a_stop_does_not_insist_on_rows_while_nats_is_away() {
    let mut server = Server::start();
    let own = tasks();
    let table = open(&own, &connect(&server, "ada").await).await;
    let (node, _) = node(table).await;
    let room = node.open(1);
    timeout(PATIENCE, node.directory.until_known(room)).await.unwrap();

    server.kill();
    node.directory.closed(room);
    let stopped = Instant::now();
    node.tasks.stop();
    node.tasks.finish().await;

    // The time for one attempt, and not all that there is.
    assert!(stopped.elapsed() < Duration::from_secs(4), "{:?}", stopped.elapsed());
}
