//! A line that dies without a word is noticed within two heartbeats, on every transport.

use std::time::Duration;

use shared::feed::Heartbeat;
use shared::protocol::chat::ChatServerMessage;
use shared::sim::{BotStrength, Mode};
use tests::browser::Browser;
use tests::feed::EventStream;
use tests::proxy::Proxy;
use tests::{TestServer, within};

fn badge(part: &str) -> String {
    format!("[data-testid=\"badge-{part}\"]")
}

async fn all_badges(browser: &Browser, wanted: &str) {
    for part in ["scoreboard", "rooms", "live", "chat"] {
        browser.attribute_where(&badge(part), "data-state", |state| state == wanted).await;
    }
}

async fn server() -> TestServer {
    TestServer::start_with(|config| {
        config.round_seconds = Some(600);
        config.heartbeat = Duration::from_millis(1_000);
        config.ping = Duration::from_millis(1_000);
    })
    .await
}

#[tokio::test]
async fn a_line_that_dies_without_a_word_is_noticed_on_every_transport() {
    let server = server().await;
    let ada = server.guest("ada").await;
    let room = ada.bot_room(Mode::Brawl, BotStrength::Gentle).await;
    let mut ada = ada.play(room).await;
    ada.until("a round", |view| view.is_playing()).await;
    let proxy = Proxy::to(&server).await;
    let browser = Browser::start().await;
    browser.open(&proxy.site().url("/")).await;
    browser.say("before").await;
    browser.give_name("Bea").await;
    browser.text_where("[data-testid=\"chat-line\"]", |text| text.contains("before")).await;
    all_badges(&browser, "live").await;
    assert_eq!(browser.count(".old").await, 0);

    // Every socket stays open, and no byte comes through.
    proxy.hold(true);
    all_badges(&browser, "reconnecting").await;
    browser.text_where(".scores .old", |text| text.contains("last heard at")).await;
    ada.score_a_point().await;
    let mut chat = server.guest("cyd").await.chat().await;
    chat.say(shared::protocol::chat::ChatChannel::Lobby, "meanwhile").await.unwrap();

    proxy.hold(false);
    all_badges(&browser, "live").await;
    assert_eq!(browser.count(".old").await, 0);
    let row = "[data-testid=\"score-row\"][data-player=\"ada\"]";
    browser.number_where(row, "data-points", |points| points >= 1.0).await;
    browser.text_where("[data-testid=\"chat-line\"]", |text| text.contains("meanwhile")).await;
    assert_eq!(browser.count(row).await, 1, "no row is doubled");
    let every_line =
        "[...document.querySelectorAll('[data-testid=\"chat-line\"]')].map(line => line.innerText)";
    let lines = browser.evaluate(every_line).await;
    assert_eq!(lines.as_array().map(Vec::len), Some(2), "none is lost, none doubled: {lines}");
}

fn assert_says_the_time(beat: Heartbeat, every_ms: u32) {
    assert_eq!(beat.every_ms, every_ms);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    assert!(now.as_millis().abs_diff(beat.at_ms.into()) < 30_000, "{beat:?}");
}

#[tokio::test]
async fn heartbeats_are_events_that_a_page_can_see() {
    let server = server().await;
    let mut stream = EventStream::open(&server, "rooms", None).await.unwrap();
    let mut chat = server.guest("ada").await.chat().await;

    let beats = async {
        while stream.heartbeats < 2 {
            stream.any_envelope().await.unwrap();
        }
        loop {
            if let ChatServerMessage::Heartbeat(beat) = chat.any_message().await.unwrap() {
                return beat;
            }
        }
    };
    let beat = within("heartbeats", beats).await;

    assert_says_the_time(stream.heartbeat.unwrap(), 1_000);
    assert_says_the_time(beat, 1_000);
}
