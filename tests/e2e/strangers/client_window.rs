//! The native client's window where things are tight: small windows, large text, busy keys, nobody who looks.

use serde_json::Value;
use tests::TestServer;
use tests::client::Home;
use tests::window::Window;

fn number(status: &Value, name: &str) -> f64 {
    status[name].as_f64().unwrap_or(-1.0)
}

fn plays(status: &Value) -> bool {
    status["screen"] == "playing" && status["link"] == "open" && number(status, "tick") > 60.0
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_keys_of_the_game_never_press_a_button_of_the_summary() {
    let server = TestServer::start_with(|config| config.round_seconds = Some(10)).await;
    let (home, url) = (Home::new(), server.url(""));
    // The largest text in a small window: a panel that does not fit would panic.
    home.write("default.json", r#"{"name":"Ada","ui_scale":1.5}"#);
    let flags = ["--server", &url, "--practice", "gentle", "--window", "640x480"];
    let mut window = Window::open_at(&home, &flags);
    window.status_where("a round", plays).await;
    window.focus();
    window.status_where("a result", |status| status["result"] == true).await;

    for key in ["Tab", "space", "Tab", "space", "Return", "Escape", "Escape"] {
        window.press(key);
    }

    // The field of the chat was open for a moment, and the room is still there.
    let round = |status: &Value| status["result"] == false && status["round"].as_f64() > Some(1.0);
    let status = window.status_where("another round", round).await;
    assert_eq!(status["screen"], "playing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_menu_in_which_nothing_happens_draws_few_frames() {
    let server = TestServer::start().await;
    let (home, url) = (Home::new(), server.url(""));
    home.write("default.json", r#"{"name":"Ada","ui_scale":1.5}"#);
    let mut window = Window::open_at(&home, &["--server", &url, "--window", "640x480"]);

    let few = |status: &Value| (0.1..8.0).contains(&number(status, "frames_per_second"));
    window.status_where("few frames", |status| !status["player"].is_null() && few(status)).await;
}
