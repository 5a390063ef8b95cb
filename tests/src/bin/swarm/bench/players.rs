//! Server CPU for a connected player, beside a bare loop of the same sizes and rates in the same run.
//!
//! Server and loop run on one core, the load on the other. What they cost is what Linux counted for their
//! process during the window.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use tests::Site;
use tests::process::{Program, built};
use tests::wait::{DEADLINE, eventually};
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::{sleep, sleep_until};

use crate::swarm::measure::{bound_ms, buckets, can_pin, cpu_seconds, memory_kb, on_core};
use crate::swarm::players::PlayersReport;
use crate::swarm::report::Report;

const SERVER_CORE: usize = 0;
const LOAD_CORE: usize = 1;
/// Between the last to sit down and the window: rounds begin, buffers fill.
const SETTLE: Duration = Duration::from_secs(4);
/// The load goes on for so long after the window.
const SPARE_SECONDS: u64 = 3;
/// The floor needs no long window: it does the same all the time.
const FLOOR_SECONDS_MAX: u64 = 20;
/// What WebSocket framing adds: to a short server's message, and to a short client's (with its mask).
const FRAME_DOWN_BYTES: f64 = 2.0;
const FRAME_UP_BYTES: usize = 6;
/// Before the bytes of a match stream in a message: the variant and the length.
const MESSAGE_HEAD_BYTES: f64 = 2.0;
/// Memory is looked at this often.
const LOOKS: u32 = 10;

/// What was seen in the window.
struct Window {
    cpu_us_per_player_second: f64,
    memory_kb: Vec<f64>,
}

pub(crate) async fn measure(report: &mut Report, count: usize, seconds: u64) -> Result<()> {
    report.section(&format!("{count} players in rooms of 16, {seconds} s"))?;
    if !can_pin() {
        report
            .remark("(server and load share cores here: there is no second core or no taskset)")?;
    }
    let key = format!("players.{count}");
    let folder = tempfile::tempdir().context("a temporary folder")?;

    let (server, site) = start_server(folder.path()).await?;
    let empty_kb = memory_kb(server.id())?;
    let mut load = Load::start(&["players"], &site.url(""), count, seconds).await?;
    let before = site.get("/metrics").await;
    let window = watch(server.id(), count, seconds).await?;
    let after = site.get("/metrics").await;
    let seen: PlayersReport = load.report().await?;
    drop(server);
    ensure!(seen.lost == 0, "{} players lost their connection", seen.lost);
    ensure!(seen.diverged == 0, "streams diverged {} times", seen.diverged);

    let floor = floor(folder.path(), &seen, count, seconds.min(FLOOR_SECONDS_MAX)).await?;
    let mut tell = |name: &str, what: &str, value: f64, unit: &str| {
        report.figure(&format!("{key}.{name}"), what, value, unit)
    };
    let cost = window.cpu_us_per_player_second;
    tell("us_per_player_second", "server CPU a player-second", cost, "µs")?;
    let floor_cost = floor.cpu_us_per_player_second;
    tell("floor_us_per_player_second", "the bare loop's", floor_cost, "µs")?;
    tell("ratio_to_floor", "ratio", cost / floor_cost, "×")?;
    let first_kb = window.memory_kb.first().copied().unwrap_or(0.0);
    let connected_kb = (first_kb - empty_kb) / count as f64;
    tell("kb_per_connection", "memory a connection (rooms included)", connected_kb, "KB")?;
    let last_kb = window.memory_kb.last().copied().unwrap_or(0.0);
    tell("memory_mb", "memory at the end", last_kb / 1024.0, "MB")?;
    tell("memory_growth_kb", "memory growth in the window", last_kb - first_kb, "KB")?;
    tell_traffic(&seen, &mut tell)?;
    for (name, metric, what) in [
        ("tick_ms", "pushback_tick_seconds", "a room's tick takes at most"),
        ("tick_late_ms", "pushback_tick_late_seconds", "a tick is late by at most"),
    ] {
        let (before, after) = (buckets(before.text(), metric), buckets(after.text(), metric));
        let p99 = bound_ms(&before, &after, 0.99);
        tell(&format!("{name}_p99"), &format!("{what} (p99)"), p99, "ms")?;
    }
    let steps: Vec<_> = window.memory_kb.iter().map(|kb| format!("{:.1}", kb / 1024.0)).collect();
    report.remark(&format!("memory in the window, MB: {}", steps.join(" ")))
}

