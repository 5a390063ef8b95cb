//! Clients at the far end of a bad link: what their players see and feel, for each kind of link.
//!
//! The server is in one network namespace, the clients in another, and the packets between them take their time or are
//! lost; everything above, TCP included, is real. The clients are the native client without its window, played by its
//! autopilot, in rooms that bots fill. Each link is played on twice: once as it is, and once with cuts of half a second.
//!
//! Where namespaces are not permitted, a proxy delays bytes in order instead, and holds bytes back during a cut; links that
//! lose packets are left out.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use futures_util::FutureExt as _;
use serde_json::Value;
use shared::api::CreateRoom;
use shared::sim::{BotStrength, Mode};
use tempfile::TempDir;

use super::Report;
use super::players::server_command;
use crate::client::Client;
use crate::process::Program;
use crate::proxy::Proxy;
use crate::site::Site;

mod emulator;
mod namespace;
mod network;
mod outcomes;
mod recovery;

pub use emulator::Conditions;
use emulator::LinkEmulator;
use namespace::Namespace;
use network::Network;

const RTTS_MS: [u32; 4] = [0, 30, 100, 200];
const JITTERS_MS: [u32; 2] = [0, 20];
const LOSSES_PERCENT: [u32; 3] = [0, 1, 2];

/// The congestion controls of this kernel (tcp(7)).
const CONGESTION_CONTROLS: &str = "/proc/sys/net/ipv4/tcp_available_congestion_control";

const SERVER_ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);
const NETWORK: &str = "10.77.0.0/24";
const SERVER_CIDR: &str = "10.77.0.1/24";
const CLIENTS_CIDR: &str = "10.77.0.2/24";
/// Matches that are played on a link at once. One match alone depends too much on chance.
const ROOMS: usize = 4;

/// How to measure.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Native clients in each room. Bots fill the rest.
    pub clients: usize,
    /// Strength of the autopilots, which also decides how often they change their inputs.
    pub pilots: String,
    /// Length of a round.
    pub round: Duration,
    /// Decides which packets are late or lost, and the worlds.
    pub seed: u64,
    /// The only link to measure. `None` means all.
    pub only: Option<Conditions>,
    /// The congestion control at both ends. `None` means the system's.
    pub congestion: Option<String>,
    /// The feature that is switched off.
    pub without: Option<Without>,
}

impl Plan {
    /// Whether the plan cannot be measured with a proxy that only delays bytes.
    fn needs_packets(&self) -> bool {
        self.congestion.is_some() || self.only.is_some_and(|line| line.loss_percent > 0)
    }
}

/// A feature that can be switched off, to show its effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Without {
    /// `TCP_NODELAY` at both ends. Without it, small messages wait for the acknowledgement of earlier ones (Nagle).
    Nodelay,
    /// The server's limit on unsent bytes in the kernel. Without it, old snapshots wait there in a queue.
    Outbox,
}

impl Without {
    /// The environment variable of server and client.
    const fn variable(self) -> &'static str {
        match self {
            Self::Nodelay => "PUSHBACK_WITHOUT_NODELAY",
            Self::Outbox => "PUSHBACK_WITHOUT_UNSENT_LIMIT",
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Nodelay => "without_nodelay",
            Self::Outbox => "without_outbox",
        }
    }
}

/// A server, and a link to it that can be made worse.
struct Testbed {
    line: Network,
    /// The server as seen from its own namespace.
    site: Site,
    /// The server's URL as seen by the clients.
    url: String,
    _server: Program,
    _data: TempDir,
}

/// Measures every link and reports.
///
/// # Errors
/// When the programs cannot be started, or a client fails.
pub async fn measure(plan: &Plan, report: &mut Report) -> Result<()> {
    if let Some(name) = &plan.congestion {
        // Where the list cannot be read, the kernel refuses an unknown name later.
        let known = fs::read_to_string(CONGESTION_CONTROLS);
        known.map_or(Ok(()), |known| check_congestion(name, &known))?;
    }
    let testbed = match Testbed::with_packets(plan).await {
        Ok(testbed) => testbed,
        Err(why) if plan.needs_packets() => {
            let needs = "--congestion, and a link that loses packets, need network namespaces";
            return Err(why.context(needs));
        }
        Err(why) => {
            report.note(format!(
                "No network namespaces ({why:#}): a proxy delays bytes in order, links that lose packets are left out, and a \
                 cut holds all bytes back, so that TCP has nothing to retransmit afterwards."
            ));
            Testbed::with_bytes(plan).await?
        }
    };
    report.note_seed("link", plan.seed, "which packets are late or lost, and the worlds");
    report.note(format!("The autopilots are {}.", plan.pilots));
    for conditions in lines(plan.only) {
        if conditions.loss_percent == 0 || matches!(testbed.line, Network::Packets { .. }) {
            testbed.measure(plan, conditions, report).await?;
        }
    }
    if let Network::Packets { line, .. } = &testbed.line {
        let (carried, lost) = line.counts();
        report.note(format!("{carried} packets carried, {lost} lost."));
    }
    Ok(())
}

