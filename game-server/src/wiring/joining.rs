//! Joins this server with the other nodes of its lobby, if there are any.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use shared::api::RoomList;
use tokio::sync::{Notify, watch};
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::bus::{Bus, Delivery, InProcessBus};
use crate::cluster::directory::Directory;
use crate::cluster::kv_table::{KvTable, TableName};
use crate::cluster::memory_table::MemoryTable;
use crate::cluster::nats::Nats;
use crate::cluster::nats_post;
use crate::cluster::nodes::{AskLoad, Load, NODES, Nodes, Timing};
use crate::cluster::post::{Alone, Post};
use crate::cluster::steward::{ROLES, Steward};
use crate::config::Config;
use crate::drain::Drain;
use crate::feeds::Feeds;
use crate::feeds::bridge::Owners;
use crate::feeds::shared_bus::SharedBus;
use crate::feeds::shared_log::{Pace, SharedFeed, publish};
use crate::ladder;
use crate::limits::Rate;
use crate::lobby_upkeep::SharedState;
use crate::matchmaking::{self, QUEUE, Queue};
use crate::metrics::Metrics;
use crate::storage::Store;
use crate::tasks::Tasks;

/// Time for another program to let the database go, or for the server of an engine to start.
pub(super) const OPEN_WITHIN: Duration = Duration::from_secs(60);
/// Rows of the scoreboard that a node publishes: those of a large room at once, then four a second. A row that changes again
/// meanwhile is published once.
const SCORES: Pace = Some(Rate { burst: 32, refill: Duration::from_millis(250) });
const FEEDS: TableName = TableName { table: "feeds", task: "table feeds" };
const ROOMS: TableName = TableName { table: "rooms", task: "table rooms" };
/// How often the outboxes are asked whether they had to leave something out.
const LACKS_EVERY: Duration = Duration::from_secs(1);

/// What this server shares with other nodes, or has alone.
pub(super) struct Joined {
    pub(super) post: Arc<dyn Post>,
    pub(super) bus: Arc<dyn Bus>,
    /// What the feeds of a server that is alone take from the bus.
    pub(super) deliveries: BoxStream<'static, Delivery>,
    pub(super) directory: Option<Directory>,
    /// What only one of many nodes needs.
    pub(super) upkeep: Option<SharedState>,
    /// Who of the nodes lives.
    pub(super) nodes: Option<Nodes>,
    /// Which node does what only one may do.
    pub(super) steward: Steward,
    pub(super) matchmaking: matchmaking::Shared,
    pub(super) renewed: Option<Renewed>,
}

/// Says when this node has to tell all of its state again.
pub(super) struct Renewed {
    rooms: Arc<Notify>,
    scores: Arc<Notify>,
    bus: SharedBus,
}

impl Joined {
    /// Waits until this node has all of the shared feeds.
    pub(super) async fn join(
        config: &Config,
        tasks: &Tasks,
        drain: &Drain,
        metrics: &Metrics,
        feeds: &Arc<Feeds>,
        store: &Arc<dyn Store>,
    ) -> anyhow::Result<Self> {
        let Some(url) = &config.nats else { return Ok(Self::alone(config)) };
        let (credentials, engine) = (config.nats_credentials.as_deref(), &metrics.engines.nats);
        let (node, boot) = (config.node(), rand::random());
        let nats = Nats::connect(url, credentials, node, engine.clone(), OPEN_WITHIN).await;
        let nats = nats.context("connecting to NATS")?;
        let post = nats_post::start(tasks, &nats).await.context("listening to other nodes")?;

        let checkpoints = KvTable::open(tasks, &nats, FEEDS, OPEN_WITHIN).await?;
        let rows = KvTable::open(tasks, &nats, ROOMS, OPEN_WITHIN).await?;

        let bus = SharedBus::new();
        let (rooms, scores) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let kept = store.clone();
        let scoreboard = SharedFeed {
            feed: feeds.scoreboard.clone(),
            name: "scoreboard",
            nats: nats.clone(),
            engine: engine.clone(),
            checkpoints: checkpoints.clone(),
            fresh: Arc::new(move || {
                let kept = kept.clone();
                Box::pin(async move { ladder::kept_scoreboard(&*kept).await })
            }),
            renewed: scores.clone(),
        };
        let list = SharedFeed {
            feed: feeds.rooms.clone(),
            name: "rooms",
            nats: nats.clone(),
            engine: engine.clone(),
            checkpoints,
            // Every node tells its own.
            fresh: Arc::new(|| Box::pin(async { Ok(RoomList::default()) })),
            renewed: rooms.clone(),
        };
        let followed =
            [scoreboard.follow(tasks, "feed scoreboard"), list.follow(tasks, "feed rooms")];
        for followed in followed {
            wait_for(followed).await?;
        }
        let publishing = |name, pace, outbox| {
            publish(tasks.clone(), nats.clone(), engine.clone(), name, boot, pace, outbox)
        };
        tasks.spawn_vital("publish rooms", publishing("rooms", None, bus.rooms.clone()));
        tasks.spawn_vital("publish scores", publishing("scoreboard", SCORES, bus.scores.clone()));

        let (nodes, steward) = start_roles(tasks, &nats, metrics, drain).await?;
        let queue = KvTable::open(tasks, &nats, QUEUE, OPEN_WITHIN).await?;
        let matchmaking = matched_by(&steward, queue, post.clone(), Some(&nodes), config);
        let (directory, over) = Directory::start(tasks, nodes.clone(), rows, engine.clone());
        // Others may still list them.
        over.into_iter().for_each(|id| bus.end_room(id));
        let upkeep = SharedState {
            directory: directory.clone(),
            nodes: nodes.clone(),
            steward: steward.clone(),
            bus: bus.clone(),
        };
        Ok(Self {
            post,
            bus: Arc::new(bus.clone()),
            deliveries: stream::pending().boxed(),
            directory: Some(directory),
            upkeep: Some(upkeep),
            nodes: Some(nodes),
            steward,
            matchmaking,
            renewed: Some(Renewed { rooms, scores, bus }),
        })
    }

