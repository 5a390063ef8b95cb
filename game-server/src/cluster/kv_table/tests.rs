//! Tables on a real NATS server.

mod replicas;

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use test_nats::Nats as Server;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::KvTable;
use super::bucket::Bucket;
use crate::cluster::nats::{Nats, REQUEST_WITHIN};
use crate::cluster::table::{Expect, Table, WriteError};
use crate::cluster::testing::{PATIENCE, connect, open, tasks, until};
use crate::sync::lock;
use crate::tasks::Tasks;

struct Node {
    table: Arc<KvTable<u32>>,
    nats: Nats,
    tasks: Tasks,
}

async fn node(server: &Server, name: &str) -> Node {
    let (tasks, nats) = (tasks(), connect(server, name).await);
    Node { table: open(&tasks, &nats).await, nats, tasks }
}

fn values(table: &dyn Table<u32>) -> Vec<(String, u32)> {
    table.rows().into_iter().map(|(key, row)| (key, row.value)).collect()
}

fn is_conflict<T>(written: Result<T, WriteError>) -> bool {
    matches!(written, Err(WriteError::Conflict))
}

/// Writes until it succeeds.
async fn insist(table: &KvTable<u32>, key: &str, value: u32) -> u64 {
    let began = Instant::now();
    loop {
        match table.put(key, value, Expect::Anything).await {
            Ok(revision) => return revision,
            Err(error) => assert!(began.elapsed() < PATIENCE, "{error:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_of_many_increments_counts_once() {
    const WRITERS: u32 = 4;
    const EACH: u32 = 25;
    let server = Server::start();
    let nodes = [node(&server, "a").await, node(&server, "b").await];
    nodes[0].table.put("sum", 0, Expect::Absent).await.unwrap();
    until(&*nodes[1].table, |table| table.get("sum").is_some()).await;

    let increment = async |table: Arc<KvTable<u32>>| {
        let mut conflicts = 0;
        for _ in 0..EACH {
            let mut row = table.get("sum").unwrap();
            while is_conflict(table.put("sum", row.value + 1, Expect::Revision(row.revision)).await)
            {
                conflicts += 1;
                row = table.read("sum").await.unwrap().unwrap();
            }
        }
        conflicts
    };
    let writers = (0..WRITERS).map(|n| increment(nodes[n as usize % 2].table.clone()));
    let conflicts: u32 = futures_util::future::join_all(writers).await.iter().sum();

    assert!(conflicts > 0, "nobody met anybody");
    for node in &nodes {
        until(&*node.table, |table| table.get("sum").unwrap().value == WRITERS * EACH).await;
    }
}

#[tokio::test]
async fn a_node_sees_what_others_write_and_its_own_at_once() {
    let server = Server::start();
    let (ada, bob) = (node(&server, "a").await.table, node(&server, "b").await.table);

    let first = ada.put("a", 1, Expect::Absent).await.unwrap();
    assert_eq!(values(&*ada), [("a".to_owned(), 1)]);
    until(&*bob, |bob| values(bob) == [("a".to_owned(), 1)]).await;
    assert_eq!(bob.get("a").unwrap().revision, first);
    let second = bob.put("a", 2, Expect::Revision(first)).await.unwrap();
    assert!(is_conflict(ada.put("a", 3, Expect::Revision(first)).await));
    assert!(is_conflict(ada.put("a", 3, Expect::Absent).await));
    assert!(is_conflict(ada.remove("a", Expect::Revision(first)).await));
    assert!(is_conflict(ada.remove("a", Expect::Absent).await));
    assert_eq!(ada.read("a").await.unwrap(), bob.get("a"));

    ada.remove("a", Expect::Revision(second)).await.unwrap();
    assert_eq!((values(&*ada), ada.read("a").await.unwrap()), (vec![], None));
    until(&*bob, |bob| values(bob).is_empty()).await;
    assert!(is_conflict(bob.put("a", 3, Expect::Revision(second)).await));
    ada.remove("a", Expect::Absent).await.unwrap();
}

#[tokio::test]
async fn a_row_that_was_removed_can_be_made_again() {
    let server = Server::start();
    let Node { table, nats, .. } = node(&server, "a").await;
    let bucket = Bucket::new(nats, "test");
    for round in 1..=3 {
        let revision = table.put("a", round, Expect::Absent).await.unwrap();
        assert!(is_conflict(table.put("a", 9, Expect::Absent).await));
        table.remove("a", Expect::Revision(revision)).await.unwrap();
    }
    let mark = bucket.entry("a").await.unwrap().unwrap();
    assert_eq!(mark.value, None);

    // What deletes marks does not delete a row.
    table.put("a", 4, Expect::Absent).await.unwrap();
    bucket.forget("a", mark.revision).await.unwrap();
    assert_eq!(table.read("a").await.unwrap().unwrap().value, 4);
    table.remove("a", Expect::Anything).await.unwrap();
    let mark = bucket.entry("a").await.unwrap().unwrap();
    bucket.forget("a", mark.revision).await.unwrap();
    assert_eq!(bucket.newest().await.unwrap(), None);
    table.put("a", 5, Expect::Absent).await.unwrap();
    let other = node(&server, "b").await.table;
    assert_eq!(values(&*other), [("a".to_owned(), 5)]);
}

/// A node that starts while others write must not read everything twice.
#[tokio::test(flavor = "multi_thread")]
async fn each_entry_comes_once_and_in_order_while_rows_are_written() {
    const STARTS: usize = 100;
    let server = Server::start();
    let Node { table, nats, .. } = node(&server, "a").await;
    let mut writers = JoinSet::new();
    for key in ["a", "b", "c"] {
        let table = table.clone();
        writers.spawn(async move {
            for value in 0.. {
                table.put(key, value, Expect::Anything).await.unwrap();
            }
        });
    }
    until(&*table, |table| table.rows().len() == 3).await;

    let bucket = Bucket::new(nats, "test");
    for start in 0..STARTS {
        let mut entries = bucket.entries().await.unwrap();
        let mut seen = 0;
        for _ in 0..9 {
            let entry = timeout(PATIENCE, entries.next()).await.unwrap().unwrap().unwrap();
            assert!(entry.revision > seen, "start {start}: {seen}, then {}", entry.revision);
            seen = entry.revision;
        }
    }
}

#[tokio::test]
async fn every_mark_of_a_removed_row_is_deleted_some_time() {
    const ROWS: usize = 200;
    let server = Server::start();
    let table = node(&server, "a").await.table;
    for n in 0..ROWS {
        let key = n.to_string();
        table.put(&key, 0, Expect::Absent).await.unwrap();
        table.remove(&key, Expect::Anything).await.unwrap();
    }
    let later = Instant::now() + Duration::from_secs(3_600);
    assert_eq!(lock(&table.shared.marks).take_due(later, usize::MAX).len(), ROWS);
}

/// A node cannot know which changes it missed between two connections. Here only the connection fails.
#[tokio::test]
async fn everything_is_read_again_over_a_new_connection() {
    let server = Server::start();
    let ada = node(&server, "a").await;
    ada.table.put("kept", 1, Expect::Absent).await.unwrap();
    let mut current = ada.table.shared.current.subscribe();
    let before = *current.borrow_and_update();

    ada.nats.client().force_reconnect().await.unwrap();

    let again = current.wait_for(|since| *since > before);
    timeout(PATIENCE, again).await.expect("it is read again").unwrap();
    assert_eq!(values(&*ada.table), [("kept".to_owned(), 1)]);
}

#[tokio::test]
async fn a_row_of_a_newer_build_is_absent() {
    let server = Server::start();
    let Node { table, nats, .. } = node(&server, "a").await;
    let words: Arc<KvTable<String>> = open(&tasks(), &nats).await;
    table.put("a", 1, Expect::Absent).await.unwrap();
    table.put("b", 2, Expect::Absent).await.unwrap();

    words.put("a", "new".to_owned(), Expect::Anything).await.unwrap();

    until(&*table, |table| values(table) == [("b".to_owned(), 2)]).await;
    assert!(table.read("a").await.is_err());
    let third = node(&server, "c").await.table;
    assert_eq!(values(&*third), [("b".to_owned(), 2)]);
}

#[tokio::test]
async fn reads_go_on_while_nats_is_away_and_it_is_followed_again_afterwards() {
    let mut server = Server::start();
    let (ada, bob) = (node(&server, "a").await, node(&server, "b").await);
    let kept = ada.table.put("kept", 1, Expect::Absent).await.unwrap();
    until(&*bob.table, |bob| bob.get("kept").is_some()).await;

    server.kill();
    let began = Instant::now();
    let refused = ada.table.put("kept", 2, Expect::Revision(kept)).await;
    assert!(matches!(refused, Err(WriteError::Away(_))), "{refused:?}");
    assert!(ada.table.read("kept").await.is_err());
    assert!(began.elapsed() < REQUEST_WITHIN * 3, "{:?}", began.elapsed());
    let mut current = ada.table.shared.current.subscribe();
    timeout(PATIENCE, current.wait_for(Option::is_none)).await.unwrap().unwrap();
    assert_eq!(values(&*bob.table), [("kept".to_owned(), 1)]);
    assert_eq!(values(&*ada.table), [("kept".to_owned(), 1)]);
    let refused = ada.table.put("kept", 3, Expect::Anything).await;
    assert!(matches!(refused, Err(WriteError::Away(_))), "{refused:?}");

    server.restart();
    timeout(PATIENCE, current.wait_for(Option::is_some)).await.unwrap().unwrap();
    assert_eq!(values(&*ada.table), [("kept".to_owned(), 1)]);
    // It was not written late.
    assert_eq!(ada.table.read("kept").await.unwrap().unwrap().revision, kept);
    let revision = insist(&bob.table, "new", 7).await;
    until(&*ada.table, |ada| ada.get("new").is_some_and(|row| row.revision == revision)).await;
    bob.table.remove("new", Expect::Revision(revision)).await.unwrap();
    until(&*ada.table, |ada| ada.get("new").is_none()).await;
}

#[tokio::test]
async fn what_an_emptied_nats_does_not_have_any_more_vanishes() {
    let mut server = Server::start();
    let (ada, bob) = (node(&server, "a").await, node(&server, "b").await);
    for n in 0..5 {
        ada.table.put("old", n, Expect::Anything).await.unwrap();
    }
    until(&*bob.table, |bob| bob.get("old").is_some()).await;

    server.restart_empty();
    until(&*ada.table, |ada| values(ada).is_empty()).await;
    until(&*bob.table, |bob| values(bob).is_empty()).await;

    let revision = insist(&ada.table, "new", 1).await;
    assert!(revision < 5, "revisions begin again");
    assert_eq!(values(&*ada.table), [("new".to_owned(), 1)]);
    until(&*bob.table, |bob| values(bob) == [("new".to_owned(), 1)]).await;
}

/// The connection stays, so that nothing but the check can notice it.
#[tokio::test]
async fn a_bucket_that_was_deleted_is_made_again() {
    let server = Server::start();
    let ada = node(&server, "a").await;
    ada.table.put("old", 1, Expect::Absent).await.unwrap();

    ada.nats.jetstream().delete_stream("KV_pb1_test").await.unwrap();
    until(&*ada.table, |ada| values(ada).is_empty()).await;

    insist(&ada.table, "new", 2).await;
    assert_eq!(ada.table.read("new").await.unwrap(), ada.table.get("new"));
}

#[tokio::test]
async fn the_watcher_ends_with_the_server() {
    let server = Server::start();
    let ada = node(&server, "a").await;
    ada.tasks.stop();
    let began = Instant::now();
    ada.tasks.finish().await;
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    assert_eq!(ada.tasks.outcome(), Ok(()));
}
