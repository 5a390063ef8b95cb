//! Joins this server with the other nodes of its lobby, if there are any.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use shared::api::{RoomClosed, RoomList};
use tokio::sync::{Notify, watch};
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::OPEN_WITHIN;
use crate::bus::{Bus, Delivery, InProcessBus, Notice};
use crate::cluster::directory::Directory;
use crate::cluster::kv_table::{KvTable, TableName};
use crate::cluster::memory_table::MemoryTable;
use crate::cluster::nats::Nats;
use crate::cluster::nats_post;
use crate::cluster::nodes::{Load, NODES, Nodes, Timing};
use crate::cluster::post::{Alone, Post};
use crate::cluster::steward::{ROLES, Steward};
use crate::config::Config;
use crate::feeds::Feeds;
use crate::feeds::bridge::Owners;
use crate::feeds::shared_bus::SharedBus;
use crate::feeds::shared_log::{Pace, SharedFeed, publish};
use crate::ladder;
use crate::limits::Rate;
use crate::matchmaking::{QUEUE, Queue};
use crate::metrics::Metrics;
use crate::storage::Store;
use crate::tasks::Tasks;

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
    /// Who of the nodes lives.
    pub(super) nodes: Option<Nodes>,
    /// Which node does what only one may do.
    pub(super) steward: Steward,
    /// The requests for matches.
    pub(super) queue: Queue,
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
        metrics: &Metrics,
        feeds: &Arc<Feeds>,
        store: &Arc<dyn Store>,
    ) -> anyhow::Result<Self> {
        let Some(url) = &config.nats else { return Ok(Self::alone()) };
        let (credentials, engine) = (config.nats_credentials.as_deref(), &metrics.engines.nats);
        let (node, boot) = (config.node(), rand::random());
        let nats = Nats::connect(url, credentials, node.clone(), engine.clone(), OPEN_WITHIN).await;
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

        let load = metrics.rooms.clone();
        let load = Arc::new(move || Load {
            draining: false,
            rooms: usize::try_from(load.open.count()).unwrap_or(usize::MAX),
            people: usize::try_from(load.people.count()).unwrap_or(usize::MAX),
        });
        let timing = Timing::default();
        let table = KvTable::open(tasks, &nats, NODES, OPEN_WITHIN).await?;
        let nodes = Nodes::start(tasks, table, node.clone(), timing, load).await?;
        let table = KvTable::open(tasks, &nats, ROLES, OPEN_WITHIN).await?;
        let steward = Steward::start(tasks, table, nodes.clone(), timing);
        let role = steward.clone();
        metrics.steward.show(move || role.is_held());
        let queue = KvTable::open(tasks, &nats, QUEUE, OPEN_WITHIN).await?;

        let (directory, over) = Directory::start(tasks, node, boot, rows, engine.clone());
        for id in over {
            // Others may still list them.
            bus.rooms.know(id.bits());
            bus.publish(Notice::RoomClosed(RoomClosed { id }));
        }
        Ok(Self {
            post,
            bus: Arc::new(bus.clone()),
            deliveries: stream::pending().boxed(),
            directory: Some(directory),
            nodes: Some(nodes),
            steward,
            queue,
            renewed: Some(Renewed { rooms, scores, bus }),
        })
    }

    fn alone() -> Self {
        let bus = Arc::new(InProcessBus::new());
        let deliveries = bus.subscribe();
        let (post, steward) = (Arc::new(Alone::default()), Steward::always());
        let (directory, nodes, renewed) = (None, None, None);
        let queue = Arc::new(MemoryTable::default());
        Self { post, bus, deliveries, directory, nodes, steward, queue, renewed }
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

async fn wait_for(mut followed: watch::Receiver<bool>) -> anyhow::Result<()> {
    let is_current = followed.wait_for(|is_current| *is_current);
    let waited = timeout(OPEN_WITHIN, is_current).await;
    waited
        .context("reading the shared feeds: NATS does not answer")?
        .context("reading the feeds")?;
    Ok(())
}
