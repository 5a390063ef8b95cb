//! Builds the parts of a server and connects them. No other module imports this one.

mod draining;
mod joining;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::bus::Bus;
use crate::config::Config;
use crate::data_dir_lock::DataDirLock;
use crate::data_disk::DataDisk;
use crate::device_links::DeviceLinks;
use crate::drain::Drain;
use crate::feeds::Feeds;
use crate::feeds::bridge::Owners;
use crate::http::arriving::ArrivingFiles;
use crate::http::state::{HttpParts, HttpSettings, HttpState};
use crate::ladder::LadderHandle;
use crate::limits::Limits;
use crate::metrics::Metrics;
use crate::open_files::OpenFiles;
use crate::presence::Presence;
use crate::readiness::Readiness;
use crate::recordings::{OnSettled, Recordings, Salvage};
use crate::renames::Renames;
use crate::room::{RoomParts, RoomSettings, Seeds, TickScheduler};
use crate::rooms::RoomLimits;
use crate::serve::{Routes, ServeSettings};
use crate::sessions::Sessions;
use crate::storage::blobs::Blobs;
use crate::storage::{SqlStore, Store, StoreError};
use crate::tasks::Tasks;
use crate::tickets::Tickets;
use crate::{
    chat, feeds, http, ladder, lobby_upkeep, matchmaking, remote_changes, rooms, serve, storage,
};
use draining::Draining;
use joining::{Joined, OPEN_WITHIN};

/// How long the database may take to close, after every task has ended.
const CLOSE_WITHIN: Duration = Duration::from_millis(500);

/// Serves until `shutdown` is cancelled, then drains within [`Config::drain_within`] and stops gracefully within
/// [`Config::stop_within`].
///
/// # Errors
/// When a setting is out of its range, the data directory or the database cannot be opened, another server uses the
/// directory, its disk is full, or a task that the server cannot do without panicked. A fault of one connection or room is
/// no error.
pub async fn run(
    listener: TcpListener,
    config: Config,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    config.validate()?;
    config.check_shared()?;
    let files = OpenFiles::of_process(&config)?;
    let config = Config { rooms_max: files.rooms_max, ..config };
    // Held until everything is written and closed.
    let _lock = DataDirLock::acquire(&config.data_dir)?;
    let disk = DataDisk::open(&config.data_dir)?;
    let stop = CancellationToken::new();
    let tasks = Tasks::new(stop, config.stop_within).with_panic_in(config.panic_in.clone());
    let metrics = Metrics { tasks: tasks.metrics(), ..Metrics::new(config.metrics_per_player) };
    let metrics = Arc::new(metrics);

    // From here on, the port answers.
    let routes = Routes::starting_with(http::starting::routes(metrics.clone()), &config.node());
    let settings = ServeSettings::new(&config, files);
    let counts = metrics.connections.clone();
    let accepting = serve::accept(listener, routes.clone(), settings, tasks.clone(), counts);
    tasks.spawn_vital("accept", accepting);
    let started = tokio::select! {
        biased;
        started = start(&config, tasks.clone(), Drain::default(), metrics) => Some(started.context("starting")),
        () = tasks.stopping() => None,
        () = shutdown.cancelled() => None,
    };
    let store = match started {
        Some(Ok(parts)) => {
            let store = parts.store.clone();
            disk.watch(&tasks, parts.readiness.clone());
            let draining = Draining::new(&parts);
            routes.complete(http::routes(HttpState::from(parts)));
            tokio::select! {
                () = tasks.stopping() => {}
                () = async {
                    shutdown.cancelled().await;
                    draining.run(config.drain_within).await;
                } => {}
            }
            Ok(Some(store))
        }
        Some(Err(error)) => Err(error),
        None => Ok(None),
    };
    tracing::info!("stopping");
    tasks.stop();
    tasks.finish().await;
    if let Some(store) = store? {
        // A query may still wait for another process, which can take longer than a stop. What is written counts in any case.
        if tokio::time::timeout(CLOSE_WITHIN, store.close()).await.is_err() {
            tracing::warn!("the database did not close in time");
        }
    }
    Ok(tasks.outcome()?)
}

