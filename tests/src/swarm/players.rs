//! CPU for a connected player: the server on one core, the players on the other, and the floor in the same run.

use std::env;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use tokio::time::sleep;

use super::Report;
use super::load::{self, Totals};
use super::usage::{cpu_seconds, quantile, resident_kib};
use crate::process::{Program, built};
use crate::site::Site;

/// Before measuring: joins are over, buffers have their size.
const SETTLE: Duration = Duration::from_secs(4);
/// The core of the server, and of the floor.
const SERVER_CORE: &str = "0";
/// The core of everything else.
const SWARM_CORE: &str = "1";
/// What a WebSocket and the message around the records add to a snapshot.
const MESSAGE_OVERHEAD_BYTES: usize = 4;

/// How much to measure.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Players.
    pub count: usize,
    /// How long.
    pub window: Duration,
}

struct Measured {
    us_per_player_second: f64,
    bytes_per_snapshot: f64,
}

/// Measures and reports.
///
/// # Errors
/// When a program cannot be started or a connection was lost.
pub async fn measure(plan: Plan, report: &mut Report) -> Result<()> {
    pin_self()?;
    let server = on_the_server(plan, report).await?;
    let snapshot_bytes = server.bytes_per_snapshot.round() as usize + MESSAGE_OVERHEAD_BYTES;
    let floor = on_the_floor(plan, snapshot_bytes).await?;
    let name = |figure: &str| format!("players.{}.{figure}", plan.count);
    let words = "server CPU for a connected player";
    report.add(name("us_per_player_second"), server.us_per_player_second, "µs", words);
    let words = "the bare epoll loop, same sizes and rates";
    report.add(name("floor_us_per_player_second"), floor.us_per_player_second, "µs", words);
    let ratio = server.us_per_player_second / floor.us_per_player_second;
    report.add(name("ratio_to_floor"), ratio, "", "");
    Ok(())
}

async fn on_the_server(plan: Plan, report: &mut Report) -> Result<Measured> {
    let data = tempfile::tempdir().context("a folder for the server")?;
    let mut command = pinned(built("PUSHBACK_SERVER_BIN", "game-server"));
    command.args(["--listen", "127.0.0.1:0", "--bots", "false", "--log", "warn"]);
    command.args(["--round-seconds", "3600", "--connections-per-address-max", "100000"]);
    command.args(["--connections-max", "100000", "--sessions-per-minute", "1000000"]);
    command.args(["--rooms-max", "10000", "--data-dir"]).arg(data.path());
    let mut program = Program::start("the server", command.stdout(Stdio::piped()));
    let address: SocketAddr =
        program.announced(|line| line.strip_prefix("listening on http://")?.parse().ok());
    let site = Site::at(address);
    let pid = program.id();

    let before = resident_kib(pid)?;
    let totals = Arc::new(Totals::default());
    let tasks = load::players(&site, plan.count, &totals).await?;
    sleep(SETTLE).await;
    let joined = resident_kib(pid)?;
    let (snapshots, bytes) =
        (totals.snapshots.load(Ordering::Relaxed), totals.bytes.load(Ordering::Relaxed));
    let us_per_player_second = watch(pid, plan).await?;
    let snapshots = totals.snapshots.load(Ordering::Relaxed) - snapshots;
    let bytes = totals.bytes.load(Ordering::Relaxed) - bytes;
    let after = resident_kib(pid)?;
    ensure!(totals.lost.load(Ordering::Relaxed) == 0, "the server dropped players");
    let metrics = site.get("/metrics").await;
    drop(tasks);

    let name = |figure: &str| format!("players.{}.{figure}", plan.count);
    let measured =
        Measured { us_per_player_second, bytes_per_snapshot: bytes as f64 / snapshots as f64 };
    let rate = snapshots as f64 / plan.count as f64 / plan.window.as_secs_f64();
    report.add(name("snapshots_per_second"), rate, "/s", "that each player got");
    let words = "of 16 moving players, mean";
    report.add(name("bytes_per_snapshot"), measured.bytes_per_snapshot, "B", words);
    let per_connection = (joined - before) / plan.count as f64;
    report.add(name("kb_per_connection"), per_connection, "KiB", "session, room and sockets");
    report.add(name("resident_growth_kb"), after - joined, "KiB", "while it was measured");
    let milliseconds = |histogram| quantile(metrics.text(), histogram, 0.99) * 1_000.0;
    let words = "the bound of its bucket";
    report.add(name("tick_p99_ms"), milliseconds("pushback_tick_seconds"), "ms", words);
    report.add(
        name("tick_lateness_p99_ms"),
        milliseconds("pushback_tick_late_seconds"),
        "ms",
        words,
    );
    Ok(measured)
}

async fn on_the_floor(plan: Plan, bytes: usize) -> Result<Measured> {
    let mut command = pinned(env::current_exe().context("the own program")?);
    command.args(["floor", "--players", &plan.count.to_string(), "--bytes", &bytes.to_string()]);
    let mut program = Program::start("the floor", command.stdout(Stdio::piped()));
    let address = program.announced(|line| line.strip_prefix("listening on ")?.parse().ok());
    let totals = Arc::new(Totals::default());
    let tasks = load::floor_players(address, plan.count, bytes, &totals).await?;
    sleep(SETTLE).await;
    let us_per_player_second = watch(program.id(), plan).await?;
    drop(tasks);
    Ok(Measured { us_per_player_second, bytes_per_snapshot: bytes as f64 })
}

/// CPU of a process over the window, in microseconds for each player and second.
async fn watch(pid: u32, plan: Plan) -> Result<f64> {
    let before = cpu_seconds(pid)?;
    sleep(plan.window).await;
    let used = cpu_seconds(pid)? - before;
    Ok(used * 1e6 / plan.count as f64 / plan.window.as_secs_f64())
}

fn pinned(program: PathBuf) -> Command {
    let mut command = Command::new("taskset");
    command.args(["--cpu-list", SERVER_CORE]).arg(program);
    command
}

fn pin_self() -> Result<()> {
    let pid = std::process::id().to_string();
    let status = Command::new("taskset")
        .args(["--all-tasks", "--pid", "--cpu-list", SWARM_CORE, &pid])
        .stdout(Stdio::null())
        .status()
        .context("starting taskset (package util-linux)")?;
    ensure!(status.success(), "taskset could not pin the load generator");
    Ok(())
}
