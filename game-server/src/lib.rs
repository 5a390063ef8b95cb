//! The Pushback server as a library: [`run`] and the map of what it is made of.
//!
//! Arrows point one way: `http → (matchmaker | chat | push) → room → recordings, storage`. Every task is
//! spawned through the tracker in [`app::Services`], so that stopping can wait for all of them.

pub mod app;
pub mod config;

pub mod http;
pub mod serve;
pub mod socket;

pub mod push;

pub mod matchmaker;
pub mod rooms;

pub mod bots;
pub mod recordings;
pub mod room;
pub mod scores;

pub mod chat;
pub mod presence;
pub mod pulse;

pub mod handovers;
pub mod limits;
pub mod sessions;
pub mod tickets;

pub mod bus;
pub mod claim;
pub mod storage;

pub mod player;
pub mod token;

pub mod clock;
pub mod etag;
pub mod metrics;
mod sync;
#[cfg(test)]
mod testing;

use anyhow::Context as _;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub use config::Config;

/// Serves until `shutdown` is cancelled, then stops gracefully within [`Config::stop_within`].
///
/// # Errors
/// When the data folder or the database cannot be opened, or another server uses the folder. Trouble with one
/// connection is no error.
pub async fn run(
    listener: TcpListener,
    config: Config,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    let stop_within = config.stop_within;
    // Until everything is written and closed.
    let _claim = claim::claim(&config.data_dir)?;
    let app = app::App::start(config, shutdown).await.context("starting")?;
    let routes = http::routes(app.clone());
    serve::accept(listener, routes, &app).await;

    app.services.tasks.close();
    if tokio::time::timeout(stop_within, app.services.tasks.wait()).await.is_err() {
        tracing::warn!(left = app.services.tasks.len(), "some tasks did not stop in time");
    }
    app.services.store.close().await;
    Ok(())
}