/// Opens the data and starts every standing task, from the bottom up.
///
/// # Errors
/// When the folder or the database cannot be opened.
pub(crate) async fn start(
    config: &Config,
    tasks: Tasks,
    drain: Drain,
    metrics: Arc<Metrics>,
) -> anyhow::Result<HttpParts> {
    let store = open_store(config).await?;
    let blobs = open_blobs(config, &tasks, &metrics).await?;
    let feeds = Arc::new(Feeds::new(config.lab_interval));
    // Before anything can be published.
    let joined = Joined::join(config, &tasks, &drain, &metrics, &feeds, &store).await?;
    let (bus, post) = (joined.bus.clone(), joined.post.clone());
    let (presence, readiness) =
        (Presence::start(&tasks, joined.directory.clone()), Readiness::default());

    let is_one_of_many = joined.renewed.is_some();
    let ladder = start_ladder(&tasks, &metrics, &store, &feeds, bus.clone(), is_one_of_many).await;
    let ladder = ladder.context("starting the ladder")?;
    let sessions = Sessions::open(store.clone(), config.is_tls(), post.clone()).await;
    let sessions = sessions.context("reading the sessions")?;
    let lines = store.clone();
    let chat = chat::start(&tasks, lines, store.clone(), presence.clone(), post.clone()).await;
    let chat = chat.context("starting the chat")?;
    look_after(&store, &tasks, &metrics);
    let (recordings, salvage) =
        start_recordings(config, &tasks, &metrics, &readiness, &store, &blobs, &ladder).await;
    let parts = RoomParts {
        settings: room_settings(config),
        tasks: tasks.clone(),
        drain: drain.clone(),
        bus,
        presence: presence.clone(),
        metrics: metrics.rooms.clone(),
        ladder: ladder.clone(),
        recordings,
        scheduler: TickScheduler::new(),
        seeds: Seeds::new(config.seed),
    };
    let bots = config.bots.then(|| joined.steward.clone());
    let rooms = rooms::start(parts, room_limits(config), bots, joined.directory);
    let owners = Owners { ladder: Arc::new(ladder.clone()), rooms: Arc::new(rooms.clone()) };
    if let (Some(renewed), Some(shared)) = (joined.renewed, joined.upkeep) {
        renewed.start(&tasks, owners.clone());
        let (own, kept) = (owners.rooms.clone(), store.clone());
        lobby_upkeep::start(&tasks, shared, feeds.clone(), kept, ladder.clone(), own, salvage);
    }
    feeds::bridge::start(&tasks, joined.deliveries, owners, feeds.clone(), config.lab_interval);
    let (shared, seen, fill) = (joined.matchmaking, presence.clone(), config.bots_fill_after);
    let matchmaker = matchmaking::start(&tasks, shared, rooms.clone(), seen, fill);
    let (sessions, tickets) = (Arc::new(sessions), Arc::new(Tickets::new(config.prefix())));
    let renames = Renames::new(&sessions, &tickets, &ladder, &rooms, &chat);
    remote_changes::start(&tasks, &*post, sessions.clone(), renames.clone());

    Ok(HttpParts {
        settings: Arc::new(HttpSettings::from(config)),
        sessions,
        renames,
        device_links: Arc::new(DeviceLinks::new(store.clone())),
        tickets,
        limits: Arc::new(Limits::new(config)),
        read_gate: Arc::default(),
        tasks,
        drain,
        nodes: joined.nodes,
        readiness,
        store,
        blobs,
        arriving: Arc::new(ArrivingFiles::new(is_one_of_many)),
        feeds,
        presence,
        metrics,
        chat,
        ladder,
        rooms,
        matchmaker,
    })
}

async fn open_store(config: &Config) -> anyhow::Result<Arc<dyn Store>> {
    std::fs::create_dir_all(&config.data_dir)
        .with_context(|| format!("creating {}", config.data_dir.display()))?;
    let store = SqlStore::open_within(OPEN_WITHIN, &config.database_url()).await;
    Ok(Arc::new(store.context("opening the database")?))
}

/// Keeps the database's log short, and asks again and again whether it answers.
fn look_after(store: &Arc<dyn Store>, tasks: &Tasks, metrics: &Metrics) {
    storage::upkeep::start(tasks, store.clone());
    storage::watch::start(tasks, store.clone(), metrics.engines.database.clone());
}

/// Opens the place of the recordings, and begins to send them to the bucket if there is one.
async fn open_blobs(config: &Config, tasks: &Tasks, metrics: &Metrics) -> anyhow::Result<Blobs> {
    let blobs = Blobs::open(config.replay_dir()).await.context("opening the replay folder")?;
    let blobs = blobs.with_bucket(config.bucket().context("opening the bucket")?);
    // It also fetches what the start then recovers.
    let engine = metrics.engines.bucket.clone();
    blobs.start_sending(tasks, engine, OPEN_WITHIN).await.context("opening the bucket")?;
    Ok(blobs)
}

/// Starts the recorders. The second value takes over what dead nodes left.
async fn start_recordings(
    config: &Config,
    tasks: &Tasks,
    metrics: &Metrics,
    readiness: &Readiness,
    store: &Arc<dyn Store>,
    blobs: &Blobs,
    ladder: &LadderHandle,
) -> (Recordings, Salvage) {
    let (retention, counts) = (config.replay_retention, metrics.recordings.clone());
    let (rounds, files, settled) = (store.clone(), blobs.clone(), on_settled(ladder.clone()));
    let salvage = Salvage::new(tasks, rounds.clone(), files.clone(), settled.clone());
    let readiness = readiness.clone();
    let recordings =
        Recordings::start(tasks, readiness, rounds, files, retention, settled, counts).await;
    (recordings, salvage)
}

/// Starts the ladder, and shows its kept rows unless other nodes do already.
async fn start_ladder(
    tasks: &Tasks,
    metrics: &Metrics,
    store: &Arc<dyn Store>,
    feeds: &Feeds,
    bus: Arc<dyn Bus>,
    is_one_of_many: bool,
) -> Result<LadderHandle, StoreError> {
    let (kept, counts) = (store.clone(), metrics.ladder.clone());
    let ladder = ladder::start(tasks, &**store, kept, bus, is_one_of_many, counts).await?;
    let kept = ladder::kept_scoreboard(&**store).await?;
    if !is_one_of_many {
        // No room is open yet, so that the ladder has published nothing that this would overwrite.
        feeds.scoreboard.restore(kept);
    }
    Ok(ladder)
}

/// A settled round changes the ladder.
pub(crate) fn on_settled(ladder: LadderHandle) -> OnSettled {
    Arc::new(move |round, places| ladder.settled(round, places))
}

fn room_limits(config: &Config) -> RoomLimits {
    RoomLimits {
        in_all: config.rooms_max,
        per_guest: config.rooms_per_guest_max,
        per_address: config.rooms_per_address_max,
    }
}

pub(crate) fn room_settings(config: &Config) -> RoomSettings {
    RoomSettings {
        round_ticks: config.round_ticks(),
        summary_time: Duration::from_secs(config.summary_seconds.into()),
        idle_max: config.room_idle_max,
        ping_period: config.ping,
        crowd_snapshot_bytes_max: config.crowd_snapshot_bytes_max,
    }
}
