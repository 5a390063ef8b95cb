//! The same measurement against Colyseus, the usual framework for such rooms on Node: same machine, same run,
//! same core, the same rates and as many players.
//!
//! Its room is ours, in `tests/peers/colyseus`; Colyseus itself (MIT) comes from npm at run time, in the versions
//! of the lock file, into a temporary folder, together with the version of Node that Colyseus needs. Where npm, Node or
//! the registry is missing, the report says so and goes on.

mod client;

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use tokio::time::sleep;

use self::client::Motion;
use super::Report;
use super::cores::pinned;
use super::load::{Counts, Totals};
use super::process_cost::{self, Plan, ProcessCost};
use crate::process::Program;
use crate::site::Site;

/// The room and what it needs.
const FILES: [(&str, &str); 4] = [
    ("package.json", include_str!("../../peers/colyseus/package.json")),
    ("package-lock.json", include_str!("../../peers/colyseus/package-lock.json")),
    ("discs.mjs", include_str!("../../peers/colyseus/discs.mjs")),
    ("server.mjs", include_str!("../../peers/colyseus/server.mjs")),
];
/// The faster transport and the package that it needs. It depends on uWebSockets.js, which is on GitHub and not on npm,
/// so it may be out of reach where npm is not. Therefore it is installed separately.
const FASTER_TRANSPORT: [&str; 4] =
    ["install", "--no-save", "@colyseus/uwebsockets-transport@0.18.2", "uwebsockets-express@2.0.4"];
/// Without scripts: no package here needs one.
const NPM_OPTIONS: [&str; 5] =
    ["--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1", "--fetch-timeout=60000"];

/// Before measuring. Longer than for a compiled server: V8 compiles what is hot while it runs.
const SETTLE: Duration = Duration::from_secs(10);
/// Patch rates, in Hz, that count as about thirty. Node's timers have whole milliseconds.
const PATCHES_PER_SECOND: std::ops::RangeInclusive<f64> = 27.0..=33.0;
/// Smallest part of the positions in patches that must have changed. A disc may stand still for a moment.
const MOVING_MIN: f64 = 0.9;

/// The cost of a room on Colyseus.
struct Cost {
    watched: ProcessCost,
    traffic: Counts,
    /// Connections that ended.
    lost: u64,
    /// Players whose position changed at least once.
    moved: u64,
    /// The part of all positions in patches that changed.
    moving: f64,
    /// Version, transport and Node, as the server says them.
    runs_on: String,
}

/// Measures and reports, `ours` being our server's microseconds for a player and second. Where it cannot be
/// installed, a note in the report says why.
///
/// # Errors
/// When it is there but does something else than what is measured: players do not move.
pub(super) async fn measure(plan: Plan, ours: f64, report: &mut Report) -> Result<()> {
    let folder = tempfile::tempdir().context("a folder for Colyseus")?;
    if let Err(reason) = install(folder.path()) {
        report.note(format!("Colyseus was not measured: {reason}."));
        return Ok(());
    }
    let cost = on_colyseus(plan, folder.path()).await?;
    add(plan, ours, &cost, report);
    cost.ensure_players_move(plan)
}

fn add(plan: Plan, ours: f64, cost: &Cost, report: &mut Report) {
    let Cost { watched, traffic, runs_on, .. } = cost;
    let name = |figure: &str| format!("players.{}.{figure}", plan.count);
    let player_seconds = plan.count as f64 * plan.window.as_secs_f64();
    let theirs = watched.us_per_player_second;
    report.add(name("colyseus_us_per_player_second"), theirs, "µs", runs_on);
    let words = "Colyseus' CPU for a player divided by ours";
    report.add(name("ratio_to_colyseus"), theirs / ours, "×", words);
    let bytes = traffic.bytes as f64 / traffic.snapshots.max(1) as f64;
    report.add(name("colyseus_bytes_per_snapshot"), bytes, "B", "a patch of its room, mean");
    let patches = traffic.snapshots as f64 / player_seconds;
    report.add(name("colyseus_snapshots_per_second"), patches, "/s", "that each player got");
    let inputs = traffic.inputs as f64 / player_seconds;
    report.add(name("colyseus_inputs_per_second"), inputs, "/s", "messages that each sent");
    report.note_lost("Colyseus", plan.count, cost.lost);
    if !PATCHES_PER_SECOND.contains(&patches) {
        report.note(format!(
            "Colyseus sent {patches:.1} patches a second to each of {} players instead of 30: this machine could not carry \
             them on it, and its other figures say nothing.",
            plan.count
        ));
    }
}

/// Writes the room's files and has npm fetch the packages.
fn install(folder: &Path) -> Result<()> {
    for (name, text) in FILES {
        fs::write(folder.join(name), text).with_context(|| format!("writing {name}"))?;
    }
    // Not `ci`: it wants the optional packages of every other platform too, and not every registry has them.
    npm(folder, &["install"])?;
    // Without it the server takes its default transport, and says so.
    npm(folder, &FASTER_TRANSPORT).ok();
    Ok(())
}

