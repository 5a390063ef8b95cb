//! A randomised run of many nodes: players, readers of feeds and writers of chat, while nodes, NATS, PostgreSQL and the store are
//! killed, held and cut in an order that a seed decides. At the end everything is healed, and what was acknowledged has to be
//! there, once.

mod call;
mod chat;
mod faults;
mod feeds;
mod findings;
mod history;
mod ledger;
mod lobby;
mod players;
mod world;

use std::panic;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Result, bail};
use shared::sim::rng::Rng;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::cluster::TestCluster;
use crate::site::Site;
use faults::Faults;
use feeds::Readers;
use findings::Findings;
use world::{NODES, World};

/// Pauses between faults, in milliseconds.
const PAUSE_MIN_MS: u32 = 500;
const PAUSE_MORE_MS: u32 = 4_500;
/// Time for the load to end what it has begun, when nothing is broken any more.
const END_WITHIN: Duration = Duration::from_secs(60);

/// How long, and in which order.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Decides what is broken, and when.
    pub seed: u64,
    /// How long things are broken. Starting, healing and checking come on top.
    pub length: Duration,
}

/// A seed that differs from start to start.
#[must_use]
pub fn any_seed() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::from(since.subsec_nanos())
}

/// Breaks things for a while, heals them, and checks. Prints a line for each fault, and a summary.
///
/// # Errors
/// When a promise was broken.
///
/// # Panics
/// When the nodes do not start in the beginning.
pub async fn run(plan: Plan) -> Result<()> {
    let findings = Arc::new(Findings::new(Instant::now()));
    note_panics(&findings);
    findings.say(&format!("seed {} for {} s", plan.seed, plan.length.as_secs()));
    let flags = ["--rooms-per-minute=100000", "--connections-max=10000"];
    let mut cluster = TestCluster::start_with_own_database(NODES.len(), &flags).await;
    let world = World {
        lobby: cluster.balancer().clone(),
        nodes: cluster.nodes().map(|node| Site::clone(node)).collect(),
        findings: findings.clone(),
        ending: CancellationToken::new(),
    };
    let readers = Readers::start(&world);
    let chat = chat::Writers::start(&world);
    let players = players::Players::start(&world, plan.seed);

    let mut faults = Faults::new(Rng(plan.seed), findings.clone());
    let mut pauses = Rng(plan.seed.wrapping_add(1));
    let began = Instant::now();
    while began.elapsed() < plan.length {
        let pause = PAUSE_MIN_MS + pauses.below(PAUSE_MORE_MS);
        sleep(Duration::from_millis(pause.into())).await;
        faults.strike(&mut cluster).await;
    }
    faults.heal(&mut cluster).await;
    findings.say("everything is healed");

    world.ending.cancel();
    let ended = timeout(END_WITHIN, async { (chat.end().await, players.end().await) }).await;
    let Ok((said, played)) = ended else {
        bail!("{}the load did not come to its end within {END_WITHIN:?}", findings.report());
    };
    readers.end(&world).await;
    history::check(cluster.database(), &said, &played, &findings).await?;
    lobby::check(&world, &cluster).await?;
    players::check_sessions(&world, &played).await;
    let report = findings.report();
    findings.say(&format!("summary of seed {}\n{}", plan.seed, report.trim_end()));
    if let Some(promise) = findings.broken() {
        bail!("seed {}: a promise was broken: {promise}", plan.seed);
    }
    Ok(())
}

/// A helper of the stories panics at a message that breaks the protocol, and when something does not come in time.
fn note_panics(findings: &Arc<Findings>) {
    let (usual, findings) = (panic::take_hook(), findings.clone());
    panic::set_hook(Box::new(move |info| {
        usual(info);
        findings.broke("nothing panics", &info.to_string());
    }));
}
