//! The role over tables, on a real NATS server.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::{BoxFuture, FutureExt as _, pending};
use test_nats::Nats as Server;
use tokio::sync::watch;
use tokio::time::timeout;

use super::{KEY, Role, Steward};
use crate::cluster::kv_table::{KvTable, TableName};
use crate::cluster::memory_table::MemoryTable;
use crate::cluster::nodes::{Load, Nodes, Timing};
use crate::cluster::table::{Expect, ReadError, Row, Table, WriteError};
use crate::cluster::testing::{PATIENCE, connect, open, tasks, until};
use crate::tasks::Tasks;

/// Nobody is silent long enough within one test.
const PATIENT: Timing = Timing {
    beat_every: Duration::from_millis(100),
    acknowledged_within: Duration::from_millis(1_000),
    dead_after: Duration::from_secs(600),
    claim_after: Duration::from_millis(500),
    start_within: PATIENCE,
    give_up_after: Duration::from_millis(1_000),
};

struct Node {
    steward: Steward,
    table: Arc<KvTable<Role>>,
    tasks: Tasks,
}

async fn node(server: &Server, name: &str, timing: Timing) -> Node {
    let (tasks, nats) = (tasks(), connect(server, name).await);
    let nodes = open(&tasks, &nats).await;
    let (name, ask_load) = (name.parse().unwrap(), Arc::new(Load::default));
    let nodes = Nodes::start(&tasks, nodes, name, timing, ask_load).await.unwrap();
    let roles = TableName { table: "roles", task: "table roles" };
    let table = KvTable::open(&tasks, &nats, roles, PATIENCE).await.unwrap();
    Node { steward: Steward::start(&tasks, table.clone(), nodes, timing), table, tasks }
}

async fn until_held(steward: &Steward, is_held: bool) {
    let mut changes = steward.changes();
    timeout(PATIENCE, changes.wait_for(|held| *held == is_held)).await.unwrap().unwrap();
    assert_eq!(steward.is_held(), is_held);
}

#[tokio::test]
async fn the_role_moves_at_once_when_its_holder_stops_or_resigns() {
    let server = Server::start();
    let ada = node(&server, "ada", PATIENT).await;
    until_held(&ada.steward, true).await;
    let bob = node(&server, "bob", PATIENT).await;
    assert!(!bob.steward.is_held());

    ada.tasks.stop();
    ada.tasks.finish().await;
    assert!(!ada.steward.is_held() && !*ada.steward.changes().borrow());
    until_held(&bob.steward, true).await;

    let eve = node(&server, "eve", PATIENT).await;
    bob.steward.resign();
    until_held(&eve.steward, true).await;
    until_held(&bob.steward, false).await;
    let row = eve.table.read(KEY).await.unwrap().unwrap();
    assert_eq!(row.value.holder.as_str(), "eve");
}

#[tokio::test]
async fn the_role_of_a_silent_holder_is_taken() {
    let server = Server::start();
    let (tasks, nats) = (tasks(), connect(&server, "old").await);
    let roles = TableName { table: "roles", task: "table roles" };
    let table = KvTable::open(&tasks, &nats, roles, PATIENCE).await.unwrap();
    let old = Role { holder: "old".parse().unwrap(), boot: "0".to_owned() };
    let mut revision = table.put(KEY, old.clone(), Expect::Absent).await.unwrap();

    let timing = Timing { dead_after: Duration::from_millis(2_000), ..PATIENT };
    let ada = node(&server, "ada", timing).await;
    let mut changes = ada.steward.changes();
    // As long as it is renewed, and longer than a holder may be silent.
    for _ in 0..15 {
        let held = timeout(Duration::from_millis(200), changes.wait_for(|held| *held)).await;
        assert!(held.is_err(), "it has a holder");
        revision = table.put(KEY, old.clone(), Expect::Revision(revision)).await.unwrap();
    }
    until_held(&ada.steward, true).await;
}

#[tokio::test]
async fn a_holder_gives_the_role_up_while_nats_is_away_and_takes_it_again() {
    let mut server = Server::start();
    let ada = node(&server, "ada", PATIENT).await;
    let bob = node(&server, "bob", PATIENT).await;
    until_held(&ada.steward, true).await;

    until(&*bob.table, |_| bob.steward.is_with_another()).await;

    server.kill();
    until_held(&ada.steward, false).await;
    assert!(!ada.steward.is_with_another(), "no other node can have taken it");

    server.restart();
    until_held(&ada.steward, true).await;
    assert!(!bob.steward.is_held());

    // Now it is anybody's, but one's only.
    server.restart_empty();
    let emptied = Some(Instant::now());
    until(&*bob.table, |bob| bob.current_since() > emptied && bob.get(KEY).is_some()).await;
    let holder = bob.table.get(KEY).unwrap().value.holder.clone();
    let (holding, other) = if holder.as_str() == "ada" { (&ada, &bob) } else { (&bob, &ada) };
    until_held(&holding.steward, true).await;
    until_held(&other.steward, false).await;
    until(&*other.table, |_| other.steward.is_with_another()).await;
    assert!(!holding.steward.is_with_another());
}

/// A table whose acknowledgements are lost, and which is not watched.
#[derive(Default)]
struct Unacknowledged(MemoryTable<Role>);

impl Table<Role> for Unacknowledged {
    fn get(&self, _key: &str) -> Option<Arc<Row<Role>>> {
        None
    }

    fn rows(&self) -> Vec<(String, Arc<Row<Role>>)> {
        vec![]
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.0.changes()
    }

    fn current_since(&self) -> Option<Instant> {
        self.0.current_since()
    }

    fn read(&self, key: &str) -> BoxFuture<'_, Result<Option<Arc<Row<Role>>>, ReadError>> {
        self.0.read(key)
    }

    fn put(
        &self,
        key: &str,
        value: Role,
        expect: Expect,
    ) -> BoxFuture<'_, Result<u64, WriteError>> {
        let put = self.0.put(key, value, expect);
        async {
            put.await?;
            pending().await
        }
        .boxed()
    }

    fn remove(&self, key: &str, expect: Expect) -> BoxFuture<'_, Result<(), WriteError>> {
        self.0.remove(key, expect)
    }
}

#[tokio::test]
async fn a_role_that_is_being_taken_is_given_back_by_one_who_resigns() {
    let (tasks, table) = (tasks(), Arc::new(Unacknowledged::default()));
    let (name, ask_load) = ("ada".parse().unwrap(), Arc::new(Load::default));
    let nodes = Arc::new(MemoryTable::default());
    let nodes = Nodes::start(&tasks, nodes, name, PATIENT, ask_load).await.unwrap();
    let steward = Steward::start(&tasks, table.clone(), nodes, PATIENT);
    until(&table.0, |table| table.get(KEY).is_some()).await;

    steward.resign();

    until(&table.0, |table| table.get(KEY).is_none()).await;
    assert!(!steward.is_held());
}

#[tokio::test]
async fn a_server_that_runs_alone_is_always_its_steward() {
    let steward = Steward::always();
    steward.resign();
    assert!(steward.is_held() && *steward.changes().borrow());
}
