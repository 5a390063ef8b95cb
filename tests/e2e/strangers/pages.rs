//! Pages that stand still, say where one is, and are sent once.

use http::header::{CONTENT_ENCODING, ETAG};
use reqwest::Method;
use shared::sim::{BotStrength, Mode};
use tests::TestServer;
use tests::browser::Browser;

/// The sum of all layout shifts of the page so far.
const LAYOUT_SHIFT: &str = "(() => { \
    const shifts = []; \
    const observer = new PerformanceObserver(() => {}); \
    observer.observe({ type: 'layout-shift', buffered: true }); \
    for (const entry of observer.takeRecords()) if (!entry.hadRecentInput) shifts.push(entry.value); \
    return shifts.reduce((sum, value) => sum + value, 0); })()";

async fn server_with_a_replay() -> (TestServer, shared::id::ReplayId) {
    let server = TestServer::start().await;
    let ada = server.guest("ada").await;
    let room = ada.bot_room(Mode::Brawl, BotStrength::Fierce).await;
    let mut ada = ada.play(room).await;
    let view = ada.until("a summary", |view| !view.summaries.is_empty()).await;
    let replay = server.finished_replay(view.summaries[0].replay).await;
    (server, replay.id)
}

#[tokio::test]
async fn every_page_has_a_title_takes_the_focus_and_stands_still() {
    let (server, replay) = server_with_a_replay().await;
    let ada = server.guest("ada").await;
    let room = ada.bot_room(Mode::Brawl, BotStrength::Gentle).await;
    let _ada = ada.play(room).await;
    let browser = Browser::start().await;
    browser.open(&server.url("/")).await;
    browser.click(".top a[href=\"/replays\"]").await;
    browser.attribute_where("[data-testid=\"replay-row\"]", "data-replay", |_| true).await;
    assert_eq!(browser.evaluate("document.title").await, "Replays · Pushback");
    assert_eq!(browser.evaluate("document.activeElement.id").await, "main");

    let pages = [
        ("/replays".to_owned(), "[data-testid=\"replay-row\"]", "Replays · Pushback"),
        (format!("/replays/{replay}"), ".result li", "Brawl replay · Pushback"),
        (format!("/rooms/{room}/watch"), ".roster li", "Brawl, live · room "),
    ];
    for (path, arrived, title) in pages {
        browser.open(&server.url(&path)).await;
        browser.text(arrived).await;
        let shown = browser.evaluate("document.title").await;
        assert!(shown.as_str().unwrap().starts_with(title), "{path}: {shown}");
        let shift = browser.evaluate(LAYOUT_SHIFT).await.as_f64().unwrap();
        assert!(shift < 0.1, "{path}: {shift}");
    }
}

#[tokio::test]
async fn the_list_of_replays_is_compressed_and_sent_once() {
    let (server, _) = server_with_a_replay().await;
    let list = || server.request(Method::GET, "/api/replays").header("accept-encoding", "gzip");
    let first = server.send(list()).await;
    let tag = first.headers[ETAG].to_str().unwrap();

    let again = server.send(list().header("if-none-match", tag)).await;
    let same = server.send(list().header("if-match", tag)).await;
    let other = server.send(list().header("if-match", "\"another\"")).await;

    assert_eq!(first.headers[CONTENT_ENCODING], "gzip");
    assert_eq!((again.status.as_u16(), again.body.len()), (304, 0));
    assert_eq!((same.status.as_u16(), other.status.as_u16()), (200, 412));
}
