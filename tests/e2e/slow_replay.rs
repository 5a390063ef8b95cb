//! A replay whose page has loaded and whose download is slow.

use shared::api::ReplaySummary;
use shared::sim::{BotStrength, Mode};
use tests::TestServer;
use tests::browser::Browser;
use tests::player::Behaviour;
use tests::proxy::Proxy;

/// The picture of the replay on its page.
pub(crate) const CANVAS: &str = "[data-testid=\"replay-canvas\"]";

/// A browser on the page of a replay.
pub(crate) struct SlowReplay {
    pub(crate) replay: ReplaySummary,
    pub(crate) browser: Browser,
    /// Sets the speed of the download.
    pub(crate) proxy: Proxy,
    _server: TestServer,
}

impl SlowReplay {
    /// Records a round of twelve seconds and opens its replay, whose download takes this many seconds.
    pub(crate) async fn open(seconds: u64) -> Self {
        let server = TestServer::start_with(|config| config.round_seconds = Some(12)).await;
        let ada = server.guest("ada").await;
        let room = ada.bot_room(Mode::Brawl, BotStrength::Fierce).await;
        let mut ada = ada.play(room).await;
        ada.set_behaviour(Behaviour::Fight).await;
        let view = ada.until("a summary", |view| !view.summaries.is_empty()).await;
        let replay = server.finished_replay(view.summaries[0].replay).await;
        let proxy = Proxy::to(&server).await;
        let browser = Browser::start().await;
        browser.open(&proxy.site().url("/replays")).await;
        let link = format!("[data-testid=\"replay-row\"] a[href*=\"{}\"]", replay.id);
        browser.attribute_where(&link, "href", |href| !href.is_empty()).await;

        // The page has loaded. From now on the download is slow.
        proxy.limit(replay.bytes / seconds);
        browser.click(&link).await;
        browser.attribute_where(CANVAS, "class", |_| true).await;
        Self { replay, browser, proxy, _server: server }
    }
}
