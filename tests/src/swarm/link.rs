//! Clients at the far end of a bad line: what their players see and feel, for each kind of line.
//!
//! The server is in one network namespace, the clients in another, and the packets between them take their time or are
//! lost: everything above is real, TCP above all. The clients are the native client without its window, played by its
//! autopilot, in rooms that bots fill. Each line is played on twice: once as it is, and once with a cut of half a second
//! in the middle of the round.
//!
//! Where namespaces are not permitted, a proxy delays in order instead; lines that lose packets are left out.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::panic::AssertUnwindSafe;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use futures_util::FutureExt as _;
use serde_json::Value;
use shared::api::CreateRoom;
use shared::sim::{BotStrength, Mode};
use tempfile::TempDir;
use tokio::time::sleep;

use super::Report;
use super::players::server_command;
use crate::client::Client;
use crate::process::Program;
use crate::proxy::Proxy;
use crate::site::Site;

mod line;
mod place;

pub use line::Conditions;
use line::Line;
use place::Place;

const RTTS_MS: [u32; 4] = [0, 30, 100, 200];
const JITTERS_MS: [u32; 2] = [0, 20];
const LOSSES_PERCENT: [u32; 3] = [0, 1, 2];

/// What sockets outside of the system's own network may be controlled by (tcp(7)).
const CONGESTION_CONTROLS_ALLOWED: &str = "/proc/sys/net/ipv4/tcp_allowed_congestion_control";

const SERVER_ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);
const SERVER_PLACE: &str = "10.77.0.1/24";
const CLIENTS_PLACE: &str = "10.77.0.2/24";
/// Matches that are played on a line at once: one alone says little, for it hangs on who bumps into whom.
const ROOMS: usize = 4;
/// How long the line is cut.
const CUT: Duration = Duration::from_millis(500);
/// The round runs for so long before the cut, in ticks: the clocks have settled.
const CUT_AT_TICK: f64 = 360.0;

/// What is measured.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Native clients in each room. Bots fill the rest.
    pub clients: usize,
    /// How strong their autopilots are, and so how often they press something else.
    pub pilots: String,
    /// Length of a round.
    pub round: Duration,
    /// Decides which packets are late or lost.
    pub seed: u64,
    /// Only this line. Nothing: all of them.
    pub only: Option<Conditions>,
    /// The congestion control at both ends. Nothing: the system's.
    pub congestion: Option<String>,
    /// What is switched off.
    pub without: Option<Without>,
}

/// Something that can be switched off, to show what it is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Without {
    /// `TCP_NODELAY` at both ends: small messages wait for the acknowledgement of those before (Nagle).
    Nodelay,
    /// The server's limit of what the kernel takes and cannot send yet: old snapshots wait there in a queue.
    Outbox,
}

