//! One feed, five transports: the guarantees of each without faults.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::Value;
use shared::api::ProblemKind;
use shared::feed::{Cursor, EventsPage, KIND_RESET, KIND_SNAPSHOT, SnapshotPage};
use tests::feed::{self, EventStream, FeedReader as _, Transport};
use tests::{TestServer, within};

/// A server whose lab feed has frequent events.
async fn lively_server() -> TestServer {
    TestServer::start_with(|config| config.lab_interval = Duration::from_millis(20)).await
}

/// A server whose lab feed has no event after its first one.
async fn quiet_server() -> TestServer {
    let server =
        TestServer::start_with(|config| config.lab_interval = Duration::from_secs(3_600)).await;
    let mut first = server.subscribe("lab", Transport::Sse).await;
    while feed::next(&mut *first).await.id.sequence == 0 {}
    server
}

async fn lab_now(server: &TestServer) -> SnapshotPage<Value> {
    server.get("/api/feeds/lab").await.json()
}

#[tokio::test]
async fn every_transport_begins_with_a_snapshot_and_goes_on_without_a_gap() {
    let server = lively_server().await;
    for transport in Transport::ALL {
        let mut reader = server.subscribe("lab", transport).await;

        let mut last = feed::next(&mut *reader).await;

        assert_eq!(last.kind, KIND_SNAPSHOT, "{transport:?}");
        for _ in 0..5 {
            let next = feed::next(&mut *reader).await;
            assert_eq!(next.kind, "beat", "{transport:?}");
            assert_eq!(next.id.sequence, last.id.sequence + 1, "{transport:?}");
            assert_eq!(next.data["n"], next.id.sequence, "{transport:?}");
            last = next;
        }
    }
}

#[tokio::test]
async fn every_transport_resumes_after_a_cursor() {
    let server = lively_server().await;
    let mut seen = server.subscribe("lab", Transport::Sse).await;
    let cursor = feed::next(&mut *seen).await.id;
    for _ in 0..3 {
        feed::next(&mut *seen).await;
    }

    for transport in Transport::ALL {
        let mut reader = transport.open(&server, "lab", Some(cursor)).await.unwrap();
        let first = feed::next(&mut *reader).await;

        assert_eq!(first.kind, "beat", "{transport:?}");
        assert_eq!(first.id.sequence, cursor.sequence + 1, "{transport:?}");
    }
}

#[tokio::test]
async fn a_cursor_of_another_epoch_gets_a_reset() {
    let server = lively_server().await;
    let foreign = Cursor { epoch: 7, sequence: 1 };

    for transport in Transport::ALL {
        let mut reader = transport.open(&server, "lab", Some(foreign)).await.unwrap();
        let first = feed::next(&mut *reader).await;
        let second = feed::next(&mut *reader).await;

        assert_eq!(first.kind, KIND_RESET, "{transport:?}");
        assert_eq!(second.id.sequence, first.id.sequence + 1, "{transport:?}");
    }
}

#[tokio::test]
async fn a_cursor_from_the_future_is_gone() {
    let server = quiet_server().await;
    let now = lab_now(&server).await.cursor;
    let future = Cursor { sequence: now.sequence + 100, ..now };

    let answer = server.get(&feed::path("lab", Some(future))).await;

    answer.assert_refused(ProblemKind::CursorGone);
    assert_eq!(answer.json_of_any_status::<SnapshotPage<Value>>().cursor, now);
}

#[tokio::test]
async fn a_garbage_cursor_is_refused_or_reset_and_never_ignored() {
    let server = lively_server().await;

    for garbage in ["x", "1-", "-1", "zz-1", "1-2-3"] {
        let path = format!("/api/feeds/lab?after={garbage}");
        server.get(&path).await.assert_refused(ProblemKind::BadCursor);
        let lines = server.request(Method::GET, &path).header("accept", "application/x-ndjson");
        server.send(lines).await.assert_refused(ProblemKind::BadCursor);

        // A browser does not retry after a refusal.
        let opening = EventStream::open_after(&server, "/api/feeds/lab", Some(garbage));
        let mut stream = opening.await.unwrap();
        assert_eq!(feed::next(&mut stream).await.kind, KIND_RESET);
    }
}

