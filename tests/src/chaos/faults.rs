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

/// The longest time for which a node does not hear of NATS: longer than the silence after which it counts as dead.
const HELD_MAX: Duration = Duration::from_secs(18);
/// The longest time without NATS, in milliseconds.
const NATS_AWAY_MAX_MS: u32 = 4_000;
/// Nodes that may be away at the same time.
const AWAY_MAX: usize = 2;
/// Attempts to start a node again, in the end.
const STARTS_MAX: usize = 2;

const STARTS: &str = "a node starts again";
const ENDS_WELL: &str = "a node that is asked to stop ends well";

/// What is broken now.
pub(super) struct Faults {
    rng: Rng,
    findings: Arc<Findings>,
    away: BTreeSet<&'static str>,
    held: BTreeMap<&'static str, Instant>,
}

impl Faults {
    pub(super) const fn new(rng: Rng, findings: Arc<Findings>) -> Self {
        Self { rng, findings, away: BTreeSet::new(), held: BTreeMap::new() }
    }

    /// Breaks one thing, or heals one.
    pub(super) async fn strike(&mut self, cluster: &mut TestCluster) {
        let overdue = |since: &Instant| since.elapsed() > HELD_MAX;
        let ended: Vec<_> =
            self.held.iter().filter(|(_, since)| overdue(since)).map(|(name, _)| *name).collect();
        for name in ended {
            self.release(cluster, name);
        }
        let name = NODES[self.rng.below(3) as usize];
        let (is_away, is_held) = (self.away.contains(name), self.held.contains_key(name));
        match self.rng.below(10) {
            _ if is_away => self.start(cluster, name).await,
            _ if is_held => self.release(cluster, name),
            0..=2 if self.away.len() < AWAY_MAX => {
                self.say(name, "killed");
                cluster.kill(name);
                self.away.insert(name);
            }
            3 if self.away.len() < AWAY_MAX => {
                self.say(name, "asked to stop");
                self.away.insert(name);
                let stopping = AssertUnwindSafe(cluster.stop(name)).catch_unwind();
                if stopping.await.is_err() {
                    self.findings.broke(ENDS_WELL, &format!("node {name}"));
                    cluster.kill(name);
                }
            }
            4 | 5 => {
                self.say(name, "its NATS is held");
                cluster.nats_of(name).hold(true);
                self.held.insert(name, Instant::now());
            }
            6 | 7 => {
                self.say(name, "its connections to NATS are cut");
                cluster.nats_of(name).cut();
            }
            _ => {
                let away = Duration::from_millis(self.rng.below(NATS_AWAY_MAX_MS).into());
                self.findings.say(&format!("NATS is killed, for {} ms", away.as_millis()));
                cluster.nats().kill();
                sleep(away).await;
                cluster.nats().restart();
            }
        }
        self.findings.count("faults", 1);
    }

    /// Heals everything.
    pub(super) async fn heal(&mut self, cluster: &mut TestCluster) {
        for name in self.held.clone().into_keys() {
            self.release(cluster, name);
        }
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

    fn release(&mut self, cluster: &TestCluster, name: &'static str) {
        self.say(name, "its NATS is not held any more");
        cluster.nats_of(name).hold(false);
        self.held.remove(name);
    }

    async fn start(&mut self, cluster: &mut TestCluster, name: &'static str) {
        // A start waits for NATS.
        if self.held.contains_key(name) {
            self.release(cluster, name);
        }
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
