//! A server that accepts no connections, for tests of single parts.

mod autobahn;

use std::sync::Arc;

use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use crate::bus::InProcessBus;
use crate::config::Config;
use crate::drain::Drain;
use crate::http::state::HttpParts;
use crate::metrics::Metrics;
use crate::readiness::Unready;
use crate::recordings::Recordings;
use crate::room::{RoomParts, Seeds, TickScheduler};
use crate::tasks::Tasks;
use crate::wiring;

/// Every part of a server, in an empty folder.
pub(crate) struct Bench {
    pub(crate) app: HttpParts,
    pub(crate) config: Config,
    _folder: TempDir,
}

impl Bench {
    /// Starts one without a bot room.
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// Starts one with other settings.
    pub(crate) async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data_dir = folder.path().to_owned();
        let mut config = Config { data_dir, bots: false, ..Config::default() };
        change(&mut config);
        let tasks = Tasks::new(CancellationToken::new(), config.stop_within);
        let metrics = Arc::new(Metrics::new(config.metrics_per_player));
        let app = wiring::start(&config, tasks, Drain::default(), metrics).await.unwrap();
        Self { app, config, _folder: folder }
    }

    /// The parts that a room of this server works with.
    pub(crate) async fn room_parts(&self) -> RoomParts {
        let app = &self.app;
        RoomParts {
            settings: wiring::room_settings(&self.config),
            tasks: app.tasks.clone(),
            drain: app.drain.clone(),
            bus: Arc::new(InProcessBus::new()),
            presence: app.presence.clone(),
            metrics: app.metrics.rooms.clone(),
            ladder: app.ladder.clone(),
            recordings: self.recordings().await,
            scheduler: TickScheduler::new(),
            seeds: Seeds::new(self.config.seed),
        }
    }

    /// Recorders that keep their files with those of this server. What was left of earlier ones is recovered.
    pub(crate) async fn recordings(&self) -> Recordings {
        self.recordings_with(&self.app.tasks).await
    }

    /// The same with other tasks, as after the next start.
    pub(crate) async fn recordings_with(&self, tasks: &Tasks) -> Recordings {
        let app = &self.app;
        let retention = self.config.replay_retention;
        let (store, blobs) = (app.store.clone(), app.blobs.clone());
        let metrics = app.metrics.recordings.clone();
        let readiness = app.readiness.clone();
        let settled = wiring::on_settled(app.ladder.clone());
        let recordings =
            Recordings::start(tasks, readiness, store, blobs, retention, settled, metrics).await;
        app.readiness.without(Unready::Recovering).await;
        recordings
    }

    /// Stops every task and waits for them. The store stays open.
    pub(crate) async fn stop(&self) {
        self.app.tasks.stop();
        self.app.tasks.finish().await;
    }
}
