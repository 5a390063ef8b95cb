//! An offer of a seat knows its end.

use tests::ServerProcess;
use tests::browser::Browser;

#[tokio::test]
async fn an_offer_of_a_seat_is_checked_before_it_is_repeated() {
    let mut server = ServerProcess::start(600).await;
    let browser = Browser::start().await;
    browser.open(&server.url("/")).await;
    browser.quick_play("Bea").await;
    browser.search_becomes("matched").await;
    browser.text_where("[data-testid=\"seat-left\"]", |text| text.contains("kept for 0:")).await;

    // It is offered again while it is kept, and no longer.
    browser.open(&server.url("/")).await;
    browser.search_becomes("matched").await;
    server.stop().await;
    server.restart().await;
    browser.open(&server.url("/")).await;

    browser.attribute_where("[data-testid=\"badge-rooms\"]", "data-state", |s| s == "live").await;
    browser.search_becomes("idle").await;
}
