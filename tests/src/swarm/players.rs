//! CPU for a connected player: the server on one core, the players on the other; the floor, and on demand another
//! framework, in the same run.

use std::env;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use tokio::time::sleep;

use super::Report;
use super::colyseus;
use super::cores::{pin_self, pinned};
use super::lightyear::{self, OwnCost};
use super::load::{self, Counts, Totals};
use super::process_cost::{self, Plan, ProcessCost};
use super::usage::{quantile, resident_kib};
use crate::process::{Program, built};
use crate::site::Site;
use crate::wait::{DEADLINE, eventually};

/// Before measuring: joins are over, buffers have their size.
const SETTLE: Duration = Duration::from_secs(4);
/// The longest window for the floor.
const FLOOR_WINDOW_MAX: Duration = Duration::from_secs(20);
/// Snapshot rates, in Hz, that count as about thirty.
const SNAPSHOTS_PER_SECOND: std::ops::RangeInclusive<f64> = 28.5..=31.5;
/// Bytes that a WebSocket and the message around the records add to a snapshot.
const MESSAGE_OVERHEAD_BYTES: usize = 4;

/// Default numbers of players. The last one fills a core, which shows the server under overload.
pub const COUNTS: [usize; 5] = [64, 320, 1_000, 2_000, 4_000];
/// Default numbers beside a peer, whose measurement takes as long again.
pub const COUNTS_BESIDE_A_PEER: [usize; 1] = [320];

/// The framework that is measured beside the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Peer {
    /// Colyseus on Node, from npm.
    Colyseus,
    /// lightyear on bevy, from crates.io.
    Lightyear,
}

/// What was measured of the server.
struct ServerRun {
    watched: ProcessCost,
    /// Resident memory before the first player joined, in KiB.
    empty_kib: f64,
    counts: Counts,
    /// `/metrics` before and after the window.
    metrics: [String; 2],
    /// Counts from the first join on.
    whole: Counts,
}

/// The numbers of players to measure: `asked`, or the defaults.
///
/// # Errors
/// When the peer's figures of several numbers would have the same names.
pub fn counts(asked: &[usize], peer: Option<Peer>) -> Result<Vec<usize>> {
    ensure!(
        peer != Some(Peer::Lightyear) || asked.len() <= 1,
        "lightyear's figures do not name the number of players: measure one number at a time, such as --count 320"
    );
    Ok(match peer {
        _ if !asked.is_empty() => asked.to_vec(),
        Some(_) => COUNTS_BESIDE_A_PEER.to_vec(),
        None => COUNTS.to_vec(),
    })
}

/// Measures and reports.
///
/// # Errors
/// When a program cannot be started, a record was wrong, or the peer does something else than what is measured.
pub async fn measure(plan: Plan, peer: Option<Peer>, report: &mut Report) -> Result<()> {
    pin_self()?;
    report.note_seed("players", plan.seed, "what they press, and the worlds");
    let server = on_the_server(plan).await?;
    add_server(plan, &server, report);
    let diverged = server.whole.diverged;
    ensure!(
        diverged == 0,
        "{diverged} times a record could not be read, or contradicted its checksum"
    );
    let bytes_per_snapshot = server.bytes_per_snapshot();
    let snapshot_bytes = bytes_per_snapshot.round() as usize + MESSAGE_OVERHEAD_BYTES;
    let floor = on_the_floor(plan, snapshot_bytes).await?;
    let server = server.watched;
    add_cost(plan, &server, &floor, report);
    let ours = OwnCost { us_per_player_second: server.us_per_player_second, bytes_per_snapshot };
    match peer {
        Some(Peer::Colyseus) => colyseus::measure(plan, ours.us_per_player_second, report).await,
        Some(Peer::Lightyear) => lightyear::measure(plan, &ours, report).await,
        None => Ok(()),
    }
}

/// Plays on a running server and reports what the players felt.
///
/// # Errors
/// When a seat is refused.
pub async fn play(site: &Site, plan: Plan, report: &mut Report) -> Result<()> {
    report.note_seed("players", plan.seed, "what they press");
    let totals = Arc::new(Totals::default());
    let tasks = load::players(site, plan.count, plan.seed, &totals).await?;
    let before = totals.now();
    sleep(plan.window).await;
    let whole = totals.now();
    drop(tasks);
    add_traffic(plan, &whole.since(&before), report);
    report.note_lost("players", plan.count, whole.lost);
    Ok(())
}

