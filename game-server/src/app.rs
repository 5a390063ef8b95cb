//! What the server is made of while it runs.
//!
//! [`Services`] is what parts need from below (keeping data, telling others, stopping); a part gets a
//! clone and never the whole [`App`]. [`App`] is what the routes see.

use std::sync::Arc;

use anyhow::Context as _;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::bus::{Bus, InProcessBus};
use crate::chat::ChatHandle;
use crate::config::Config;
use crate::handovers::Handovers;
use crate::limits::Limits;
use crate::matchmaker::Matchmaker;
use crate::metrics::Gauges;
use crate::presence::Presence;
use crate::push::Feeds;
use crate::recordings::Recordings;
use crate::room::{Metronome, RoomServices, Seeds};
use crate::rooms::Rooms;
use crate::scores::Scores;
use crate::sessions::Sessions;
use crate::storage::blobs::{Blobs, Folder};
use crate::storage::{SqlStore, Store};
use crate::tickets::Tickets;
use crate::{chat, matchmaker, metrics, push, rooms, scores};

/// What every part may use. Cheap to clone.
#[derive(Clone)]
pub struct Services {
    /// The settings of this run.
    pub config: Arc<Config>,
    /// Cancelled when the server stops: a task ends when it sees it.
    pub shutdown: CancellationToken,
    /// Owns every task, so that stopping waits for them.
    pub tasks: TaskTracker,
    /// Players, ratings, rounds, chat.
    pub store: Arc<dyn Store>,
    /// Replay files.
    pub blobs: Arc<dyn Blobs>,
    /// Events between parts (and, one day, between servers).
    pub bus: Arc<dyn Bus>,
    /// The feeds that the five transports serve. Parts publish on the bus; a task brings it here.
    pub feeds: Arc<Feeds>,
    /// Who is in which room. Rooms write it, chat reads it.
    pub presence: Arc<Presence>,
    /// What `/metrics` shows beside the counters.
    pub gauges: Arc<Gauges>,
}

/// The running server as its routes see it.
pub struct App {
    /// What every part may use.
    pub services: Services,
    /// Who asks.
    pub sessions: Sessions,
    /// Codes that make another program the same player.
    pub handovers: Handovers,
    /// Keys to WebSockets.
    pub tickets: Tickets,
    /// How often an address may do something.
    pub limits: Limits,
    /// The address of the chat task.
    pub chat: ChatHandle,
    /// The address of the ladder.
    pub scores: Scores,
    /// Every room.
    pub rooms: Rooms,
    /// The address of the matchmaker.
    pub matchmaker: Matchmaker,
}

/// What a route gets.
pub type SharedApp = Arc<App>;

impl App {
    /// Opens the data and starts every standing task.
    ///
    /// # Errors
    /// When the folder or the database cannot be opened.
    pub async fn start(config: Config, shutdown: CancellationToken) -> anyhow::Result<SharedApp> {
        metrics::install();
        std::fs::create_dir_all(&config.data_dir)
            .with_context(|| format!("creating {}", config.data_dir.display()))?;
        let store = SqlStore::open(&config.database_url()).await.context("opening the database")?;
        let blobs = Folder::open(config.replay_dir()).context("opening the replay folder")?;
        let services = Services {
            shutdown,
            tasks: TaskTracker::new(),
            store: Arc::new(store),
            blobs: Arc::new(blobs),
            bus: Arc::new(InProcessBus::new()),
            feeds: Arc::new(Feeds::new(config.lab_interval)),
            presence: Arc::new(Presence::default()),
            gauges: Arc::new(Gauges::new(config.metrics_per_player)),
            config: Arc::new(config),
        };

        push::pump::start(&services);
        metrics::start_upkeep(&services);
        let chat = chat::start(&services).await.context("starting the chat")?;
        let scores = scores::start(&services).await.context("loading the ladder")?;
        let recordings = Recordings::start(&services).await;
        let with = RoomServices {
            services: services.clone(),
            scores: scores.clone(),
            recordings,
            metronome: Metronome::new(),
            seeds: Seeds::new(services.config.seed),
        };
        let rooms = rooms::start(with);
        let matchmaker = matchmaker::start(&services, rooms.clone());

        Ok(Arc::new(Self {
            sessions: Sessions::new(&services),
            handovers: Handovers::default(),
            tickets: Tickets::new(),
            limits: Limits::new(&services.config),
            chat,
            scores,
            rooms,
            matchmaker,
            services,
        }))
    }
}
