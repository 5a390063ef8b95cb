//! Nodes on three NATS servers, of which the one is killed that leads their table.

use std::time::{Duration, Instant};

use test_nats::Nats as Server;

use super::{TIMING, Timing, living, start_with, until_nodes};
use crate::cluster::testing::{PATIENCE, connect_to_all, open, tasks};

/// The nodes need not find the new leader at the same time.
const PATIENT: Timing = Timing { dead_after: Duration::from_secs(5), ..TIMING };

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_dead_because_one_of_three_nats_servers_is() {
    let mut servers = Server::start_cluster(3);
    let tasks = tasks();
    let mut nodes = Vec::new();
    for name in ["ada", "bob"] {
        let table = open(&tasks, &connect_to_all(&servers, name).await).await;
        nodes.push(start_with(&tasks, table, name, PATIENT).await.unwrap());
    }
    let (ada, bob) = (&nodes[0], &nodes[1]);
    until_nodes(ada, |ada| living(ada) == ["ada", "bob"] && ada.heard_since().is_some()).await;
    let is_anybody_dead = || ada.is_dead(bob.own()) || bob.is_dead(ada.own());

    let leader = Server::leader_of(&servers, "KV_pb1_test");
    servers[leader].kill();

    // Until both are acknowledged by another leader, for longer than a death takes.
    let killed = Instant::now();
    while killed.elapsed() < PATIENT.dead_after * 2
        || ada.heard_since().is_none_or(|since| since.elapsed() < PATIENT.dead_after)
        || bob.heard_since().is_none_or(|since| since.elapsed() < PATIENT.dead_after)
    {
        assert!(!is_anybody_dead() && killed.elapsed() < PATIENCE);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(!tasks.is_stopping());
}