fn npm(folder: &Path, arguments: &[&str]) -> Result<()> {
    let mut command = Command::new("npm");
    command.args(arguments).args(NPM_OPTIONS).current_dir(folder).stdin(Stdio::null());
    let output = command.output().context("node and npm are needed")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "npm could not install it: {}", reason(&said));
    Ok(())
}

/// The first line of npm's error output that is a sentence.
fn reason(said: &str) -> &str {
    let mut errors = said.lines().filter_map(|line| line.strip_prefix("npm error "));
    let is_code = |line: &&str| line.split(' ').count() <= 2;
    errors.find(|line| !is_code(line)).unwrap_or("npm failed").trim_end_matches('.')
}

/// The Node that was installed beside it, or the one on the path where npm has none for this machine.
fn node(folder: &Path) -> PathBuf {
    let architecture = match std::env::consts::ARCH {
        "x86_64" => "x64",
        "aarch64" => "arm64",
        other => other,
    };
    let installed = folder.join(format!("node_modules/node-linux-{architecture}/bin/node"));
    if installed.is_file() { installed } else { PathBuf::from("node") }
}

async fn on_colyseus(plan: Plan, folder: &Path) -> Result<Cost> {
    let mut command = pinned(node(folder));
    command.arg("server.mjs").current_dir(folder).env("NODE_ENV", "production");
    command.env_remove("NODE_OPTIONS").env_remove("DEBUG");
    let mut program = Program::start("Colyseus", command.stdout(Stdio::piped()));
    let (address, runs_on) = program.announced(announcement);
    let (totals, motion) = (Arc::new(Totals::default()), Arc::new(Motion::default()));
    let site = Site::at(address);
    let tasks = client::players(&site, plan.count, plan.seed, &totals, &motion).await?;
    sleep(SETTLE).await;
    let (before, moves_before) = (totals.now(), motion.now());
    let watched = process_cost::measure(program.id(), plan).await?;
    let (traffic, moves) = (totals.now().since(&before), motion.now());
    let lost = totals.now().lost;
    drop(tasks);
    let moved = motion.moved.load(Ordering::Relaxed);
    let moving = (moves.0 - moves_before.0) as f64 / (moves.1 - moves_before.1).max(1) as f64;
    Ok(Cost { watched, traffic, lost, moved, moving, runs_on })
}

impl Cost {
    /// A room without motion would be cheaper than ours. Players that were lost cannot move.
    fn ensure_players_move(&self, plan: Plan) -> Result<()> {
        let (moved, count) = (self.moved, plan.count as u64);
        ensure!(moved + self.lost >= count, "{moved} of {count} players moved on Colyseus");
        let percent = self.moving * 100.0;
        ensure!(self.moving >= MOVING_MIN, "only {percent:.0} % of the discs moved on Colyseus");
        Ok(())
    }
}

/// The address, and the rest of the line.
pub(super) fn announcement(line: &str) -> Option<(SocketAddr, String)> {
    let (address, runs_on) = line.strip_prefix("listening on ")?.split_once(' ')?;
    Some((address.parse().ok()?, runs_on.to_owned()))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Cost, Counts, Plan, ProcessCost, Report, add, announcement, reason};
    use crate::swarm::report::assert_names;

    #[test]
    fn figures_have_the_names_that_programs_know() {
        let plan = Plan { count: 320, window: Duration::from_secs(10), seed: 1 };
        let watched = ProcessCost { us_per_player_second: 900.0, memory: vec![1.0] };
        let traffic = Counts { snapshots: 320 * 10 * 12, ..Counts::default() };
        let runs_on = String::new();
        let cost = Cost { watched, traffic, lost: 2, moved: 318, moving: 0.95, runs_on };
        let mut report = Report::default();

        add(plan, 300.0, &cost, &mut report);

        assert_names(&report, "players.320", &["ratio_to_colyseus"]);
        assert_eq!(report.figure("players.320.ratio_to_colyseus"), 3.0);
        let table = report.table();
        assert!(table.contains("sent 12.0 patches a second"), "{table}");
        assert!(table.contains("2 of 320 connections were lost"), "{table}");
        assert!(cost.ensure_players_move(plan).is_ok());
        assert!(Cost { moved: 300, ..cost }.ensure_players_move(plan).is_err());
    }

    #[test]
    fn npm_is_quoted_with_its_sentence() {
        let said = "npm warn old\nnpm error code ENOTFOUND\nnpm error errno ENOTFOUND\n\
                    npm error network request to https://registry.npmjs.org/x failed.\nnpm error more";
        assert_eq!(reason(said), "network request to https://registry.npmjs.org/x failed");
        assert_eq!(reason("killed"), "npm failed");
    }

    #[test]
    fn the_server_says_where_it_listens_and_what_it_runs_on() {
        let (address, runs_on) =
            announcement("listening on 127.0.0.1:7 Colyseus 0.18, ws").unwrap();
        assert_eq!((address.port(), runs_on.as_str()), (7, "Colyseus 0.18, ws"));
        assert_eq!(announcement("a warning"), None);
    }
}
