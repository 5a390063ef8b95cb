//! Nodes over tables, mostly on a real NATS server.

mod replicas;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use test_nats::Nats as Server;
use tokio::time::timeout;

use super::{Load, NodeRow, Nodes, StartError, Timing};
use crate::cluster::memory_table::MemoryTable;
use crate::cluster::table::{Expect, Table};
use crate::cluster::testing::{PATIENCE, connect, open, tasks, until};
use crate::tasks::{Fatal, Tasks};

/// Fast, but with room for a machine that does other things.
const TIMING: Timing = Timing {
    beat_every: Duration::from_millis(100),
    acknowledged_within: Duration::from_millis(1_000),
    dead_after: Duration::from_millis(2_000),
    claim_after: Duration::from_millis(1_000),
    start_within: PATIENCE,
    give_up_after: Duration::from_millis(1_000),
};

type Started = Result<Nodes, StartError>;

async fn start(tasks: &Tasks, table: Arc<dyn Table<NodeRow>>, name: &str) -> Started {
    start_with(tasks, table, name, TIMING).await
}

async fn start_with(
    tasks: &Tasks,
    table: Arc<dyn Table<NodeRow>>,
    name: &str,
    timing: Timing,
) -> Started {
    let ask_load = Arc::new(Load::default);
    Nodes::start(tasks, table, name.parse().unwrap(), timing, ask_load).await
}

/// A node of its own connection.
async fn node(server: &Server, name: &str) -> (Nodes, Tasks) {
    let tasks = tasks();
    let table = open(&tasks, &connect(server, name).await).await;
    (start(&tasks, table, name).await.unwrap(), tasks)
}

/// Waits until the nodes are as wanted, told by nothing but their own changes.
async fn until_nodes(nodes: &Nodes, is_so: impl Fn(&Nodes) -> bool) {
    let mut changes = nodes.changes();
    let wait = async {
        while !is_so(nodes) {
            changes.changed().await.unwrap();
        }
    };
    timeout(PATIENCE, wait).await.expect("the nodes do not become as they should");
}

fn row(boot: &str) -> NodeRow {
    NodeRow { boot: boot.to_owned(), build: String::new(), wire: vec![], load: Load::default() }
}