/// Fails early, with the names that exist.
fn check_congestion(name: &str, known: &str) -> Result<()> {
    ensure!(
        known.split_whitespace().any(|known| known == name),
        "this kernel does not have the congestion control {name}: {CONGESTION_CONTROLS} has {}",
        known.split_whitespace().collect::<Vec<_>>().join(", ")
    );
    Ok(())
}

fn lines(only: Option<Conditions>) -> Vec<Conditions> {
    if let Some(only) = only {
        return vec![only];
    }
    let mut lines = Vec::new();
    for rtt_ms in RTTS_MS {
        for jitter_ms in JITTERS_MS {
            lines.extend(LOSSES_PERCENT.map(|loss_percent| Conditions {
                rtt_ms,
                jitter_ms,
                loss_percent,
            }));
        }
    }
    lines
}

impl Testbed {
    async fn with_packets(plan: &Plan) -> Result<Self> {
        let (near, near_end) = Namespace::open(SERVER_CIDR)?;
        let (far, far_end) = Namespace::open(CLIENTS_CIDR)?;
        if let Some(algorithm) = &plan.congestion {
            near.control_congestion(NETWORK, algorithm).await?;
            far.control_congestion(NETWORK, algorithm).await?;
        }
        let line = LinkEmulator::between(near_end, far_end, plan.seed);
        let data = tempfile::tempdir().context("a folder for the server")?;
        let (folder, plan) = (data.path().to_owned(), plan.clone());
        let start = async move || start_server(&folder, SERVER_ADDRESS, &plan);
        let (server, address) = near.run(start).await?;
        let site = Site::at(address);
        Ok(Self {
            line: Network::Packets { line, near, far },
            url: site.url(""),
            site,
            _server: server,
            _data: data,
        })
    }

    async fn with_bytes(plan: &Plan) -> Result<Self> {
        let data = tempfile::tempdir().context("a folder for the server")?;
        let (server, address) = start_server(data.path(), Ipv4Addr::LOCALHOST, plan);
        let site = Site::at(address);
        let proxy = Proxy::seeded(&site, plan.seed).await;
        let url = proxy.site().url("");
        Ok(Self { line: Network::Bytes(proxy), site, url, _server: server, _data: data })
    }

    async fn measure(
        &self,
        plan: &Plan,
        conditions: Conditions,
        report: &mut Report,
    ) -> Result<()> {
        self.line.set(conditions);
        let name = name(conditions, plan.without);
        let (outcomes, _) = self.play(plan, false, &name, report).await?;
        outcomes::add(&name, &outcomes, report);
        let (outcomes, cuts) = self.play(plan, true, &name, report).await?;
        recovery::add(&name, &outcomes, cuts, report);
        Ok(())
    }

