//! Cuts at any moment: no event is lost or doubled, and a bad connection has no effect on others.

use std::time::Duration;

use shared::feed::{Cursor, KIND_SNAPSHOT};
use shared::sim::rng::Rng;
use tests::feed::{self, EventStream, FeedReader as _, Transport};
use tests::proxy::Proxy;
use tests::wait::within_time;
use tests::{Site, TestServer, raw, within};
use tokio::io::AsyncWriteExt as _;
use tokio::task::JoinSet;

/// Readers that reconnect again and again: twenty for each transport.
const READERS: u64 = 100;
/// Number of events that each reader must receive.
const EVENTS: u64 = 1_500;

async fn fast_server() -> TestServer {
    // A thousand events a second.
    TestServer::start_with(|config| config.lab_interval = Duration::from_millis(1)).await
}

/// Reads, and cuts its own connection repeatedly. Panics at the first gap or doubled event.
async fn read_with_cuts(site: Site, transport: Transport, seed: u64) -> u32 {
    let mut chance = Rng(seed);
    let mut cursor: Option<Cursor> = None;
    let (mut seen, mut cuts) = (0, 0);
    while seen < EVENTS {
        let mut reader = transport.open(&site, "lab", cursor).await.expect("the server is there");
        for _ in 0..1 + chance.below(400) {
            let envelope = feed::next(&mut *reader).await;
            match cursor {
                None => assert_eq!(envelope.kind, KIND_SNAPSHOT),
                Some(last) => {
                    assert_eq!(envelope.kind, "beat", "{transport:?}, seed {seed}");
                    assert_eq!(envelope.id.epoch, last.epoch);
                    let step = envelope.id.sequence - last.sequence;
                    assert_eq!(step, 1, "{transport:?}, seed {seed}, after {last}");
                    assert_eq!(envelope.data["n"], envelope.id.sequence);
                    seen += 1;
                }
            }
            cursor = Some(envelope.id);
        }
        cuts += 1;
    }
    cuts
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_transport_resumes_without_gap_or_double_at_a_thousand_events_a_second() {
    let server = fast_server().await;
    let mut readers = JoinSet::new();

    for seed in 0..READERS {
        let transport = Transport::ALL[(seed % 5) as usize];
        readers.spawn(read_with_cuts((*server).clone(), transport, seed));
    }
    let cuts = within_time(Duration::from_secs(240), "all events", readers.join_all()).await;

    assert_eq!(cuts.len() as u64, READERS);
    assert!(cuts.iter().sum::<u32>() >= READERS as u32 * 3);
}

#[tokio::test]
async fn a_long_poll_whose_answer_was_lost_gets_the_same_events_again() {
    let server =
        TestServer::start_with(|config| config.lab_interval = Duration::from_millis(50)).await;
    let mut first = server.subscribe("lab", Transport::LongPoll).await;
    let cursor = feed::next(&mut *first).await.id;
    let path = format!("{}&wait=25", feed::path("lab", Some(cursor)));

    // The answer begins, and the connection is cut after its head.
    let mut line = raw::connect(server.address()).await;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {}\r\n\r\n", server.address());
    line.write_all(request.as_bytes()).await.unwrap();
    let (status, ..) = within("a head", raw::read_head(&mut line)).await.unwrap();
    drop(line);

    assert_eq!(status, 200);
    let mut again = Transport::LongPoll.open(&server, "lab", Some(cursor)).await.unwrap();
    for step in 1..=5 {
        assert_eq!(feed::next(&mut *again).await.id.sequence, cursor.sequence + step);
    }
}

#[tokio::test]
async fn every_transport_survives_a_cut_line() {
    let server =
        TestServer::start_with(|config| config.lab_interval = Duration::from_millis(30)).await;
    let proxy = Proxy::to(&server).await;
    for transport in Transport::ALL {
        let mut reader = proxy.site().subscribe("lab", transport).await;
        let mut last = feed::next(&mut *reader).await.id;

        proxy.cut();
        // Events in flight may still arrive. Then the reader notices the cut.
        let mut received = Vec::new();
        while let Some(envelope) = feed::ready(&mut *reader) {
            received.push(envelope.id);
        }
        let after = received.last().copied().unwrap_or(last);
        let mut reader = transport.open(proxy.site(), "lab", Some(after)).await.unwrap();
        while received.len() < 6 {
            received.push(feed::next(&mut *reader).await.id);
        }

        for id in received {
            assert_eq!(id.sequence, last.sequence + 1, "{transport:?}");
            last = id;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stalled_reader_is_disconnected_without_effect_on_others() {
    let server = TestServer::start_with(|config| {
        config.lab_interval = Duration::from_millis(1);
        config.write_stall_max = Duration::from_millis(500);
    })
    .await;
    let cut_before = server.metric("pushback_slow_clients_cut_total").await;
    let mut attentive = EventStream::open(&server, "lab", None).await.unwrap();
    let mut last = within("a snapshot", attentive.next()).await.unwrap().id;

    let mut lazy = raw::connect_narrow(server.address()).await;
    let request = format!(
        "GET /api/feeds/lab HTTP/1.1\r\nHost: {}\r\nAccept: text/event-stream\r\n\r\n",
        server.address()
    );
    lazy.write_all(request.as_bytes()).await.unwrap();
    within("a head", raw::read_head(&mut lazy)).await.unwrap();
    server.metric_becomes("pushback_sse_streams", |streams| streams >= 2.0).await;

    let cut = server.metric_becomes("pushback_slow_clients_cut_total", |cut| cut > cut_before);
    let reads = async {
        loop {
            let next = within("an event", attentive.next()).await.unwrap();
            assert_eq!(next.kind, "beat");
            assert_eq!(next.id.sequence, last.sequence + 1);
            last = next.id;
        }
    };
    tokio::select! {
        _ = cut => {}
        () = reads => {}
    }
    server.metric_becomes("pushback_sse_streams", |streams| streams < 2.0).await;
    assert_eq!(within("an event", attentive.next()).await.unwrap().kind, "beat");
}
