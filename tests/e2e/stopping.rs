//! A graceful stop: all clients are notified and disconnected within five seconds.

use std::time::Duration;

use reqwest::Method;
use serde_json::Value;
use shared::feed::SnapshotPage;
use shared::protocol::close;
use tests::feed::{EventStream, FeedReader, FeedSocket, Transport};
use tests::{TestServer, within};

/// The server's limit, and a margin for a busy machine.
const STOP_WITHIN: Duration = Duration::from_millis(5_500);

async fn drain(reader: &mut dyn FeedReader) {
    while within("the end", reader.next()).await.is_ok() {}
}

#[tokio::test]
async fn a_stopping_server_notifies_all_clients_and_ends_in_time() {
    let mut server =
        TestServer::start_with(|config| config.lab_interval = Duration::from_secs(3_600)).await;
    let ada = server.guest("ada").await;
    let mut chat = ada.chat().await;
    let mut events = EventStream::open(&server, "lab", None).await.unwrap();
    let mut lines = server.subscribe("lab", Transport::Ndjson).await;
    let mut socket = FeedSocket::open(&server, "lab", None).await.unwrap();
    // The lab feed's first event comes at once. The story begins after it.
    server.metric_becomes("pushback_ndjson_streams", |streams| streams >= 1.0).await;
    let now: SnapshotPage<Value> = server.get("/api/feeds/scoreboard").await.json();
    let path = format!("/api/feeds/scoreboard?after={}&wait=55", now.cursor);
    let waiting = tokio::spawn(server.request(Method::GET, &path).send());
    server.metric_becomes("pushback_long_poll_waiters", |count| count >= 1.0).await;

    server.begin_stop();
    let (chat_end, .., waited) = tokio::join!(
        chat.closed(),
        drain(&mut events),
        drain(&mut *lines),
        drain(&mut socket),
        within("the answer", waiting)
    );

    assert_eq!(chat_end.code, Some(close::RESTART));
    assert_eq!(socket.closed.and_then(|closed| closed.code), Some(close::RESTART));
    assert_eq!(waited.unwrap().unwrap().status(), 204);
    let took = server.stop().await;
    assert!(took < STOP_WITHIN, "{took:?}");
    assert!(
        reqwest::get(server.url("/readyz")).await.is_err(),
        "the server does not listen any more"
    );
}
