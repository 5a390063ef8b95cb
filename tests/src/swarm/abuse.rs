//! What two thousand healthy players and readers feel while others abuse the server: readers that stall, connections whose
//! request never ends, and guests who try every limit. A server with its default limits, in one run: without the abuse, with
//! it, and without it again. The mean of the two clean windows is the reference: one alone scatters by a third.
//!
//! Every client has a loopback address of its own, because limits count by address.

mod addresses;
mod attack;
mod attackers;
mod healthy;

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::time::sleep;

use super::Report;
use super::cores::{pin_self, pinned};
use super::usage::{open_files, resident_kib};
use crate::process::{Program, built};
use crate::site::Site;
use attack::Attack;
use healthy::{Felt, Healthy};

pub use attackers::attack;

/// Players, in rooms of sixteen.
const PLAYERS: usize = 1_000;
/// Readers of a feed, half of them by SSE and half by WebSocket.
const READERS: usize = 1_000;
/// Before measuring: everybody has come.
const SETTLE: Duration = Duration::from_secs(5);
/// After the abuse: what the server had for the attackers is gone. Longer than its longest time limit.
const AFTERMATH: Duration = Duration::from_secs(20);

/// Measures and reports.
///
/// # Errors
/// When the server cannot be started or ends, or a healthy client is refused.
pub async fn measure(window: Duration, seed: u64, report: &mut Report) -> Result<()> {
    pin_self()?;
    report.note_seed("abuse", seed, "what the healthy players press, and the worlds");
    let data = tempfile::tempdir().context("a folder for the server")?;
    let mut command = pinned(built("PUSHBACK_SERVER_BIN", "game-server"));
    command.args(["--listen", "127.0.0.1:0", "--bots", "false", "--log", "off"]);
    command.args(["--round-seconds", "3600", "--seed", &seed.to_string()]);
    command.arg("--data-dir").arg(data.path());
    let mut program = Program::start("the server", command.stdout(Stdio::piped()));
    let address = program.announced(|line| line.strip_prefix("listening on http://")?.parse().ok());
    let site = Site::at(address);

    let healthy = Healthy::start(&site, PLAYERS, READERS, seed).await?;
    sleep(SETTLE).await;
    let before_mib = resident_mib(&program)?;
    let clean = healthy.measure(window, program.id()).await?;

    let mut attack = Attack::start(&site)?;
    let at_limits = attack.at_limits().await;
    let abused = healthy.measure(window, program.id()).await?;
    let during_mib = resident_mib(&program)?;
    let files = open_files(program.id())?;
    let tally = attack.tally();
    drop(attack);
    sleep(AFTERMATH).await;
    let after_mib = resident_mib(&program)?;

    let afterwards = healthy.measure(window, program.id()).await?;

    add_felt([&clean, &afterwards], &abused, report);
    report.add("abuse.memory_growth_mib", after_mib - before_mib, "MiB", "after the abuse");
    report.add("abuse.memory_during_mib", during_mib - before_mib, "MiB", "more while it went on");
    report.add("abuse.open_files", files as f64, "", "of the server while it went on");
    let words = "of the hundred guests had been refused by each limit when it began";
    report.add("abuse.guests_at_limits", at_limits as f64, "", words);
    report.add("abuse.requests", tally.requests as f64, "", "that the hundred guests sent");
    let words = "of them answered 429 or 503";
    report.add("abuse.requests_limited", tally.limited as f64, "", words);
    let words = "of them answered 500, or not at all";
    report.add("abuse.requests_failed", tally.failed as f64, "", words);
    report.note_lost("abuse: healthy clients", PLAYERS + READERS, healthy.lost());
    Ok(())
}

fn resident_mib(program: &Program) -> Result<f64> {
    Ok(resident_kib(program.id())? / 1024.0)
}

fn add_felt(clean: [&Felt; 2], abused: &Felt, report: &mut Report) {
    let mut worst = f64::NAN;
    let ping = |felt: &Felt| felt.ping_p99_ms;
    let event = |felt: &Felt| felt.event_p99_ms;
    let mean = |clean: [f64; 2]| clean.iter().sum::<f64>() / 2.0;
    for (what, clean, abused, words) in [
        ("ping", mean(clean.map(ping)), ping(abused), "round trip of a player's ping, p99"),
        ("event", mean(clean.map(event)), event(abused), "from event to reader, p99"),
    ] {
        report.add(format!("abuse.{what}_p99_clean_ms"), clean, "ms", words);
        report.add(
            format!("abuse.{what}_p99_abused_ms"),
            abused,
            "ms",
            "the same beside the abuse",
        );
        worst = worst.max(abused / clean);
    }
    report.add(
        "abuse.healthy_p99_ratio",
        worst,
        "×",
        "the greater of the two, beside the clean run",
    );
    for (name, cores, words) in [
        ("server_cores_clean", mean(clean.map(|felt| felt.server_cores)), "that the server took"),
        ("server_cores_abused", abused.server_cores, "the same beside the abuse"),
        (
            "clients_cores_clean",
            mean(clean.map(|felt| felt.clients_cores)),
            "that the clients took",
        ),
        ("clients_cores_abused", abused.clients_cores, "the same beside the abuse"),
    ] {
        report.add(format!("abuse.{name}"), cores, "cores", words);
    }
    let words = "that each player got, beside the abuse";
    report.add("abuse.snapshots_per_second", abused.snapshots_per_second, "/s", words);
}
