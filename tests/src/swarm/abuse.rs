//! What two thousand healthy players and readers feel while others abuse the server: readers that stall, connections whose
//! request never ends, and guests who try every limit. A server with its default limits, in one run: windows without the abuse
//! and windows with it take turns, and those of a kind count together. One alone scatters by a third.
//!
//! Every client has a loopback address of its own, because limits count by address.

mod addresses;
pub(super) mod arrivals;
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
use attackers::Tally;
use healthy::{Felt, Healthy};

pub use attackers::attack;

/// Players, in rooms of sixteen.
const PLAYERS: usize = 1_000;
/// Readers of a feed, half of them by SSE and half by WebSocket.
const READERS: usize = 1_000;
/// Windows with the abuse. There is one more without it.
const ATTACKS: usize = 3;
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
    let mut clean = vec![healthy.measure(window, program.id()).await?];
    let (mut abused, mut attacks) = (Vec::new(), Vec::new());
    for _ in 0..ATTACKS {
        let mut attack = Attack::start(&site)?;
        let at_limits = attack.at_limits().await;
        abused.push(healthy.measure(window, program.id()).await?);
        let (tally, resident_mib) = (attack.tally(), resident_mib(&program)?);
        let open_files = open_files(program.id())?;
        attacks.push(Seen { at_limits, tally, resident_mib, open_files });
        drop(attack);
        sleep(AFTERMATH).await;
        clean.push(healthy.measure(window, program.id()).await?);
    }
    let after_mib = resident_mib(&program)?;

    add_felt(clean, abused, report);
    report.add("abuse.memory_growth_mib", after_mib - before_mib, "MiB", "after the abuse");
    add_seen(&attacks, before_mib, report);
    report.note_lost("abuse: healthy clients", PLAYERS + READERS, healthy.lost());
    Ok(())
}

fn resident_mib(program: &Program) -> Result<f64> {
    Ok(resident_kib(program.id())? / 1024.0)
}

/// The attackers and the server at the end of a window with the abuse.
struct Seen {
    at_limits: u64,
    tally: Tally,
    resident_mib: f64,
    open_files: usize,
}

fn add_seen(attacks: &[Seen], before_mib: f64, report: &mut Report) {
    let most = |of: fn(&Seen) -> f64| attacks.iter().map(of).fold(f64::NAN, f64::max);
    let sum = |of: fn(&Tally) -> u64| attacks.iter().map(|seen| of(&seen.tally)).sum::<u64>();
    let more_mib = most(|seen| seen.resident_mib) - before_mib;
    report.add("abuse.memory_during_mib", more_mib, "MiB", "more while it went on");
    let files = most(|seen| seen.open_files as f64);
    report.add("abuse.open_files", files, "", "of the server while it went on");
    let fewest = attacks.iter().map(|seen| seen.at_limits).min().unwrap_or_default();
    let words = "of the hundred guests had been refused by each limit when a window began";
    report.add("abuse.guests_at_limits", fewest as f64, "", words);
    let requests = sum(|tally| tally.requests);
    report.add("abuse.requests", requests as f64, "", "that the hundred guests sent");
    let words = "of them answered 429 or 503";
    report.add("abuse.requests_limited", sum(|tally| tally.limited) as f64, "", words);
    let words = "of them answered 500, or not at all";
    report.add("abuse.requests_failed", sum(|tally| tally.failed) as f64, "", words);
}

fn add_felt(clean: Vec<Felt>, abused: Vec<Felt>, report: &mut Report) {
    let each = |windows: &[Felt]| {
        let of_each = windows.iter().map(|felt| format!("{:.1}", felt.event_p99_ms()));
        of_each.collect::<Vec<_>>().join(", ")
    };
    report.note(format!(
        "abuse: event to reader, p99 of each window: {} ms without the abuse, {} ms beside it.",
        each(&clean),
        each(&abused)
    ));
    let (clean, abused) = (Felt::of_all(clean), Felt::of_all(abused));
    let mut worst = f64::NAN;
    for (what, clean, abused, words) in [
        ("ping", clean.ping_p99_ms(), abused.ping_p99_ms(), "round trip of a player's ping, p99"),
        ("event", clean.event_p99_ms(), abused.event_p99_ms(), "from event to reader, p99"),
    ] {
        report.add(format!("abuse.{what}_p99_clean_ms"), clean, "ms", words);
        let words = "the same beside the abuse";
        report.add(format!("abuse.{what}_p99_abused_ms"), abused, "ms", words);
        worst = worst.max(abused / clean);
    }
    let words = "the greater of the two, beside the clean windows";
    report.add("abuse.healthy_p99_ratio", worst, "×", words);
    for (name, cores, words) in [
        ("server_cores_clean", clean.server_cores(), "that the server took"),
        ("server_cores_abused", abused.server_cores(), "the same beside the abuse"),
        ("clients_cores_clean", clean.clients_cores(), "that the clients took"),
        ("clients_cores_abused", abused.clients_cores(), "the same beside the abuse"),
    ] {
        report.add(format!("abuse.{name}"), cores, "cores", words);
    }
    let snapshots = abused.snapshots_per_second() / PLAYERS as f64;
    let words = "that each player got, beside the abuse";
    report.add("abuse.snapshots_per_second", snapshots, "/s", words);
}
