//! The lobby in a real browser.
//!
//! Pages show their state in `data-` attributes. A story waits for those and never for a fixed time.

use std::time::Duration;

use shared::api::RoomPhase;
use shared::protocol::chat::ChatChannel;
use shared::sim::determinism::{fold, match_checksum};
use shared::sim::{BotStrength, Mode};
use tests::browser::Browser;
use tests::{Player, ServerProcess, Site, TestServer};

use crate::slow_replay::{CANVAS, SlowReplay};

/// Length of a round that does not end during a story, in seconds.
const LONG_ROUND_SECONDS: u32 = 600;

async fn server() -> TestServer {
    let server =
        TestServer::start_with(|config| config.round_seconds = Some(LONG_ROUND_SECONDS)).await;
    assert_has_lobby(&server).await;
    server
}

async fn assert_has_lobby(site: &Site) {
    let page = site.get("/").await;
    assert!(
        page.text().contains("wasm"),
        "built without its lobby: `cargo xtask test` builds both"
    );
}

fn by_id(name: &str) -> String {
    format!("[data-testid=\"{name}\"]")
}

fn score_row(player: &str) -> String {
    format!("[data-testid=\"score-row\"][data-player=\"{player}\"]")
}

async fn duel(site: &Site) -> (Player, Player) {
    let (ada, bob) = (site.guest("ada").await, site.guest("bob").await);
    let room = ada.public_room(Mode::Duel).await;
    let (mut ada, bob) = (ada.play(room).await, bob.play(room).await);
    ada.until("a round of two", |view| view.roster.entries.len() == 2 && view.is_playing()).await;
    (ada, bob)
}

#[tokio::test]
async fn the_scoreboard_moves_when_a_point_is_made() {
    let server = server().await;
    let browser = Browser::start().await;
    browser.open(&server.url("/")).await;
    browser.attribute_where(&by_id("badge-scoreboard"), "data-state", |s| s == "live").await;
    assert_eq!(browser.count(&score_row("ada")).await, 0);

    let (mut ada, _bob) = duel(&server).await;
    ada.score_a_point().await;

    browser.number_where(&score_row("ada"), "data-points", |points| points >= 1.0).await;
    browser.number_where(&score_row("bob"), "data-points", |points| points <= 0.0).await;
}

#[tokio::test]
async fn quick_play_asks_for_a_name_and_finds_a_seat() {
    let server = server().await;
    let browser = Browser::start().await;
    browser.open(&server.url("/")).await;

    browser.quick_play("Browser Ada").await;

    let status = by_id("match-status");
    browser.search_becomes("matched").await;
    let room = browser.attribute_where(&status, "data-room", |room| !room.is_empty()).await;
    let room = server.room(room.parse().unwrap()).await;
    assert_eq!(room.summary.mode, Mode::Brawl);
}

#[tokio::test]
async fn a_live_room_is_watched_as_it_plays() {
    let server = server().await;
    let ada = server.guest("ada").await;
    let room = ada.bot_room(Mode::Brawl, BotStrength::Keen).await;
    let _ada = ada.play(room).await;
    let browser = Browser::start().await;

    browser.open(&server.url(&format!("/rooms/{room}/watch"))).await;

    let canvas = by_id("live-canvas");
    browser.attribute_where(&canvas, "data-state", |state| state == "live").await;
    let tick = browser.number_where(&canvas, "data-tick", |tick| tick > 0.0).await;
    browser.number_where(&canvas, "data-tick", |later| later > tick + 60.0).await;
    assert_eq!(server.room(room).await.summary.phase, RoomPhase::Playing);
}

#[tokio::test]
async fn rooms_in_the_list_move_while_they_are_in_view() {
    let server = server().await;
    let ada = server.guest("ada").await;
    let room = ada.bot_room(Mode::Brawl, BotStrength::Keen).await;
    let _ada = ada.play(room).await;
    let browser = Browser::start().await;
    let row = format!("[data-testid=\"room-row\"][data-room=\"{room}\"]");
    let thumbnail = format!("{row} {}", by_id("thumb-canvas"));

    browser.open(&server.url("/")).await;
    browser.scroll_to(&row).await;

    let tick = browser.number_where(&thumbnail, "data-tick", |tick| tick > 0.0).await;
    browser.number_where(&thumbnail, "data-tick", |later| later > tick + 120.0).await;
}

