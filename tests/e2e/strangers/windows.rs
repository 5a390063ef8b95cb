//! One person in several windows: what one of them does, the others know, and they never fight.

use std::time::Duration;

use shared::api::{MatchState, ProblemKind};
use shared::protocol::chat::ChatChannel;
use shared::sim::Mode;
use tests::TestServer;
use tests::browser::Browser;
use tests::guest::match_path;

/// Presses an element that only shows under the pointer, or that another one may cover.
async fn press(browser: &Browser, css: &str) {
    browser.scroll_to(css).await;
    browser.evaluate(&format!("document.querySelector('{css}').click()")).await;
}

/// Signs in as a new guest by saying something.
async fn say_hello(browser: &Browser, name: &str) {
    browser.say("hello").await;
    browser.give_name(name).await;
    browser.text_where("[data-testid=\"chat-line\"]", |line| line.contains("hello")).await;
}

#[tokio::test]
async fn mutes_of_two_windows_are_both_kept_and_a_new_player_is_known_in_both() {
    let server = TestServer::start().await;
    let (ada, bob) = (server.guest("ada").await, server.guest("bob").await);
    for guest in [&ada, &bob] {
        guest.chat().await.say(ChatChannel::Lobby, "noise").await.unwrap();
    }
    let browser = Browser::start().await;
    browser.open(&server.url("/")).await;
    browser.open_tab(&server.url("/")).await;
    say_hello(&browser, "Eve").await;
    // The first window learns who its visitor is, and opens the chat as that player.
    browser.choose_tab(0).await;
    browser.text_where("[data-testid=\"chat-line\"]", |line| line.contains("hello")).await;

    press(&browser, "[aria-label=\"Mute ada\"]").await;
    browser.choose_tab(1).await;
    browser.text_where(".muted summary", |count| count == "1 muted").await;
    press(&browser, "[aria-label=\"Mute bob\"]").await;

    browser.text_where(".muted summary", |count| count == "2 muted").await;
    browser.choose_tab(0).await;
    browser.text_where(".muted summary", |count| count == "2 muted").await;
    let stored = browser.evaluate("localStorage.getItem('pushback.muted')").await;
    let stored = stored.as_str().unwrap();
    assert!(stored.contains(&ada.id().to_string()) && stored.contains(&bob.id().to_string()));
}

#[tokio::test]
async fn a_search_that_was_ended_elsewhere_says_so_and_does_not_begin_again() {
    let server =
        TestServer::start_with(|config| config.bots_fill_after = Duration::from_secs(600)).await;
    let ada = server.guest("ada").await;
    let duel = ada.join_queue(Mode::Duel).await;
    let brawl = ada.join_queue(Mode::Brawl).await;

    let path = match_path(&duel.ticket, duel.version, 20);
    let ended = ada.ask(reqwest::Method::GET, &path).await.assert_refused(ProblemKind::Gone);

    assert!(ended.detail.contains("another search"), "{}", ended.detail);
    // The same search in another window is the same ticket.
    let same = ada.join_queue(Mode::Brawl).await;
    assert_eq!(same.ticket, brawl.ticket);
    assert!(matches!(same.state, MatchState::Waiting { .. }));
}

#[tokio::test]
async fn two_windows_that_search_for_different_modes_do_not_end_each_other_for_ever() {
    let server =
        TestServer::start_with(|config| config.bots_fill_after = Duration::from_secs(600)).await;
    let browser = Browser::start().await;
    browser.open(&server.url("/")).await;
    say_hello(&browser, "Eve").await;
    press(&browser, "[data-testid=\"mode\"] input[value=\"Duel\"]").await;
    press(&browser, "[data-testid=\"quick-play\"]").await;
    browser.text_where("[data-testid=\"match-status\"]", |text| !text.is_empty()).await;

    browser.open_tab(&server.url("/")).await;
    press(&browser, "[data-testid=\"mode\"] input[value=\"Brawl\"]").await;
    press(&browser, "[data-testid=\"quick-play\"]").await;
    browser.text_where("[data-testid=\"match-status\"]", |text| !text.is_empty()).await;

    browser.choose_tab(0).await;
    let told = |text: &str| text.contains("another search");
    browser.text_where("body", told).await;
    browser.choose_tab(1).await;
    let second = browser.evaluate("document.body.innerText").await;
    assert!(!told(second.as_str().unwrap()), "{second}");
}

#[tokio::test]
async fn signing_out_in_one_window_signs_out_the_other() {
    let server = TestServer::start().await;
    let browser = Browser::start().await;
    browser.open(&server.url("/")).await;
    say_hello(&browser, "Eve").await;

    browser
        .evaluate("fetch('/api/session', { method: 'DELETE' }).then(answer => answer.status)")
        .await;

    browser.text_where(".say [role=\"status\"]", |text| text.contains("signed out")).await;
    let nobody = "fetch('/api/session').then(answer => answer.status)";
    assert_eq!(browser.evaluate(nobody).await, 401, "the page makes no new guest by itself");
}
