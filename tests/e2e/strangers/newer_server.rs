//! A page that is older than its server leaves out what it does not know, and offers a reload.

use shared::sim::{BotStrength, Mode};
use tests::TestServer;
use tests::browser::Browser;
use tests::proxy::Proxy;

/// Writes another word of the same length into a piece. Returns whether it was there.
fn replace(piece: &mut [u8], word: &[u8], other: &[u8]) -> bool {
    let place = piece.windows(word.len()).position(|part| part == word);
    if let Some(place) = place {
        piece[place..place + word.len()].copy_from_slice(other);
    }
    place.is_some()
}

#[tokio::test]
async fn a_room_of_an_unknown_mode_empties_no_list() {
    let server = TestServer::start_with(|config| config.round_seconds = Some(600)).await;
    let ada = server.guest("ada").await;
    let strange = ada.bot_room(Mode::Duel, BotStrength::Gentle).await;
    let known = ada.bot_room(Mode::Brawl, BotStrength::Gentle).await;
    let proxy = Proxy::to(&server).await;
    proxy.alter(|piece| replace(piece, b"\"mode\":\"duel\"", b"\"mode\":\"curl\""));
    let browser = Browser::start().await;

    browser.open(&proxy.site().url("/")).await;

    let row = |room| format!("[data-testid=\"room-row\"][data-room=\"{room}\"]");
    browser.attribute_where(&row(known), "data-players", |_| true).await;
    assert_eq!(browser.count(&row(strange)).await, 0);
    browser.click("[data-testid=\"reload\"]").await;
    browser.attribute_where(&row(strange), "data-players", |_| true).await;
    assert_eq!(browser.count("[data-testid=\"reload\"]").await, 0);
}