#[tokio::test]
async fn a_replay_plays_before_its_download_has_ended() {
    let SlowReplay { replay, browser, proxy, .. } = &SlowReplay::open(20).await;

    browser.number_where(CANVAS, "data-tick", |tick| tick > 60.0).await;
    let state = "(() => { const d = document.querySelector('[data-testid=\"replay-canvas\"]').dataset; \
                 return [+d.tick, +d.availableTicks, d.complete, d.playing]; })()";
    let seen = browser.evaluate(state).await;
    assert_eq!((seen[2].as_str(), seen[3].as_str()), (Some("false"), Some("true")), "{seen}");
    assert!(seen[1].as_f64().unwrap() < f64::from(replay.ticks), "{seen}");

    proxy.limit(0);
    browser.attribute_where(CANVAS, "data-complete", |complete| complete == "true").await;
    let all = f64::from(replay.ticks);
    browser.number_where(CANVAS, "data-available-ticks", |ticks| ticks >= all).await;
}

#[tokio::test]
async fn the_page_shows_that_the_server_is_away_and_recovers_by_itself() {
    let mut server = ServerProcess::start(LONG_ROUND_SECONDS).await;
    assert_has_lobby(&server).await;
    let browser = Browser::start().await;
    browser.open(&server.url("/")).await;
    let badge = by_id("badge-scoreboard");
    browser.attribute_where(&badge, "data-state", |state| state == "live").await;

    server.stop().await;
    browser.attribute_where(&badge, "data-state", |state| state == "reconnecting").await;
    browser.text_where(&badge, |text| text.contains("reconnecting")).await;
    server.restart().await;

    browser.attribute_where(&badge, "data-state", |state| state == "live").await;
    browser.attribute_where(&by_id("badge-rooms"), "data-state", |state| state == "live").await;
    let (mut ada, _bob) = duel(&server).await;
    ada.score_a_point().await;
    browser.number_where(&score_row("ada"), "data-points", |points| points >= 1.0).await;
}

#[tokio::test]
async fn a_browser_and_another_client_chat_with_each_other() {
    let server = server().await;
    let mut chat = server.guest("ada").await.chat().await;
    let browser = Browser::start().await;
    browser.open(&server.url("/")).await;

    // The page asks for a name before the first line.
    browser.say("hello everybody").await;
    browser.give_name("Bea").await;
    let line = chat.next_line().await;
    assert_eq!((line.name.as_str(), line.text.as_str()), ("Bea", "hello everybody"));
    chat.say(ChatChannel::Lobby, "hello Bea").await.unwrap();
    browser.text_where(&by_id("chat-line"), |text| text.contains("hello Bea")).await;
}

#[tokio::test]
async fn a_seventh_tab_works_like_the_first() {
    // A browser opens at most six connections to a server, and each page keeps several open.
    let server = server().await;
    let browser = Browser::start().await;
    browser.open(&server.url("/")).await;
    for _ in 0..6 {
        browser.open_tab(&server.url("/")).await;
        browser.attribute_where(&by_id("badge-scoreboard"), "data-state", |s| s == "live").await;
    }

    let (mut ada, _bob) = duel(&server).await;
    ada.score_a_point().await;

    browser.number_where(&score_row("ada"), "data-points", |points| points >= 1.0).await;
}

#[tokio::test]
async fn a_thousand_matches_end_the_same_in_the_browser_and_natively() {
    let server = server().await;
    let browser = Browser::start().await;
    browser.open(&server.url("/determinism?matches=1000")).await;

    let native = tokio::task::spawn_blocking(|| (0..1_000).map(match_checksum).fold(0, fold));
    let native = format!("{:#018x}", native.await.unwrap());

    // A thousand matches take long on a busy machine.
    let done = tests::eventually(Duration::from_secs(300), "the digest", async || {
        let done = browser.evaluate("document.querySelector('#digest')?.dataset.done").await;
        (done == "true").then_some(())
    });
    done.await;
    assert_eq!(browser.text("#digest").await, native);
}
