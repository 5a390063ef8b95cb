//! A table on three NATS servers, of which one after the other is killed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::join_all;
use test_nats::Nats as Server;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::cluster::kv_table::KvTable;
use crate::cluster::table::{Expect, Table as _, WriteError};
use crate::cluster::testing::{PATIENCE, connect_to_all, open, tasks, until};

const WRITERS: usize = 3;
/// Increments of each writer after every change of the servers.
const EACH: u32 = 10;
const SUM: &str = "sum";

/// How often each writer has incremented the row.
type Counts = [u32; WRITERS];

/// Increments its own count in the one row until it shall end. Tells how often it was acknowledged, and panics when that is
/// not what the row says.
async fn write(
    own: usize,
    table: Arc<KvTable<Counts>>,
    acknowledged: watch::Sender<u32>,
    is_over: Arc<AtomicBool>,
) {
    // A write without an acknowledgement may have succeeded.
    let mut is_in_doubt = false;
    while !is_over.load(Ordering::Relaxed) || is_in_doubt {
        // Without an answer, what is known here will do: if it is old, the write is refused.
        let read = table.read(SUM).await.unwrap_or_else(|_| table.get(SUM));
        let row = read.expect("the row is never removed");
        let mut counts = row.value;
        counts[own] += 1;
        match table.put(SUM, counts, Expect::Revision(row.revision)).await {
            // The row was the newest one: it has what this writer has done so far, and nothing else.
            Ok(_) => {
                let before = *acknowledged.borrow();
                let had = row.value[own];
                let is_right = had == before || (is_in_doubt && had == before + 1);
                assert!(is_right, "writer {own} had {before}, and the row had {had}");
                is_in_doubt = false;
                acknowledged.send_replace(counts[own]);
            }
            Err(WriteError::Conflict) => {}
            Err(WriteError::Away(_)) => is_in_doubt = true,
        }
    }
}

/// Waits until each writer has incremented so often again.
async fn go_on(writers: &[watch::Receiver<u32>], what: &str) {
    let each = writers.iter().map(|acknowledged| {
        let mut acknowledged = acknowledged.clone();
        async move {
            let wanted = *acknowledged.borrow() + EACH;
            acknowledged.wait_for(|count| *count >= wanted).await.map(drop).unwrap();
        }
    });
    let all = timeout(PATIENCE, join_all(each)).await;
    all.unwrap_or_else(|_| panic!("the writers do not go on: {what}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_increment_is_lost_while_each_of_three_nats_servers_is_killed() {
    let mut servers = Server::start_cluster(3);
    let (tasks, is_over) = (tasks(), Arc::new(AtomicBool::new(false)));
    let (mut tables, mut counts, mut writers) = (Vec::new(), Vec::new(), JoinSet::new());
    for own in 0..WRITERS {
        let nats = connect_to_all(&servers, &format!("n{own}")).await;
        let table: Arc<KvTable<Counts>> = open(&tasks, &nats).await;
        if own == 0 {
            let stream = nats.jetstream().get_stream("KV_pb1_test").await.unwrap();
            assert_eq!(stream.cached_info().config.num_replicas, 3);
            table.put(SUM, Counts::default(), Expect::Absent).await.unwrap();
        }
        until(&*table, |table| table.get(SUM).is_some()).await;
        let (sender, count) = watch::channel(0);
        writers.spawn(write(own, table.clone(), sender, is_over.clone()));
        tables.push(table);
        counts.push(count);
    }

    for (number, server) in servers.iter_mut().enumerate() {
        server.kill();
        go_on(&counts, &format!("server {number} is dead")).await;
        server.restart();
        go_on(&counts, &format!("server {number} is back")).await;
    }
    is_over.store(true, Ordering::Relaxed);
    timeout(PATIENCE, writers.join_all()).await.expect("the writers end");

    let acknowledged: Vec<u32> = counts.iter().map(|count| *count.borrow()).collect();
    for table in &tables {
        until(&**table, |table| table.get(SUM).unwrap().value[..] == acknowledged[..]).await;
    }
}
