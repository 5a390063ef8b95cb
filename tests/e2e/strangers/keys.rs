//! The keys of a replay count by their place, and one that comes too early is kept.

use shared::sim::{BotStrength, Mode};
use tests::TestServer;
use tests::browser::Browser;
use tests::player::Behaviour;
use tests::proxy::Proxy;

fn press(code: &str, key: &str) -> String {
    format!(
        "window.dispatchEvent(new KeyboardEvent('keydown', {{ code: '{code}', key: '{key}', bubbles: true }}))"
    )
}

#[tokio::test]
async fn keys_of_a_replay_count_by_their_place_even_while_it_loads() {
    let server = TestServer::start_with(|config| config.round_seconds = Some(12)).await;
    let ada = server.guest("ada").await;
    let room = ada.bot_room(Mode::Brawl, BotStrength::Fierce).await;
    let mut ada = ada.play(room).await;
    ada.set_behaviour(Behaviour::Fight).await;
    let view = ada.until("a summary", |view| !view.summaries.is_empty()).await;
    let replay = server.finished_replay(view.summaries[0].replay).await;
    let proxy = Proxy::to(&server).await;
    let browser = Browser::start().await;
    browser.open(&proxy.site().url("/replays")).await;
    let link = format!("[data-testid=\"replay-row\"] a[href*=\"{}\"]", replay.id);
    browser.attribute_where(&link, "href", |href| !href.is_empty()).await;
    proxy.limit(replay.bytes / 12);
    browser.click(&link).await;
    let canvas = "[data-testid=\"replay-canvas\"]";
    browser.attribute_where(canvas, "class", |_| true).await;

    // The digit 9 on a French keyboard writes ç.
    browser.evaluate(&press("Digit9", "ç")).await;
    proxy.limit(0);

    let nine_tenths = f64::from(replay.ticks) * 0.9;
    browser.number_where(canvas, "data-tick", |tick| tick >= nine_tenths - 1.0).await;
    // The place of K, with a Cyrillic layout: it plays again, and pauses.
    browser.evaluate(&press("Digit1", "!")).await;
    browser.number_where(canvas, "data-tick", |tick| tick < nine_tenths).await;
    browser.evaluate(&press("KeyK", "л")).await;
    browser.attribute_where(canvas, "data-playing", |playing| playing == "false").await;
}