/// Starts the server on its core, without bots and with room for all players. Its worlds follow from the seed.
pub(super) async fn start_server(
    data: &Path,
    seed: u64,
    flags: &[&str],
) -> Result<(Program, Site)> {
    let mut command = server_command(data, SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), seed);
    if !flags.contains(&"--round-seconds") {
        command.args(["--round-seconds", "3600"]);
    }
    command.args(flags);
    let mut program = Program::start("the server", command.stdout(Stdio::piped()));
    let address: SocketAddr =
        program.announced(|line| line.strip_prefix("listening on http://")?.parse().ok());
    let site = Site::at(address);
    eventually(DEADLINE, "readiness", async || site.is_ready().await.then_some(())).await;
    Ok((program, site))
}

/// The command of a server on its core, at this address. Its limits refuse no player, and its worlds follow from the seed.
pub(super) fn server_command(data: &Path, listen: SocketAddr, seed: u64) -> Command {
    let mut command = pinned(built("PUSHBACK_SERVER_BIN", "game-server"));
    command.args(["--seed", &seed.to_string()]);
    command.args(["--listen", &listen.to_string(), "--bots", "false", "--log", "warn"]);
    command.args(["--connections-per-address-max", "100000", "--connections-max", "100000"]);
    command.args(["--sessions-per-minute", "1000000", "--rooms-max", "10000"]);
    command.args(["--rooms-per-guest-max", "10000", "--rooms-per-address-max", "10000"]);
    command.args(["--codes-per-minute", "1000000"]);
    command.args(["--rooms-per-minute", "1000000", "--data-dir"]).arg(data);
    command
}

async fn on_the_server(plan: Plan) -> Result<ServerRun> {
    let data = tempfile::tempdir().context("a folder for the server")?;
    let (program, site) = start_server(data.path(), plan.seed, &[]).await?;
    let empty_kib = resident_kib(program.id())?;
    let totals = Arc::new(Totals::default());
    let tasks = load::players(&site, plan.count, plan.seed, &totals).await?;
    sleep(SETTLE).await;
    let metrics = || async { site.get("/metrics").await.text().to_owned() };
    let (before, metrics_before) = (totals.now(), metrics().await);
    let watched = process_cost::measure(program.id(), plan).await?;
    let (counts, metrics) = (totals.now().since(&before), [metrics_before, metrics().await]);
    let whole = totals.now();
    drop(tasks);
    Ok(ServerRun { watched, empty_kib, counts, metrics, whole })
}

impl ServerRun {
    fn bytes_per_snapshot(&self) -> f64 {
        self.counts.bytes as f64 / self.counts.snapshots.max(1) as f64
    }
}

fn add_server(plan: Plan, run: &ServerRun, report: &mut Report) {
    let name = |figure: &str| format!("players.{}.{figure}", plan.count);
    let words = "of 16 moving players, mean";
    report.add(name("bytes_per_snapshot"), run.bytes_per_snapshot(), "B", words);
    add_traffic(plan, &run.counts, report);
    report.note_lost("players", plan.count, run.whole.lost);
    let [before, after] = &run.metrics;
    for (figure, histogram) in [
        ("tick_p99_ms", "pushback_tick_seconds"),
        ("tick_lateness_p99_ms", "pushback_tick_late_seconds"),
    ] {
        let p99 = quantile(before, after, histogram, 0.99);
        report.add(name(figure), p99 * 1_000.0, "ms", "the bound of its bucket");
    }
    let memory = &run.watched.memory;
    let (first, last) = (memory[0], memory[memory.len() - 1]);
    let per_connection = (first - run.empty_kib) / plan.count as f64;
    report.add(name("kb_per_connection"), per_connection, "KiB", "session, room and sockets");
    let steps: Vec<_> = memory.iter().map(|kib| format!("{:.1}", kib / 1024.0)).collect();
    let words = format!("in the window; MiB: {}", steps.join(" "));
    report.add(name("resident_growth_kb"), last - first, "KiB", &words);
}

