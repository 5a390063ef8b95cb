//! A browser that keeps no cookies signs in once, and is told why that does not help.

use tests::TestServer;
use tests::browser::Browser;

const COUNT_SIGN_INS: &str = "window.signIns = 0; \
    { const send = window.fetch; \
      window.fetch = (request, options) => { \
        const path = new URL(request.url ?? request, location).pathname; \
        if (path === '/api/session' && request.method === 'POST') window.signIns += 1; \
        return send(request, options); }; }";

#[tokio::test]
async fn a_browser_that_keeps_no_cookies_is_told_so_after_one_sign_in() {
    let server = TestServer::start().await;
    let browser = Browser::start_without_cookies().await;
    browser.before_pages(COUNT_SIGN_INS).await;
    browser.open(&server.url("/")).await;

    browser.quick_play("Bea").await;

    browser.text_where("#name-help", |text| text.contains("did not keep the cookie")).await;
    let sign_ins = browser.evaluate("window.signIns").await;
    assert_eq!(sign_ins.as_f64(), Some(1.0));
}