impl Without {
    /// What server and client know it by.
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

/// A server, and a line to it that can be made worse.
struct Lab {
    line: Distance,
    /// As the server's own place sees it.
    site: Site,
    /// As the clients see it.
    url: String,
    _server: Program,
    _data: TempDir,
}

enum Distance {
    /// Packets are delayed and lost.
    Packets { line: Line, near: Place, far: Place },
    /// Bytes are delayed.
    Bytes(Proxy),
}

/// Measures every line and reports.
///
/// # Errors
/// When the programs cannot be started, or a client fails.
pub async fn measure(plan: &Plan, report: &mut Report) -> Result<()> {
    if let Some(name) = &plan.congestion {
        // Where it cannot be read, the kernel's own answer has to do.
        let allowed = fs::read_to_string(CONGESTION_CONTROLS_ALLOWED);
        allowed.map_or(Ok(()), |allowed| check_congestion(name, &allowed))?;
    }
    let lab = match Lab::with_packets(plan).await {
        Ok(lab) => lab,
        Err(why) if plan.congestion.is_some() => {
            return Err(why.context("--congestion needs a network of our own"));
        }
        Err(why) => {
            report.note(format!(
                "No network of our own ({why:#}): a proxy delays in order, and no packet is lost."
            ));
            Lab::with_bytes(plan).await?
        }
    };
    report.note(format!("The line's seed is {}; the autopilots are {}.", plan.seed, plan.pilots));
    for conditions in lines(plan.only) {
        if conditions.loss_percent == 0 || matches!(lab.line, Distance::Packets { .. }) {
            lab.measure(plan, conditions, report).await?;
        }
    }
    if let Distance::Packets { line, .. } = &lab.line {
        let (carried, lost) = line.counts();
        report.note(format!("{carried} packets carried, {lost} lost."));
    }
    Ok(())
}

/// A network of our own takes no other congestion control than one that everybody may use.
fn check_congestion(name: &str, allowed: &str) -> Result<()> {
    ensure!(
        allowed.split_whitespace().any(|known| known == name),
        "the congestion control {name} may not be used here: {CONGESTION_CONTROLS_ALLOWED} permits {}",
        allowed.split_whitespace().collect::<Vec<_>>().join(", ")
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

impl Lab {
    async fn with_packets(plan: &Plan) -> Result<Self> {
        let (near, near_end) = Place::open(SERVER_PLACE)?;
        let (far, far_end) = Place::open(CLIENTS_PLACE)?;
        if let Some(algorithm) = &plan.congestion {
            near.control_congestion(algorithm).await?;
            far.control_congestion(algorithm).await?;
        }
        let line = Line::between(near_end, far_end, plan.seed);
        let data = tempfile::tempdir().context("a folder for the server")?;
        let (folder, round, without) = (data.path().to_owned(), plan.round, plan.without);
        let start = async move || start_server(&folder, SERVER_ADDRESS, round, without);
        let (server, address) = near.run(start).await?;
        let site = Site::at(address);
        Ok(Self {
            line: Distance::Packets { line, near, far },
            url: site.url(""),
            site,
            _server: server,
            _data: data,
        })
    }

    async fn with_bytes(plan: &Plan) -> Result<Self> {
        let data = tempfile::tempdir().context("a folder for the server")?;
        let (server, address) =
            start_server(data.path(), Ipv4Addr::LOCALHOST, plan.round, plan.without);
        let site = Site::at(address);
        let proxy = Proxy::to(&site).await;
        let url = proxy.site().url("");
        Ok(Self { line: Distance::Bytes(proxy), site, url, _server: server, _data: data })
    }

    async fn measure(
        &self,
        plan: &Plan,
        conditions: Conditions,
        report: &mut Report,
    ) -> Result<()> {
        let Conditions { rtt_ms, jitter_ms, loss_percent } = conditions;
        match &self.line {
            Distance::Packets { line, .. } => line.set(conditions),
            Distance::Bytes(proxy) => {
                let ms = |ms| Duration::from_millis(u64::from(ms));
                proxy.delay(ms(rtt_ms) / 2, ms(jitter_ms));
            }
        }
        let line = format!("link.rtt{rtt_ms}_jitter{jitter_ms}_loss{loss_percent}");
        let line = plan.without.map_or(line.clone(), |what| format!("{line}.{}", what.name()));
        let outcomes = self.play(plan, false).await?;
        if outcomes.len() < plan.clients * ROOMS {
            let failed = plan.clients * ROOMS - outcomes.len();
            report.note(format!("{line}: {failed} of the clients failed and are left out."));
        }
        tell(&line, &outcomes, report);
        if matches!(self.line, Distance::Packets { .. }) {
            let cut = self.play(plan, true).await?;
            let outages = cut.iter().map(|outcome| figure(outcome, "longest_outage_ms"));
            let longest = outages.fold(0.0, f64::max);
            let recovery = longest - CUT.as_secs_f64() * 1_000.0;
            let words = "from the end of a 500 ms cut until all is well, the slowest client";
            report.add(format!("{line}.recovery_ms"), recovery, "ms", words);
        }
        Ok(())
    }

    /// One round in each room. What each client says of it.
    async fn play(&self, plan: &Plan, with_cut: bool) -> Result<Vec<Value>> {
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
            Distance::Packets { near, far, .. } => {
                let rooms = near.run(open).await?;
                far.run(async move || start(rooms).await).await?
            }
            Distance::Bytes(_) => start(open().await).await,
        };
        if let (true, Distance::Packets { line, .. }) = (with_cut, &self.line) {
            for client in &mut clients {
                let plays = |status: &Value| {
                    status["tick"].as_f64().is_some_and(|tick| tick >= CUT_AT_TICK)
                };
                client.status_where("the middle of the round", plays).await;
            }
            line.cut(true);
            sleep(CUT).await;
            line.cut(false);
        }
        let mut outcomes = Vec::new();
        for mut client in clients {
            // One that fails has said why, and the others still have something to tell.
            let outcome = AssertUnwindSafe(client.outcome()).catch_unwind().await;
            let Ok(outcome) = outcome else { continue };
            ensure!(outcome["diverged"] == 0, "a client's world went its own way: {outcome}");
            outcomes.push(outcome["prediction"].clone());
        }
        ensure!(!outcomes.is_empty(), "no client came to the end of its round");
        Ok(outcomes)
    }
}

fn start_server(
    data: &std::path::Path,
    at: Ipv4Addr,
    round: Duration,
    without: Option<Without>,
) -> (Program, SocketAddr) {
    let mut command = server_command(data, SocketAddr::from((at, 0)));
    command.args(["--round-seconds", &round.as_secs().to_string()]);
    command.envs(without.map(|what| (what.variable(), "true")));
    let mut program = Program::start("the server", command.stdout(Stdio::piped()));
    let address = program.announced(|line| line.strip_prefix("listening on http://")?.parse().ok());
    (program, address)
}

fn figure(outcome: &Value, name: &str) -> f64 {
    outcome[name].as_f64().unwrap_or(f64::NAN)
}

/// The mean of what the clients say. Corrections are those of all, and of hits, those that land many count more.
fn tell(line: &str, outcomes: &[Value], report: &mut Report) {
    let mean = |name: &str| {
        outcomes.iter().map(|outcome| figure(outcome, name)).sum::<f64>() / outcomes.len() as f64
    };
    for (name, figure, unit, words) in [
        ("snapshot_age_p50_ms", "snapshot_age_p50_ms", "ms", "since the newest snapshot came"),
        ("snapshot_age_p99_ms", "snapshot_age_p99_ms", "ms", ""),
        ("stalls_per_minute", "stalls_per_minute", "/min", "gaps over 100 ms"),
        (
            "own_corrections_per_minute",
            "corrections_seen_per_minute",
            "/min",
            "over a tenth of a radius",
        ),
        ("ahead_p50_ticks", "ahead_p50_ticks", "ticks", "foretold beyond each snapshot"),
        ("ahead_p99_ticks", "ahead_p99_ticks", "ticks", ""),
        (
            "others_error_p50_radii",
            "others_error_p50_radii",
            "radii",
            "as shown, against the truth",
        ),
        ("others_error_p99_radii", "others_error_p99_radii", "radii", ""),
        ("late_inputs_percent", "late_inputs_percent", "%", ""),
    ] {
        report.add(format!("{line}.{name}"), mean(figure), unit, words);
    }
    let sizes = corrections(outcomes);
    let words = "own disc, of all snapshots of all players";
    report.add(format!("{line}.own_correction_p50_radii"), percentile(&sizes, 50), "radii", words);
    report.add(format!("{line}.own_correction_p99_radii"), percentile(&sizes, 99), "radii", "");
    let hits: f64 = outcomes.iter().map(|outcome| figure(outcome, "hits")).sum();
    let agreed = outcomes
        .iter()
        .map(|outcome| figure(outcome, "hits") * figure(outcome, "hit_agreement_percent"));
    let agreement = agreed.sum::<f64>() / hits;
    let words = format!("of {hits} own hits were seen here and counted there");
    report.add(format!("{line}.hit_agreement"), agreement, "%", &words);
}

/// How far each snapshot of each player moved the own disc, in radii; most did not. Sorted.
fn corrections(outcomes: &[Value]) -> Vec<f64> {
    let mut sizes = Vec::new();
    for outcome in outcomes {
        let moved = outcome["correction_sizes"].as_array().into_iter().flatten();
        let begin = sizes.len();
        sizes.extend(moved.filter_map(Value::as_f64).map(|thousandths| thousandths / 1_000.0));
        let compared = outcome["snapshots"].as_u64().and_then(|count| usize::try_from(count).ok());
        sizes.resize(begin + compared.unwrap_or(0).max(sizes.len() - begin), 0.0);
    }
    sizes.sort_by(f64::total_cmp);
    sizes
}

/// What a part of the sorted numbers does not exceed.
fn percentile(sorted: &[f64], percent: usize) -> f64 {
    let place = sorted.len().saturating_sub(1) * percent / 100;
    sorted.get(place).copied().unwrap_or(f64::NAN)
}

/// A line in words: round trip, jitter and loss, such as `100,20,1`.
///
/// # Errors
/// When it is no such line.
pub fn conditions(text: &str) -> Result<Conditions> {
    let numbers: Vec<u32> = text
        .split(',')
        .map(|number| number.trim().parse().context("a line is three whole numbers: 100,20,1"))
        .collect::<Result<_>>()?;
    let [rtt_ms, jitter_ms, loss_percent] = numbers[..] else {
        bail!("a line is three numbers, such as 100,20,1: ms there and back, ms of jitter, % lost");
    };
    ensure!(rtt_ms <= 10_000 && jitter_ms <= 10_000, "nobody plays over such a line");
    ensure!(loss_percent < 100, "a line that loses everything is none");
    Ok(Conditions { rtt_ms, jitter_ms, loss_percent })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{check_congestion, corrections, percentile};

    #[test]
    fn a_percentile_is_that_of_all_players_together() {
        let calm = json!({ "snapshots": 300, "correction_sizes": [] });
        let tossed = json!({ "snapshots": 100, "correction_sizes": [900, 20, 500, 700, 40] });

        let sizes = corrections(&[calm, tossed]);

        assert_eq!(sizes.len(), 400);
        let of = |percent| (percentile(&sizes, percent) * 1_000.0).round();
        assert_eq!([50, 98, 99, 100].map(of), [0.0, 0.0, 20.0, 900.0]);
    }

    #[test]
    fn a_congestion_control_that_may_not_be_used_is_named_with_those_that_may() {
        assert!(check_congestion("bbr", "reno bbr\n").is_ok());

        let refused = check_congestion("cubic", "reno bbr\n").unwrap_err().to_string();

        assert!(refused.contains("cubic") && refused.ends_with("reno, bbr"), "{refused}");
    }
}