fn tell_traffic(
    seen: &PlayersReport,
    tell: &mut impl FnMut(&str, &str, f64, &str) -> Result<()>,
) -> Result<()> {
    let a_second = |number: u64| number as f64 / seen.seconds / seen.players.max(1) as f64;
    tell("snapshots_hz", "snapshots a player-second", a_second(seen.snapshots), "")?;
    tell("snapshot_bytes_p50", "bytes of a snapshot, p50", seen.snapshot_bytes_p50, "B")?;
    tell("snapshot_bytes_p90", "bytes of a snapshot, p90", seen.snapshot_bytes_p90, "B")?;
    tell("snapshot_bytes_p99", "bytes of a snapshot, p99", seen.snapshot_bytes_p99, "B")?;
    tell("input_bytes", "bytes of an input message", seen.input_message_bytes as f64, "B")?;
    let late = seen.inputs_late as f64 / seen.inputs_received.max(1) as f64 * 100.0;
    tell("inputs_late_percent", "late inputs", late, "%")?;
    tell("snapshot_gap_ms_p99", "gap between two snapshots, p99", seen.gap_ms_p99, "ms")?;
    tell("stalls_per_minute", "stalls over 100 ms a player-minute", seen.stalls_a_minute, "")
}

/// Watches a process for the window.
async fn watch(process: u32, players: usize, seconds: u64) -> Result<Window> {
    sleep(SETTLE).await;
    let (began, cpu) = (Instant::now(), cpu_seconds(process)?);
    let mut memory = vec![memory_kb(process)?];
    for look in 1..=LOOKS {
        sleep_until((began + Duration::from_secs(seconds) / LOOKS * look).into()).await;
        memory.push(memory_kb(process)?);
    }
    let used = cpu_seconds(process)? - cpu;
    let player_seconds = began.elapsed().as_secs_f64() * players as f64;
    Ok(Window { cpu_us_per_player_second: used * 1e6 / player_seconds, memory_kb: memory })
}

/// The bare loop with what the server's players sent and got.
async fn floor(folder: &Path, seen: &PlayersReport, count: usize, seconds: u64) -> Result<Window> {
    let down = (seen.snapshot_bytes_mean + MESSAGE_HEAD_BYTES + FRAME_DOWN_BYTES).round();
    let up = (seen.input_message_bytes + FRAME_UP_BYTES).to_string();
    let sizes = ["--down", &format!("{down:.0}"), "--up", &up];
    let port_file = folder.join("floor");
    let own = std::env::current_exe().context("the own program")?;
    let mut command = on_core(SERVER_CORE, &own);
    command.arg("floor").args(sizes).arg("--port-file").arg(&port_file);
    let floor = Program::start("the bare loop", &mut command);
    let address = address_in(&port_file).await;
    let arguments: Vec<_> = ["floor-players"].into_iter().chain(sizes).collect();
    let _load = Load::start(&arguments, &format!("http://{address}"), count, seconds).await?;
    watch(floor.id(), count, seconds).await
}

async fn address_in(port_file: &Path) -> std::net::SocketAddr {
    eventually(DEADLINE, "the address", async || {
        std::fs::read_to_string(port_file).ok()?.parse().ok()
    })
    .await
}

async fn start_server(folder: &Path) -> Result<(Program, Site)> {
    let port_file = folder.join("server");
    let mut command = on_core(SERVER_CORE, &built("PUSHBACK_SERVER_BIN", "game-server"));
    command.args(["--listen", "127.0.0.1:0", "--log", "warn", "--bots", "false"]);
    command.args(["--connections-per-address-max", "100000", "--connections-max", "100000"]);
    command.args(["--sessions-per-minute", "1000000", "--rooms-per-minute", "1000000"]);
    command.args(["--rooms-max", "10000", "--round-seconds", "3600"]);
    command.arg("--data-dir").arg(folder.join("data")).arg("--port-file").arg(&port_file);
    let program = Program::start("game-server", command.stdout(Stdio::null()));
    let site = Site::at(address_in(&port_file).await);
    ensure!(site.get("/readyz").await.status == 200, "the server is not ready");
    Ok((program, site))
}

/// Clients in a process of their own.
struct Load {
    _child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Load {
    /// Starts them and waits until all play.
    async fn start(arguments: &[&str], server: &str, count: usize, seconds: u64) -> Result<Self> {
        let own = std::env::current_exe().context("the own program")?;
        let seconds = seconds + SETTLE.as_secs() + SPARE_SECONDS;
        let mut command = Command::from(on_core(LOAD_CORE, &own));
        command.args(arguments).args(["--server", server, "--count", &count.to_string()]);
        command.args(["--seconds", &seconds.to_string()]);
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("starting the load")?;
        let output = child.stdout.take().context("the load's output")?;
        let mut lines = BufReader::new(output).lines();
        let first = lines.next_line().await.context("the load's output")?;
        ensure!(first.as_deref() == Some("ready"), "the load did not start: {first:?}");
        Ok(Self { _child: child, lines })
    }

    /// Waits for the end and what was seen.
    async fn report(&mut self) -> Result<PlayersReport> {
        let line = self.lines.next_line().await.context("the load's output")?;
        let line = line.context("the load ended without figures")?;
        serde_json::from_str(&line).with_context(|| format!("the load's figures: {line}"))
    }
}
