//! Links that leave the page carry the address at which others reach the server.

use shared::sim::Mode;
use tests::TestServer;
use tests::browser::Browser;

const LINK: &str = "document.querySelector('[aria-label=\"Link for friends\"]')?.value ?? ''";

async fn link_of(browser: &Browser, wanted: &str) {
    tests::eventually(tests::browser::PAGE_DEADLINE, "the link", async || {
        let link = browser.evaluate(LINK).await;
        link.as_str().is_some_and(|link| link.starts_with(wanted)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn copied_links_carry_the_public_address_or_say_that_they_are_local() {
    let public = "http://play.example.org";
    for named in [true, false] {
        let server = TestServer::start_with(|config| {
            config.public_url = named.then(|| format!("{public}/"));
        })
        .await;
        let room = server.guest("ada").await.public_room(Mode::Duel).await;
        let browser = Browser::start().await;

        browser.open(&server.url(&format!("/r/{room}"))).await;

        if named {
            link_of(&browser, &format!("{public}/r/{room}")).await;
            assert_eq!(browser.count("[data-testid=\"loopback-hint\"]").await, 0);
        } else {
            link_of(&browser, &server.url("/r/")).await;
            let hint = "[data-testid=\"loopback-hint\"]";
            browser.text_where(hint, |text| text.contains("this machine only")).await;
        }
    }
}
