//! The keys of a replay count by their place, and one that comes too early is kept.

use crate::slow_replay::{CANVAS, SlowReplay};

fn press(code: &str, key: &str) -> String {
    format!(
        "window.dispatchEvent(new KeyboardEvent('keydown', {{ code: '{code}', key: '{key}', bubbles: true }}))"
    )
}

#[tokio::test]
async fn keys_of_a_replay_count_by_their_place_even_while_it_loads() {
    let SlowReplay { replay, browser, proxy, .. } = &SlowReplay::open(12).await;

    // The digit 9 on a French keyboard writes ç.
    browser.evaluate(&press("Digit9", "ç")).await;
    proxy.limit(0);

    let nine_tenths = f64::from(replay.ticks) * 0.9;
    browser.number_where(CANVAS, "data-tick", |tick| tick >= nine_tenths - 1.0).await;
    // The place of K, with a Cyrillic layout: it plays again, and pauses.
    browser.evaluate(&press("Digit1", "!")).await;
    browser.number_where(CANVAS, "data-tick", |tick| tick < nine_tenths).await;
    browser.evaluate(&press("KeyK", "л")).await;
    browser.attribute_where(CANVAS, "data-playing", |playing| playing == "false").await;
}
