//! The native client without its window, behind a link with delay, jitter, or a temporary limit.

use std::time::Duration;

use serde_json::Value;
use shared::api::{CreateRoom, MatchState};
use shared::sim::{BotStrength, Mode};
use tests::client::Client;
use tests::player::View;
use tests::proxy::Proxy;
use tests::{TestServer, eventually, wait};

fn number(status: &Value, name: &str) -> f64 {
    status[name].as_f64().unwrap_or(-1.0)
}

fn plays(status: &Value) -> bool {
    status["screen"] == "playing" && status["link"] == "open" && number(status, "tick") > 60.0
}

/// A room with bots, and a proxy in front of its server.
async fn far_room(server: &TestServer) -> (Proxy, String) {
    let bots = Some(BotStrength::Keen);
    let room = CreateRoom { mode: Mode::Brawl, private: true, bots };
    let room = server.guest("host").await.open_room(&room).await.summary.id;
    (Proxy::to(server).await, room.to_string())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_link_with_jitter_inputs_are_in_time_and_corrections_small() {
    let server = TestServer::start_with(|config| config.round_seconds = Some(20)).await;
    let (proxy, room) = far_room(&server).await;
    proxy.delay(Duration::from_millis(25), Duration::from_millis(20));
    let url = proxy.site().url("");
    let flags = ["--server", &url, "--name", "Far", "--autopilot", "--exit-after-round"];
    let mut client = Client::headless(&[&flags[..], &["--join", &room]].concat());

    let outcome = client.outcome().await;

    let prediction = &outcome["prediction"];
    assert!(number(prediction, "snapshots") > 300.0, "{outcome}");
    assert_eq!(number(&outcome, "diverged"), 0.0);
    let late = number(prediction, "late_inputs_percent");
    assert!((0.0..8.0).contains(&late), "{late} % of the inputs came late: {outcome}");
    let off = number(prediction, "correction_p99_radii");
    assert!((0.0..3.0).contains(&off), "off by {off} radii: {outcome}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn controls_recover_soon_after_a_slow_link() {
    let server = TestServer::start_with(|config| config.round_seconds = Some(120)).await;
    let (proxy, room) = far_room(&server).await;
    let url = proxy.site().url("");
    let flags = ["--server", &url, "--name", "Far", "--autopilot", "--join", &room];
    let mut client = Client::headless(&flags);
    client.status_where("a seat", plays).await;

    proxy.delay(Duration::from_millis(500), Duration::ZERO);
    client.status_where("a long lead", |status| number(status, "lead") > 40.0).await;
    proxy.delay(Duration::from_millis(10), Duration::ZERO);
    let near = |status: &Value| (0.0..16.0).contains(&number(status, "lead"));
    let back = client.status_where("a short lead", near);
    wait::within_time(Duration::from_secs(12), "a short lead", back).await;

    // No input is dropped for being too early any more.
    let (ahead, inputs) = ("pushback_inputs_ahead_total", "pushback_inputs_total");
    let mut before = (server.metric(ahead).await, server.metric(inputs).await);
    eventually(wait::DEADLINE, "a second of inputs in time", async || {
        let now = (server.metric(ahead).await, server.metric(inputs).await);
        if now.0 > before.0 {
            before = now;
        }
        (now.1 >= before.1 + 60.0).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closing_the_client_leaves_the_queue() {
    let server =
        TestServer::start_with(|config| config.bots_fill_after = Duration::from_secs(600)).await;
    let url = server.url("");
    let mut client = Client::headless(&["--server", &url, "--name", "Far", "--autopilot"]);
    client.status_where("the queue", |status| number(status, "in_queue") == 1.0).await;

    client.interrupt().await;

    let ada = server.guest("ada").await.join_queue(Mode::Brawl).await;
    assert!(matches!(ada.state, MatchState::Waiting { in_queue: 1, .. }), "{ada:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closing_the_client_keeps_the_seat_for_a_while() {
    let server = TestServer::start_with(|config| config.round_seconds = Some(120)).await;
    let ada = server.guest("ada").await;
    let room = ada.private_room(Mode::Brawl).await;
    let (url, code) = (server.url(""), room.to_string());
    let mut ada = ada.play(room).await;
    let flags = ["--server", &url, "--name", "Far", "--autopilot", "--join", &code];
    let mut client = Client::headless(&flags);
    client.status_where("a seat", plays).await;

    client.interrupt().await;

    let waits = |view: &View| {
        view.roster.entries.iter().any(|entry| entry.name.as_str() == "Far" && entry.reconnecting)
    };
    ada.until("the empty seat", waits).await;
}