    /// Plays one round in each room. Returns each client's outcome, and how often the link was cut.
    async fn play(
        &self,
        plan: &Plan,
        with_cuts: bool,
        name: &str,
        report: &mut Report,
    ) -> Result<(Vec<Value>, usize)> {
        let site = self.site.clone();
        let open = async move || {
            let bots = Some(BotStrength::Keen);
            let room = CreateRoom { mode: Mode::Brawl, private: true, bots };
            let host = site.guest("Host").await;
            let mut rooms = Vec::new();
            for _ in 0..ROOMS {
                rooms.push(host.open_room(&room).await.summary.id.to_string());
            }
            rooms
        };
        let (count, url) = (plan.clients, self.url.clone());
        let autopilot = format!("--autopilot={}", plan.pilots);
        let variables: Vec<_> = plan.without.iter().map(|what| what.variable()).collect();
        let start = async move |rooms: Vec<String>| {
            let seats = rooms.iter().flat_map(|room| (0..count).map(move |number| (room, number)));
            seats
                .map(|(room, number)| {
                    let name = format!("Far {number}");
                    let place = ["--server", &url, "--join", room, "--name", &name];
                    let flags = [&place[..], &[&autopilot, "--exit-after-round"]].concat();
                    Client::headless_with(&flags, &variables)
                })
                .collect::<Vec<_>>()
        };
        let mut clients = match &self.line {
            Network::Packets { near, far, .. } => {
                let rooms = near.run(open).await?;
                far.run(async move || start(rooms).await).await?
            }
            Network::Bytes(_) => start(open().await).await,
        };
        let cuts = if with_cuts {
            recovery::cut_repeatedly(&self.line, &mut clients, plan.round).await
        } else {
            0
        };
        let (all, mut outcomes) = (clients.len(), Vec::new());
        for mut client in clients {
            // A client that fails has printed its error. The outcomes of the others count.
            let outcome = AssertUnwindSafe(client.outcome()).catch_unwind().await;
            let Ok(outcome) = outcome else { continue };
            ensure!(outcome["diverged"] == 0, "a client's world diverged: {outcome}");
            outcomes.push(outcome["prediction"].clone());
        }
        if outcomes.len() < all {
            let (failed, when) =
                (all - outcomes.len(), if with_cuts { ", when it was cut" } else { "" });
            report
                .note(format!("{name}{when}: {failed} of {all} clients failed and are left out."));
        }
        Ok((outcomes, cuts))
    }
}

/// The prefix of a link's figures.
fn name(conditions: Conditions, without: Option<Without>) -> String {
    let Conditions { rtt_ms, jitter_ms, loss_percent } = conditions;
    let name = format!("link.rtt{rtt_ms}_jitter{jitter_ms}_loss{loss_percent}");
    without.map_or(name.clone(), |what| format!("{name}.{}", what.name()))
}

fn start_server(data: &Path, at: Ipv4Addr, plan: &Plan) -> (Program, SocketAddr) {
    let mut command = server_command(data, SocketAddr::from((at, 0)), plan.seed);
    command.args(["--round-seconds", &plan.round.as_secs().to_string()]);
    command.envs(plan.without.map(|what| (what.variable(), "true")));
    let mut program = Program::start("the server", command.stdout(Stdio::piped()));
    let address = program.announced(|line| line.strip_prefix("listening on http://")?.parse().ok());
    (program, address)
}

/// Parses a link: round trip in ms, jitter in ms and loss in percent, such as `100,20,1`.
///
/// # Errors
/// When the text is something else.
pub fn conditions(text: &str) -> Result<Conditions> {
    let numbers: Vec<u32> = text
        .split(',')
        .map(|number| number.trim().parse().context("a link is three whole numbers: 100,20,1"))
        .collect::<Result<_>>()?;
    let [rtt_ms, jitter_ms, loss_percent] = numbers[..] else {
        bail!(
            "a link is three numbers, such as 100,20,1: ms of round trip, ms of jitter, % of packets lost"
        );
    };
    ensure!(
        rtt_ms <= 10_000 && jitter_ms <= 10_000,
        "a round trip or a jitter above 10,000 ms is too long to play"
    );
    ensure!(loss_percent < 100, "a link that loses all packets cannot be played on");
    Ok(Conditions { rtt_ms, jitter_ms, loss_percent })
}

#[cfg(test)]
mod tests {
    use super::{Without, check_congestion, conditions, name};

    #[test]
    fn a_link_is_named_after_its_conditions() {
        let line = conditions("100, 20,1").unwrap();

        assert_eq!(name(line, None), "link.rtt100_jitter20_loss1");
        let without = name(line, Some(Without::Outbox));
        assert_eq!(without, "link.rtt100_jitter20_loss1.without_outbox");
    }

    #[test]
    fn a_congestion_control_that_is_not_there_is_named_with_those_that_are() {
        assert!(check_congestion("bbr", "reno bbr\n").is_ok());

        let refused = check_congestion("cubic", "reno bbr\n").unwrap_err().to_string();

        assert!(refused.contains("cubic") && refused.ends_with("reno, bbr"), "{refused}");
    }
}