#[tokio::test]
async fn last_event_id_takes_precedence_over_the_query() {
    let server = lively_server().await;
    let mut seen = server.subscribe("lab", Transport::Sse).await;
    let earlier = feed::next(&mut *seen).await.id;
    let later = feed::next(&mut *seen).await.id;

    let path = feed::path("lab", Some(earlier));
    let mut stream =
        EventStream::open_after(&server, &path, Some(&later.to_string())).await.unwrap();

    assert_eq!(feed::next(&mut stream).await.id.sequence, later.sequence + 1);
}

#[tokio::test]
async fn polling_without_a_change_gets_304() {
    let server = quiet_server().await;
    let first = server.get("/api/feeds/lab").await;
    let tag = first.header("etag").to_owned();

    let again = server.request(Method::GET, "/api/feeds/lab").header("if-none-match", &tag);
    let again = server.send(again).await;

    assert!(tag.starts_with('"') && tag.ends_with('"'), "{tag}");
    assert_eq!(again.status, 304);
    assert!(again.body.is_empty());
    assert_eq!(first.header("cache-control"), "no-store");
}

#[tokio::test]
async fn a_long_poll_ends_with_204_and_the_same_cursor() {
    let server = quiet_server().await;
    let now = lab_now(&server).await.cursor;
    let began = Instant::now();

    // The server raises a wait that is too short to its minimum.
    let answer = server.get(&format!("/api/feeds/lab?after={now}&wait=0")).await;

    assert_eq!(answer.status, 204);
    assert_eq!(answer.header("pushback-cursor"), now.to_string());
    assert!(began.elapsed() >= Duration::from_secs(1));
}

#[tokio::test]
async fn a_long_poll_answers_at_the_first_event() {
    let server =
        TestServer::start_with(|config| config.lab_interval = Duration::from_millis(700)).await;
    let mut seen = server.subscribe("lab", Transport::Sse).await;
    let now = feed::next(&mut *seen).await.id;

    let answer = server.get(&format!("/api/feeds/lab?after={now}&wait=25")).await;

    let page: EventsPage<Value> = answer.json();
    assert_eq!(page.events.len(), 1);
    assert_eq!(page.cursor, page.events[0].id);
    assert_eq!(answer.header("pushback-cursor"), page.cursor.to_string());
}

#[tokio::test]
async fn a_waiter_that_goes_away_is_forgotten_within_a_second() {
    let server = quiet_server().await;
    let now = lab_now(&server).await.cursor;
    let path = format!("/api/feeds/lab?after={now}&wait=55");
    let waiting = tokio::spawn(server.request(Method::GET, &path).send());
    server.metric_becomes("pushback_long_poll_waiters", |count| count >= 1.0).await;

    waiting.abort();
    let began = Instant::now();

    server.metric_becomes("pushback_long_poll_waiters", |count| count < 1.0).await;
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_quiet_stream_sends_heartbeats() {
    let server = TestServer::start_with(|config| {
        config.lab_interval = Duration::from_secs(3_600);
        config.heartbeat = Duration::from_millis(100);
    })
    .await;
    let mut stream = EventStream::open(&server, "lab", None).await.unwrap();

    let beats = async {
        while stream.heartbeats < 3 {
            stream.any_envelope().await.unwrap();
        }
    };
    within("three heartbeats", beats).await;

    let mut again = EventStream::open(&server, "lab", None).await.unwrap();
    within("a snapshot", again.next()).await.unwrap();
    assert!(again.retry_ms.is_some(), "the stream says how long to wait before coming back");
}

#[tokio::test]
async fn the_accept_header_chooses_the_transport() {
    let server = lively_server().await;
    let accepting =
        |types: &str| server.request(Method::GET, "/api/feeds/lab").header("accept", types);

    let json = server.send(accepting("text/html, application/json;q=0.9")).await;
    let anything = server.send(accepting("*/*")).await;
    let nothing = server.send(accepting("image/png")).await;

    assert_eq!(json.header("content-type"), "application/json");
    assert_eq!(anything.header("content-type"), "application/json");
    assert!(json.header("vary").contains("Accept"));
    nothing.assert_refused(ProblemKind::NotAcceptable);
    server.get("/api/feeds/weather").await.assert_refused(ProblemKind::NotFound);
}
