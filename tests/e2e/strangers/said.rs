//! What is said in the chat can be seen, has one measure, and a command is never said aloud.

use serde_json::Value;
use shared::protocol::chat::{ChatChannel, ChatRefusal, LINE_CHARS_MAX};
use tests::TestServer;
use tests::browser::Browser;
use tests::proxy::Proxy;

/// So slow that a WebSocket is open for a good while before the first message has come through it.
const SLOW_BYTES_PER_SECOND: u64 = 400;

#[tokio::test]
async fn a_line_that_shows_nothing_is_refused_as_empty() {
    let server = TestServer::start().await;
    let mut ada = server.guest("ada").await.chat().await;
    let mut bob = server.guest("bob").await.chat().await;

    for nothing in ["\u{200b}\u{200d}", "\u{3164}", "\u{2028}", "\u{feff} \u{2060}"] {
        assert_eq!(
            ada.say(ChatChannel::Lobby, nothing).await,
            Err(ChatRefusal::Empty),
            "{nothing:?}"
        );
    }
    ada.say(ChatChannel::Lobby, "one\u{2028}line \u{1f469}\u{200d}\u{1f680}").await.unwrap();
    assert_eq!(bob.next_line().await.text, "one line \u{1f469}\u{200d}\u{1f680}");
}

/// Puts a text into the chat's field as typing does. chromedriver types no characters outside of the basic plane.
async fn write(browser: &Browser, text: &str) {
    let script = format!(
        "(() => {{ const field = document.querySelector('[data-testid=\"chat-input\"]'); field.value = {}; \
         field.dispatchEvent(new Event('input', {{ bubbles: true }})); return field.value.length; }})()",
        Value::from(text)
    );
    browser.evaluate(&script).await;
}

#[tokio::test]
async fn field_counter_and_server_measure_a_line_alike_and_a_command_is_answered() {
    let server = TestServer::start().await;
    let mut bob = server.guest("bob").await.chat().await;
    let browser = Browser::start().await;
    browser.open(&server.url("/")).await;
    browser.text("[data-testid=\"chat-input\"] ~ button, [data-testid=\"chat-send\"]").await;

    // Two UTF-16 units each.
    let longest = "\u{1f9ca}".repeat(LINE_CHARS_MAX);
    write(&browser, &longest).await;
    browser.text_where(".say-line .num", |left| left == "0").await;
    browser.click("[data-testid=\"chat-send\"]").await;
    browser.give_name("Ada").await;
    assert_eq!(bob.next_line().await.text, longest);

    write(&browser, &format!("{longest}!")).await;
    browser.text_where(".say-line .num", |left| left == "\u{2212}1").await;
    browser.click("[data-testid=\"chat-send\"]").await;
    browser.text_where(".say [role=\"status\"]", |why| why.contains("too long")).await;

    write(&browser, "/ignroe Bob").await;
    browser.click("[data-testid=\"chat-send\"]").await;
    browser.text_where(".say [role=\"status\"]", |why| why.contains("no commands")).await;
    write(&browser, "hello").await;
    browser.click("[data-testid=\"chat-send\"]").await;
    assert_eq!(bob.next_line().await.text, "hello", "and nothing in between");
}

#[tokio::test]
async fn a_line_over_a_slow_connection_is_said_once() {
    let server = TestServer::start().await;
    let mut bob = server.guest("bob").await.chat().await;
    let proxy = Proxy::to(&server).await;
    let browser = Browser::start().await;
    browser.open(&proxy.site().url("/")).await;
    browser.say("once").await;

    // With the name the page signs in and opens the chat, while the line waits.
    proxy.limit(SLOW_BYTES_PER_SECOND);
    browser.give_name("Ada").await;
    assert_eq!(bob.next_line().await.text, "once");
    proxy.limit(0);
    browser.say("and another").await;

    assert_eq!(bob.next_line().await.text, "and another");
}
