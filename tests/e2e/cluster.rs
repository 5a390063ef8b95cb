//! Many nodes of one lobby: that they come up behind the balancer, who answers which path, and what ends a start.

mod chat;
mod engines;
mod feeds;
mod late;
mod matchmaking;
mod replicas;
mod restarts;
mod results;
mod rolling;
mod rooms;
mod salvage;
mod seen;
mod silence;

use std::fs;
use std::time::{Duration, Instant};

use reqwest::Method;
use test_nats::Nats;
use tests::bucket::TestBucket;
use tests::server::refused_start;
use tests::{ServerProcess, Site, TestCluster, eventually, wait};

const PLAIN: &str = r#"exec "$0" "$@""#;
/// A start that waits for an engine takes a minute.
const AT_ONCE: Duration = Duration::from_secs(20);

#[tokio::test]
async fn three_nodes_come_up_and_each_knows_who_signed_in_through_the_balancer() {
    let cluster = TestCluster::start(3).await;
    for node in cluster.nodes() {
        assert!(node.is_ready().await, "{}", node.address());
    }

    let ada = cluster.balancer().guest("ada").await;

    for node in cluster.nodes() {
        let known = ada.at(node).ask(Method::GET, "/api/session").await;
        assert_eq!(known.status, 200, "{}: {}", node.address(), known.text());
    }
}

/// The status of an answer through the balancer.
async fn status(lobby: &Site, path: &str) -> u16 {
    lobby.get(path).await.status.as_u16()
}

#[tokio::test]
async fn the_balancer_sends_a_path_of_a_node_to_that_node_alone() {
    let mut cluster = TestCluster::start(3).await;
    for name in ["a", "b", "c"] {
        cluster.balancer_reaches(name, true).await;
    }
    for path in ["/@d/healthz", "/@A/healthz", "/@/healthz"] {
        assert_eq!(status(cluster.balancer(), path).await, 404, "{path}");
    }
    for path in ["/metrics", "/@a/metrics"] {
        assert_eq!(status(cluster.balancer(), path).await, 403, "{path}");
    }

    cluster.kill("b");

    // From the first request on, although the balancer has not noticed yet.
    assert_eq!(status(cluster.balancer(), "/@b/healthz").await, 503);
    for _ in 0..6 {
        assert_eq!(status(cluster.balancer(), "/api/rooms").await, 200);
    }
    cluster.balancer_reaches("b", false).await;
    cluster.balancer_reaches("a", true).await;

    cluster.restart("b").await;
    cluster.balancer_reaches("b", true).await;
    cluster.kill("a");
    cluster.kill("c");
    cluster.balancer_reaches("c", false).await;
    assert_eq!(status(cluster.balancer(), "/api/rooms").await, 200);
    assert_eq!(status(cluster.balancer(), "/@a/api/rooms").await, 503);
}

#[tokio::test]
async fn nats_can_be_held_before_one_node_alone() {
    let cluster = TestCluster::start(2).await;
    let is_connected = async |name| {
        let metrics = cluster.node(name).get("/metrics").await;
        metrics.text().contains("pushback_engine_connected{engine=\"nats\"} 1\n")
    };
    assert!(is_connected("a").await && is_connected("b").await);

    cluster.nats_of("a").hold(true);

    eventually(wait::DEADLINE, "a node that misses NATS", async || {
        (!is_connected("a").await).then_some(())
    })
    .await;
    assert!(is_connected("b").await);
    assert!(cluster.node("a").is_ready().await, "people can play");
}

#[tokio::test]
async fn a_node_that_lacks_what_the_others_share_does_not_start_and_names_it() {
    let bucket = TestBucket::start().await;
    let blobs = format!("--blobs={}", bucket.url(bucket.site()));
    let database = "--database-url=postgres://127.0.0.1:1/none";
    let nats = "--nats=nats://127.0.0.1:1";
    for (flags, lacks) in [
        (vec![nats], vec!["--database-url", "--blobs", "--node"]),
        (vec![nats, database, "--node=a"], vec!["--blobs"]),
        (vec![nats, database, &blobs], vec!["--node"]),
        (vec![nats, "--database-url=sqlite://x", &blobs, "--node=a"], vec!["--database-url"]),
    ] {
        let refused = refused_start(PLAIN, &flags).await;

        assert_eq!(refused.code, Some(1), "{}", refused.log);
        for flag in ["--database-url", "--blobs", "--node"] {
            assert_eq!(
                refused.log.contains(flag),
                lacks.contains(&flag),
                "{flag}: {}",
                refused.log
            );
        }
        assert!(!refused.has_data, "nothing was opened");
    }
}

#[tokio::test]
async fn credentials_that_nats_refuses_end_the_start_at_once_and_no_log_shows_them() {
    let nats = Nats::start_with("authorization { user: ada, password: \"the-right-one\" }\n");
    let bucket = TestBucket::start().await;
    let wrong = bucket.credentials().with_file_name("nats");
    fs::write(&wrong, "NATS_USER=ada\nNATS_PASSWORD=the-wrong-one\n").unwrap();
    let right = bucket.credentials().with_file_name("right");
    fs::write(&right, "NATS_USER=ada\nNATS_PASSWORD=the-right-one\n").unwrap();
    let unreadable = bucket.credentials().with_file_name("nowhere");
    let database = format!("--database-url={}", test_postgres::empty_database());
    let blobs = format!("--blobs={}", bucket.url(bucket.site()));
    let blobs_credentials = format!("--blobs-credentials={}", bucket.credentials().display());
    let nats = format!("--nats={}", nats.url());
    for credentials in [Some(&wrong), Some(&unreadable), None] {
        let credentials = credentials.map(|file| format!("--nats-credentials={}", file.display()));
        let mut flags = vec!["--node=a", &database, &blobs, &blobs_credentials, &nats];
        flags.extend(credentials.as_deref());
        let began = Instant::now();

        let refused = refused_start(PLAIN, &flags).await;

        assert_eq!(refused.code, Some(1), "{}", refused.log);
        assert!(began.elapsed() < AT_ONCE, "{:?}", began.elapsed());
        assert!(refused.log.contains("connecting to NATS"), "{}", refused.log);
        assert!(!refused.log.contains("the-wrong-one"), "{}", refused.log);
    }

    let right = format!("--nats-credentials={}", right.display());
    let flags = ["--node=a", &database, &blobs, &blobs_credentials, &nats, &right];
    assert!(ServerProcess::start_with(&flags).await.is_ready().await);
}