fn living(nodes: &Nodes) -> Vec<String> {
    nodes.living().iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn nodes_know_each_other_while_they_live() {
    let server = Server::start();
    let (ada, _tasks) = node(&server, "ada").await;
    let (bob, bobs) = node(&server, "bob").await;
    until_nodes(&ada, |ada| living(ada) == ["ada", "bob"]).await;
    until_nodes(&bob, |bob| living(bob) == ["ada", "bob"]).await;
    let row = ada.row(bob.own()).unwrap();
    assert_eq!((row.boot.as_str(), row.load.draining), (bob.boot(), false));
    assert_eq!(row.wire, ["pushback.v6", "pushback-chat.v1"]);

    bobs.stop();
    bobs.finish().await;
    until_nodes(&ada, |ada| living(ada) == ["ada"]).await;
    until_nodes(&ada, |ada| ada.is_dead(bob.own())).await;

    // It comes back.
    let (bob, _tasks) = node(&server, "bob").await;
    until_nodes(&ada, |ada| living(ada) == ["ada", "bob"] && !ada.is_dead(bob.own())).await;
}

#[tokio::test]
async fn a_silent_node_is_dead_and_its_name_can_be_used_again() {
    let server = Server::start();
    let tasks = tasks();
    let table = open(&tasks, &connect(&server, "ada").await).await;
    table.put("bob", row("old"), Expect::Absent).await.unwrap();
    let ada = start(&tasks, table, "ada").await.unwrap();
    let bob = "bob".parse().unwrap();
    assert!(!ada.is_dead(&bob));
    assert_eq!(living(&ada), ["ada", "bob"]);

    until_nodes(&ada, |ada| ada.is_dead(&bob)).await;
    assert_eq!(living(&ada), ["ada"]);
    assert!(ada.row(&bob).is_some());

    let began = Instant::now();
    let (_bob, _tasks) = node(&server, "bob").await;
    assert!(began.elapsed() >= TIMING.claim_after, "{:?}", began.elapsed());
    until_nodes(&ada, |ada| !ada.is_dead(&bob) && ada.row(&bob).unwrap().boot != "old").await;
}

#[tokio::test]
async fn a_second_node_of_one_name_does_not_start() {
    let server = Server::start();
    let (ada, alive) = node(&server, "ada").await;

    let others = tasks();
    let table = open(&others, &connect(&server, "ada").await).await;
    let refused = start(&others, table, "ada").await;

    let error = refused.err().unwrap().to_string();
    assert_eq!(error, "another node with the name ada is running");
    assert!(!alive.is_stopping());
    assert_eq!(ada.row(ada.own()).unwrap().boot, ada.boot());
}

#[tokio::test]
async fn a_node_that_loses_its_row_to_another_stops_with_an_error() {
    let table: Arc<MemoryTable<NodeRow>> = Arc::default();
    let tasks = tasks();
    start(&tasks, table.clone(), "ada").await.unwrap();

    table.put("ada", row("other"), Expect::Anything).await.unwrap();

    timeout(PATIENCE, tasks.stopping()).await.unwrap();
    tasks.finish().await;
    let Err(Fatal::Failure(error)) = tasks.outcome() else { panic!("a good end") };
    assert_eq!(error, "another node with the name ada has taken over");
    assert_eq!(table.get("ada").unwrap().value.boot, "other", "it is not removed");
}

#[tokio::test]
async fn a_row_says_how_much_a_node_does() {
    let table: Arc<MemoryTable<NodeRow>> = Arc::default();
    let rooms = Arc::new(AtomicUsize::new(1));
    let asked = rooms.clone();
    let ask_load = Arc::new(move || {
        let rooms = asked.load(Ordering::Relaxed);
        Load { draining: rooms == 0, rooms, people: rooms * 2 }
    });
    let tasks = tasks();
    let name = "ada".parse().unwrap();
    let ada = Nodes::start(&tasks, table.clone(), name, TIMING, ask_load).await.unwrap();
    let load = ada.row(ada.own()).unwrap().load;
    assert_eq!(load, Load { draining: false, rooms: 1, people: 2 });

    rooms.store(0, Ordering::Relaxed);
    until_nodes(&ada, |ada| ada.row(ada.own()).unwrap().load.draining).await;

    tasks.stop();
    tasks.finish().await;
    assert_eq!(table.rows(), []);
}

#[tokio::test]
async fn nobody_is_dead_because_nats_was_away_or_was_emptied() {
    let mut server = Server::start();
    let (ada, ada_tasks) = node(&server, "ada").await;
    let (bob, bob_tasks) = node(&server, "bob").await;
    until_nodes(&ada, |ada| living(ada) == ["ada", "bob"] && ada.heard_since().is_some()).await;
    let is_anybody_dead = || ada.is_dead(bob.own()) || bob.is_dead(ada.own());

    for is_emptied in [false, true] {
        server.kill();
        // Until this node has noticed, and then for longer than a death takes.
        let away = Instant::now();
        while ada.heard_since().is_some() || away.elapsed() < TIMING.dead_after * 2 {
            assert!(!is_anybody_dead() && away.elapsed() < PATIENCE);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        if is_emptied {
            server.restart_empty();
        } else {
            server.restart();
        }

        let table = ada.shared.table.clone();
        let is_back = |row: Option<&Instant>| row.is_some_and(|since| *since > away);
        let back = async {
            while !is_back(table.current_since().as_ref()) || ada.heard_since().is_none() {
                assert!(!is_anybody_dead());
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(PATIENCE, back).await.expect("it goes on");
        until(&*table, |table| table.rows().len() == 2).await;
        until_nodes(&bob, |bob| living(bob) == ["ada", "bob"]).await;
        assert!(!is_anybody_dead());
    }
    assert!(!ada_tasks.is_stopping() && !bob_tasks.is_stopping());
}
