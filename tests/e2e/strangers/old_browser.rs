//! A browser that lacks what newer ones have: the lobby works without it, or says that the browser is too old.

use shared::sim::{BotStrength, Mode};
use tests::TestServer;
use tests::browser::Browser;

#[tokio::test]
async fn a_browser_without_abort_signal_timeout_signs_in_and_plays() {
    let server = TestServer::start().await;
    let browser = Browser::start().await;
    browser.before_pages("delete AbortSignal.timeout; delete AbortSignal.any;").await;
    browser.open(&server.url("/")).await;

    browser.quick_play("Bea").await;

    browser.search_becomes("matched").await;
}

#[tokio::test]
async fn a_browser_that_reads_no_streams_is_told_so_where_a_match_would_be() {
    let server = TestServer::start_with(|config| config.round_seconds = Some(600)).await;
    let room = server.guest("ada").await.bot_room(Mode::Brawl, BotStrength::Gentle).await;
    let browser = Browser::start().await;
    browser.before_pages("delete window.ReadableStreamDefaultReader;").await;

    browser.open(&server.url(&format!("/rooms/{room}/watch"))).await;

    browser.text_where("main", |text| text.contains("This browser is too old for this")).await;
    browser.open(&server.url("/")).await;
    let badge = "[data-testid=\"badge-rooms\"]";
    browser.attribute_where(badge, "data-state", |state| state == "live").await;
}
