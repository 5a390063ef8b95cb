//! Several visible windows of one browser share their streams.

use shared::sim::{BotStrength, Mode};
use tests::TestServer;
use tests::browser::Browser;

const WINDOWS: usize = 4;

#[tokio::test]
async fn many_windows_of_one_browser_share_their_streams() {
    let server = TestServer::start_with(|config| config.round_seconds = Some(600)).await;
    let ada = server.guest("ada").await;
    let room = ada.bot_room(Mode::Brawl, BotStrength::Gentle).await;
    let mut ada = ada.play(room).await;
    ada.until("a round", |view| view.is_playing()).await;
    let browser = Browser::start().await;
    browser.open(&server.url("/")).await;
    let state = "data-state";
    for window in 0..WINDOWS {
        if window > 0 {
            browser.open_window(&server.url("/")).await;
        }
        for part in ["scoreboard", "rooms", "live"] {
            let badge = format!("[data-testid=\"badge-{part}\"]");
            browser.attribute_where(&badge, state, |state| state == "live").await;
        }
    }
    server.metric_becomes("pushback_sse_streams", |count| count <= 2.0).await;
    server.metric_becomes("pushback_live_streams", |count| count <= 1.0).await;

    // The last window has connections to spare: its search is answered.
    browser.quick_play("Bea").await;
    browser.search_becomes("matched").await;

    // The window that read the streams for all closes, and another one goes on.
    browser.choose_tab(0).await;
    browser.close_window().await;
    ada.score_a_point().await;
    for window in 0..WINDOWS - 1 {
        browser.choose_tab(window).await;
        let row = "[data-testid=\"score-row\"][data-player=\"ada\"]";
        browser.number_where(row, "data-points", |points| points >= 1.0).await;
        let tick =
            browser.number_where("[data-testid=\"live-canvas\"]", "data-tick", |_| true).await;
        let moves = |later| later > tick + 30.0;
        browser.number_where("[data-testid=\"live-canvas\"]", "data-tick", moves).await;
    }
}

/// Sends the events that the browser sends when the visitor leaves the page and returns to it with Back.
const BACK_AND_FORTH: &str = "['pagehide', 'pageshow'].forEach(event => \
    dispatchEvent(new PageTransitionEvent(event, { persisted: true })))";

#[tokio::test]
async fn a_page_from_the_back_forward_cache_shows_the_next_round() {
    let server = TestServer::start_with(|config| config.round_seconds = Some(4)).await;
    let ada = server.guest("ada").await;
    let room = ada.bot_room(Mode::Brawl, BotStrength::Gentle).await;
    let _ada = ada.play(room).await;
    let browser = Browser::start().await;
    browser.open(&server.url("/")).await;
    let canvas = "[data-testid=\"live-canvas\"]";
    browser.number_where(canvas, "data-tick", |tick| tick > 0.0).await;

    browser.evaluate(BACK_AND_FORTH).await;

    let tick = browser.number_where(canvas, "data-tick", |tick| tick > 120.0).await;
    browser.number_where(canvas, "data-tick", |later| later < tick).await;
}
