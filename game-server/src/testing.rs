//! A server without its door, for tests of single parts.

mod autobahn;

use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use crate::app::{App, Services, SharedApp};
use crate::config::Config;
use crate::recordings::Recordings;
use crate::room::{Metronome, RoomServices, Seeds};

/// Every part of a server, in an empty folder.
pub(crate) struct Bench {
    pub(crate) app: SharedApp,
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
        let app = App::start(config, CancellationToken::new()).await.unwrap();
        Self { app, _folder: folder }
    }

    pub(crate) fn services(&self) -> Services {
        self.app.services.clone()
    }

    /// What a room is given, with these services in place of the server's own.
    pub(crate) async fn for_rooms(&self, services: Services) -> RoomServices {
        let recordings = Recordings::start(&services).await;
        RoomServices {
            seeds: Seeds::new(services.config.seed),
            services,
            scores: self.app.scores.clone(),
            recordings,
            metronome: Metronome::new(),
        }
    }

    /// Stops every task and waits for them. The store stays open.
    pub(crate) async fn stop(&self) {
        self.app.services.shutdown.cancel();
        self.app.services.tasks.close();
        self.app.services.tasks.wait().await;
    }
}
