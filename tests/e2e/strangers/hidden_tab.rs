//! A match that is found while nobody looks: the title says so, and a notification where the visitor allows one.

use std::time::Duration;

use shared::sim::Mode;
use tests::browser::Browser;
use tests::{TestServer, eventually, wait};

/// Keeps what the page notifies of, and shows it as well.
const KEEP_NOTICES: &str = "window.notices = []; \
    window.Notification = class extends Notification { \
      constructor(what, options) { super(what, options); window.notices.push(what); } };";

#[tokio::test]
async fn a_match_that_is_found_calls_a_hidden_tab_back() {
    let server =
        TestServer::start_with(|config| config.bots_fill_after = Duration::from_secs(600)).await;
    let browser = Browser::start().await;
    browser.allow_notifications(&server.url("")).await;
    browser.before_pages(KEEP_NOTICES).await;
    browser.open(&server.url("/")).await;
    browser.click("[data-testid=\"mode\"] input[value=\"Duel\"]").await;
    browser.quick_play("Bea").await;
    browser.search_becomes("waiting").await;

    browser.minimise().await;
    eventually(wait::DEADLINE, "a hidden page", async || {
        (browser.evaluate("document.hidden").await == true).then_some(())
    })
    .await;
    let ada = server.guest("ada").await;
    ada.join_queue(Mode::Duel).await;

    browser.search_becomes("matched").await;
    browser.title_where(|title| title.starts_with("● ") && title.ends_with("Pushback")).await;
    let notices = browser.evaluate("window.notices.length").await;
    assert_eq!(notices.as_f64(), Some(1.0));

    browser.restore().await;
    browser.title_where(|title| !title.contains('●')).await;
}
