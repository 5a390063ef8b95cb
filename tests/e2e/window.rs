//! The native client in a real window, on a screen in memory.

use serde_json::Value;
use shared::protocol::chat::ChatChannel;
use shared::sim::Mode;
use tests::browser::Browser;
use tests::window::Window;
use tests::{ServerProcess, TestServer, within};

const SIZE: &str = "640x360";

fn number(status: &Value, name: &str) -> f64 {
    status[name].as_f64().unwrap_or(-1.0)
}

fn plays(status: &Value) -> bool {
    status["screen"] == "playing" && status["link"] == "open" && number(status, "tick") > 60.0
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_autopilot_finishes_a_round_and_its_result_is_on_the_lobbys_scoreboard() {
    let server = TestServer::start_with(|config| config.round_seconds = Some(25)).await;
    let url = server.url("");
    let mut window = Window::open(&[
        "--server",
        &url,
        "--name",
        "Pilot",
        "--autopilot",
        "--exit-after-round",
        "--window",
        SIZE,
    ]);

    let status = window.status_where("a round", plays).await;
    let outcome = window.outcome().await;

    assert_eq!((number(&status, "diverged"), number(&outcome, "diverged")), (0.0, 0.0));
    assert!(number(&status, "players") >= 2.0, "bots play along: {status}");
    let prediction = &outcome["prediction"];
    assert!(number(prediction, "snapshots") > 200.0, "{outcome}");
    // A software renderer and the server share two cores here, so the bounds are those of a playable game.
    let late = number(prediction, "late_inputs_percent");
    assert!((0.0..10.0).contains(&late), "{late} % of the inputs came late: {outcome}");
    let off = number(prediction, "correction_p99_radii");
    assert!((0.0..4.0).contains(&off), "off by {off} radii: {outcome}");
    let row = server.scoreboard().await.row_of("Pilot").cloned().expect("Pilot is on the board");
    assert_eq!((row.rounds, row.bot), (1, false));
    let browser = Browser::start().await;
    browser.open(&server.url("/")).await;
    let line = "[data-testid=\"score-row\"][data-player=\"Pilot\"]";
    let rating = f64::from(row.rating);
    browser.number_where(line, "data-rating", |shown| shown == rating).await;
}

#[tokio::test]
async fn the_client_plays_on_after_the_server_was_killed_and_restarted() {
    let mut server = ServerProcess::start(120).await;
    let url = server.url("");
    let mut window =
        Window::open(&["--server", &url, "--name", "Pilot", "--autopilot", "--window", SIZE]);
    window.status_where("a round", plays).await;

    server.kill();
    window.status_where("the loss", |status| !plays(status)).await;
    server.restart().await;

    window.status_where("another round", plays).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_typed_in_the_window_reaches_the_room() {
    let server = TestServer::start().await;
    let (url, ada) = (server.url(""), server.guest("ada").await);
    let room = ada.private_room(Mode::Brawl).await;
    let _seated = ada.play(room).await;
    let mut chat = ada.chat().await;
    chat.enter(room).await;
    let code = room.to_string();
    let mut window =
        Window::open(&["--server", &url, "--name", "Typist", "--join", &code, "--window", SIZE]);
    window.status_where("a seat", plays).await;

    window.focus();
    window.press("Return");
    window.status_where("the field", |status| status["writing"] == true).await;
    window.write("hello");
    window.press("Return");

    let line = within("the line", chat.next_line()).await;
    assert_eq!((line.name.as_str(), line.text.as_str()), ("Typist", "hello"));
    assert_eq!(line.channel, ChatChannel::Room { room });
}