    fn alone(config: &Config) -> Self {
        let bus = Arc::new(InProcessBus::new());
        let (post, steward) = (Arc::new(Alone::default()), Steward::always());
        let queue = Arc::new(MemoryTable::default());
        let matchmaking = matched_by(&steward, queue, post.clone(), None, config);
        Self {
            post,
            deliveries: bus.subscribe(),
            bus,
            directory: None,
            upkeep: None,
            nodes: None,
            steward,
            matchmaking,
            renewed: None,
        }
    }
}

impl Renewed {
    /// Starts the task that asks the owners for their states.
    pub(super) fn start(self, tasks: &Tasks, owners: Owners) {
        tasks.spawn_vital("feed owners", self.run(tasks.clone(), owners));
    }

    async fn run(self, tasks: Tasks, owners: Owners) {
        let mut looking = interval(LACKS_EVERY);
        looking.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = tasks.stopping() => return,
                () = self.rooms.notified() => owners.rooms.republish(),
                () = self.scores.notified() => owners.ladder.republish(),
                _ = looking.tick() => {
                    if self.bus.rooms.is_empty() && self.bus.rooms.take_lacks() {
                        owners.rooms.republish();
                    }
                    if self.bus.scores.is_empty() && self.bus.scores.take_lacks() {
                        owners.ladder.republish();
                    }
                }
            }
        }
    }
}

/// Begins to say that this node lives, and to strive for the role of the steward.
async fn start_roles(
    tasks: &Tasks,
    nats: &Nats,
    metrics: &Metrics,
    drain: &Drain,
) -> anyhow::Result<(Nodes, Steward)> {
    let (timing, load) = (Timing::default(), load_of(metrics, drain));
    let table = KvTable::open(tasks, nats, NODES, OPEN_WITHIN).await?;
    let nodes = Nodes::start(tasks, table, nats.node().clone(), timing, load).await?;
    let table = KvTable::open(tasks, nats, ROLES, OPEN_WITHIN).await?;
    let steward = Steward::start(tasks, table, nodes.clone(), timing);
    let role = steward.clone();
    metrics.steward.show(move || role.is_held());
    tasks.spawn_vital("resignation", resign(tasks.clone(), drain.clone(), steward.clone()));
    Ok((nodes, steward))
}

/// Matchmaking by the steward.
fn matched_by(
    steward: &Steward,
    queue: Queue,
    post: Arc<dyn Post>,
    nodes: Option<&Nodes>,
    config: &Config,
) -> matchmaking::Shared {
    let (nodes, steward) = (nodes.cloned(), steward.clone());
    matchmaking::Shared { queue, post, nodes, node: config.node(), steward }
}

/// How much this node does.
fn load_of(metrics: &Metrics, drain: &Drain) -> AskLoad {
    let (rooms, drain) = (metrics.rooms.clone(), drain.clone());
    Arc::new(move || Load {
        draining: drain.is_draining(),
        rooms: rooms.open.count(),
        people: rooms.people.count(),
    })
}

/// A node that drains is not the steward.
async fn resign(tasks: Tasks, drain: Drain, steward: Steward) {
    tokio::select! {
        () = tasks.stopping() => {}
        () = drain.draining() => steward.resign(),
    }
}

async fn wait_for(mut followed: watch::Receiver<bool>) -> anyhow::Result<()> {
    let is_current = followed.wait_for(|is_current| *is_current);
    let waited = timeout(OPEN_WITHIN, is_current).await;
    waited
        .context("reading the shared feeds: NATS does not answer")?
        .context("reading the feeds")?;
    Ok(())
}
