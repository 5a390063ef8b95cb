//! No picture of time depends on the visitor's clock.

use std::time::{SystemTime, UNIX_EPOCH};

use shared::sim::{BotStrength, Mode};
use tests::browser::Browser;
use tests::{Site, TestServer};

/// A wall clock that is wrong by `window.wrong` milliseconds, which a story may change.
const WRONG_CLOCK: &str = "window.wrong = 3 * 3600 * 1000; \
    { const RealDate = Date; \
      window.Date = class extends RealDate { \
        constructor(...given) { if (given.length) super(...given); else super(RealDate.now() + window.wrong); } \
        static now() { return RealDate.now() + window.wrong; } }; }";

/// Seconds that are left of a room's round, by the clock of this machine, which the server shares.
async fn seconds_left(site: &Site, room: shared::id::RoomId) -> f64 {
    let now_ms = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64() * 1_000.0;
    let ends_at_ms = site.room(room).await.summary.ends_at_ms.unwrap();
    (ends_at_ms as f64 - now_ms) / 1_000.0
}

fn seconds_of(clock: &str) -> Option<f64> {
    let (minutes, seconds) = clock.trim().split_once(':')?;
    Some(minutes.parse::<f64>().ok()? * 60.0 + seconds.parse::<f64>().ok()?)
}

#[tokio::test]
async fn a_visitors_clock_changes_no_picture_of_time() {
    let server = TestServer::start_with(|config| config.round_seconds = Some(600)).await;
    let ada = server.guest("ada").await;
    let room = ada.bot_room(Mode::Brawl, BotStrength::Keen).await;
    let other = ada.bot_room(Mode::Duel, BotStrength::Keen).await;
    let mut ada = ada.play(room).await;
    ada.until("a round", |view| view.is_playing()).await;
    let bob = server.guest("bob").await;
    let mut bob = bob.play(other).await;
    bob.until("a round", |view| view.is_playing()).await;
    let browser = Browser::start().await;
    browser.before_pages(WRONG_CLOCK).await;

    browser.open(&server.url("/")).await;

    for wrong in [10_800_000, -86_400_000, 0] {
        browser.evaluate(&format!("window.wrong = {wrong}")).await;
        for room in [room, other] {
            let clock = format!("[data-room=\"{room}\"] .phase");
            let left = seconds_left(&server, room).await;
            browser
                .text_where(&clock, |text| {
                    seconds_of(text).is_some_and(|shown| (shown - left).abs() < 15.0)
                })
                .await;
        }
    }
}
