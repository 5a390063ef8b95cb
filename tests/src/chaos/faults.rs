//! What is broken, in which order: the seed decides.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use shared::sim::rng::Rng;
use tokio::time::sleep;

use super::findings::Findings;
use super::world::NODES;
use crate::cluster::TestCluster;
use crate::proxy::Proxy;

/// The next fault after this time ends a hold. It is longer than the silence after which a node counts as dead.
const HELD_FOR: Duration = Duration::from_secs(18);
/// The longest time without an engine, in milliseconds.
const AWAY_MAX_MS: u32 = 6_000;
/// Nodes that may be away at the same time.
const AWAY_MAX: usize = 2;
/// Attempts to start a node again, in the end.
const STARTS_MAX: usize = 2;

const STARTS: &str = "a node starts again";
const ENDS_WELL: &str = "a node that is asked to stop ends well";

/// What all nodes share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Engine {
    Nats,
    Database,
    Bucket,
}

impl Engine {
    const ALL: [Self; 3] = [Self::Nats, Self::Database, Self::Bucket];

    const fn name(self) -> &'static str {
        match self {
            Self::Nats => "NATS",
            Self::Database => "PostgreSQL",
            Self::Bucket => "the store",
        }
    }

    /// What stands between it and a node.
    fn way_of<'a>(self, cluster: &'a TestCluster, node: &str) -> &'a Proxy {
        match self {
            Self::Nats => cluster.nats_of(node),
            Self::Database => cluster.database_of(node),
            Self::Bucket => cluster.bucket_of(node),
        }
    }

    fn kill(self, cluster: &mut TestCluster) {
        match self {
            Self::Nats => cluster.nats().kill(),
            Self::Database => cluster.postgres().kill(),
            Self::Bucket => cluster.bucket().kill(),
        }
    }

    fn restart(self, cluster: &mut TestCluster) {
        match self {
            Self::Nats => cluster.nats().restart(),
            Self::Database => cluster.postgres().restart(),
            Self::Bucket => cluster.bucket().restart(),
        }
    }
}

/// What is broken now.
pub(super) struct Faults {
    rng: Rng,
    findings: Arc<Findings>,
    away: BTreeSet<&'static str>,
    /// The ways between a node and an engine that carry nothing.
    held: BTreeMap<(&'static str, Engine), Instant>,
}

impl Faults {
    pub(super) const fn new(rng: Rng, findings: Arc<Findings>) -> Self {
        Self { rng, findings, away: BTreeSet::new(), held: BTreeMap::new() }
    }

    /// Breaks one thing, or heals one.
    pub(super) async fn strike(&mut self, cluster: &mut TestCluster) {
        self.release(cluster, |_, since| since.elapsed() > HELD_FOR);
        let name = NODES[self.rng.below(3) as usize];
        let engine = Engine::ALL[self.rng.below(3) as usize];
        let (is_away, is_held) = (self.away.contains(name), self.is_held(name));
        match self.rng.below(14) {
            _ if is_away => self.start(cluster, name).await,
            _ if is_held => self.release(cluster, |node, _| node == name),
            0..=2 if self.away.len() < AWAY_MAX => {
                self.say(name, "killed");
                cluster.kill(name);
                self.away.insert(name);
            }
            3 if self.away.len() < AWAY_MAX => self.stop(cluster, name).await,
            4..=6 => {
                self.say(name, &format!("its way to {} is held", engine.name()));
                engine.way_of(cluster, name).hold(true);
                self.held.insert((name, engine), Instant::now());
            }
            7..=9 => {
                self.say(name, &format!("its connections to {} are cut", engine.name()));
                engine.way_of(cluster, name).cut();
            }
            _ => {
                let away = Duration::from_millis(self.rng.below(AWAY_MAX_MS).into());
                let ms = away.as_millis();
                self.findings.say(&format!("{} is killed, for {ms} ms", engine.name()));
                engine.kill(cluster);
                sleep(away).await;
                engine.restart(cluster);
            }
        }
        self.findings.count("faults", 1);
    }

    /// Heals everything.
    pub(super) async fn heal(&mut self, cluster: &mut TestCluster) {
        self.release(cluster, |_, _| true);
        for _ in 0..STARTS_MAX {
            for name in self.away.clone() {
                self.start(cluster, name).await;
            }
        }
        for name in NODES {
            let reaching = AssertUnwindSafe(cluster.balancer_reaches(name, true)).catch_unwind();
            if reaching.await.is_err() {
                self.findings.broke("every node is reached in the end", &format!("node {name}"));
            }
        }
    }

    fn is_held(&self, name: &str) -> bool {
        self.held.keys().any(|(node, _)| *node == name)
    }

    /// Ends the holds of these nodes and times.
    fn release(&mut self, cluster: &TestCluster, which: impl Fn(&str, &Instant) -> bool) {
        let ended: Vec<_> = self
            .held
            .iter()
            .filter(|((name, _), since)| which(name, since))
            .map(|(way, _)| *way)
            .collect();
        for way in ended {
            let (name, engine) = way;
            self.say(name, &format!("its way to {} is free", engine.name()));
            engine.way_of(cluster, name).hold(false);
            self.held.remove(&way);
        }
    }

    async fn stop(&mut self, cluster: &mut TestCluster, name: &'static str) {
        self.say(name, "asked to stop");
        self.away.insert(name);
        let stopping = AssertUnwindSafe(cluster.stop(name)).catch_unwind();
        if stopping.await.is_err() {
            self.findings.broke(ENDS_WELL, &format!("node {name}"));
            cluster.kill(name);
        }
    }

    async fn start(&mut self, cluster: &mut TestCluster, name: &'static str) {
        // A start waits for all that the nodes share.
        self.release(cluster, |node, _| node == name);
        self.say(name, "started again");
        let starting = AssertUnwindSafe(cluster.restart(name)).catch_unwind();
        if starting.await.is_ok() {
            self.away.remove(name);
        } else {
            self.findings.broke(STARTS, &format!("node {name}"));
        }
    }

    fn say(&self, node: &str, what: &str) {
        self.findings.say(&format!("node {node}: {what}"));
    }
}