fn add_cost(plan: Plan, server: &ProcessCost, floor: &ProcessCost, report: &mut Report) {
    let name = |figure: &str| format!("players.{}.{figure}", plan.count);
    let words = "server CPU for a connected player";
    report.add(name("us_per_player_second"), server.us_per_player_second, "µs", words);
    let words = "the bare epoll loop, same sizes and rates";
    report.add(name("floor_us_per_player_second"), floor.us_per_player_second, "µs", words);
    let ratio = server.us_per_player_second / floor.us_per_player_second;
    report.add(name("ratio_to_floor"), ratio, "×", "server beside the bare loop");
}

/// Adds what the players felt.
fn add_traffic(plan: Plan, run: &Counts, report: &mut Report) {
    let name = |figure: &str| format!("players.{}.{figure}", plan.count);
    let player_seconds = plan.count as f64 * plan.window.as_secs_f64();
    let each = |count: u64| count as f64 / player_seconds;
    let snapshots = each(run.snapshots);
    report.add(name("snapshots_per_second"), snapshots, "/s", "that each player got");
    if !SNAPSHOTS_PER_SECOND.contains(&snapshots) {
        report.note(format!(
            "{} players got {snapshots:.1} snapshots a second instead of 30: this machine could not carry them, and \
             their other figures say nothing.",
            plan.count
        ));
    }
    report.add(name("inputs_per_second"), each(run.inputs), "/s", "messages that each sent");
    let late = run.late as f64 / run.received.max(1) as f64 * 100.0;
    report.add(name("inputs_late_percent"), late, "%", "of the inputs came too late");
    let stalls = each(run.stalls) * 60.0;
    report.add(name("stalls_per_minute"), stalls, "/min", "gaps over 100 ms that each player had");
}

async fn on_the_floor(plan: Plan, bytes: usize) -> Result<ProcessCost> {
    let mut command = pinned(env::current_exe().context("the own program")?);
    command.args(["floor", "--players", &plan.count.to_string(), "--bytes", &bytes.to_string()]);
    let mut program = Program::start("the floor", command.stdout(Stdio::piped()));
    let address = program.announced(|line| line.strip_prefix("listening on ")?.parse().ok());
    let totals = Arc::new(Totals::default());
    let tasks = load::floor_players(address, plan.count, bytes, plan.seed, &totals).await?;
    sleep(SETTLE).await;
    // The floor does the same all the time, so a short window is enough.
    let watched = process_cost::measure(
        program.id(),
        Plan { window: plan.window.min(FLOOR_WINDOW_MAX), ..plan },
    );
    let watched = watched.await?;
    drop(tasks);
    Ok(watched)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Counts, Peer, Plan, ProcessCost, Report, ServerRun, add_cost, add_server, counts};
    use crate::swarm::report::assert_names;

    #[test]
    fn figures_have_the_names_that_programs_know() {
        let plan = Plan { count: 320, window: Duration::from_secs(10), seed: 1 };
        let watched = |us| ProcessCost { us_per_player_second: us, memory: vec![4_200.0, 4_300.0] };
        let metrics = [String::new(), String::new()];
        let run = ServerRun {
            watched: watched(330.0),
            empty_kib: 1_000.0,
            counts: Counts::default(),
            metrics,
            whole: Counts::default(),
        };
        let mut report = Report::default();

        add_server(plan, &run, &mut report);
        add_cost(plan, &run.watched, &watched(300.0), &mut report);

        let names =
            ["us_per_player_second", "ratio_to_floor", "tick_lateness_p99_ms", "kb_per_connection"];
        assert_names(&report, "players.320", &names);
        assert_eq!(report.figure("players.320.kb_per_connection"), 10.0);
        assert!((report.figure("players.320.ratio_to_floor") - 1.1).abs() < 1e-9);
    }

    #[test]
    fn many_numbers_of_players_are_measured_unless_a_peer_is() {
        assert_eq!(counts(&[], None).unwrap(), [64, 320, 1_000, 2_000, 4_000]);
        assert_eq!(counts(&[4_000], None).unwrap(), [4_000]);
        for peer in [Peer::Colyseus, Peer::Lightyear] {
            assert_eq!(counts(&[], Some(peer)).unwrap(), [320]);
            assert_eq!(counts(&[64], Some(peer)).unwrap(), [64]);
        }
        assert_eq!(counts(&[64, 320], Some(Peer::Colyseus)).unwrap(), [64, 320]);

        let refused = counts(&[64, 320], Some(Peer::Lightyear)).unwrap_err().to_string();

        assert!(refused.contains("one number at a time"), "{refused}");
    }
}
