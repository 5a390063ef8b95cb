//! What a process costs, as Linux counts it.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};

/// Linux counts processor time in these: hundredths of a second on every architecture that Rust runs on.
const CLOCK_TICKS_A_SECOND: f64 = 100.0;

/// Processor time that a process has used, in seconds.
pub(crate) fn cpu_seconds(process: u32) -> Result<f64> {
    let text = fs::read_to_string(format!("/proc/{process}/stat")).context("reading /proc")?;
    // The name may hold spaces; what follows it does not.
    let (_, fields) = text.rsplit_once(')').context("a process has a name")?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let field = |place: usize| -> Result<f64> {
        fields.get(place).context("a field of stat")?.parse().context("a number")
    };
    // Fields 14 and 15 of proc(5), counted from behind the name.
    Ok((field(11)? + field(12)?) / CLOCK_TICKS_A_SECOND)
}

/// Memory that a process holds, in KB.
pub(crate) fn memory_kb(process: u32) -> Result<f64> {
    let text = fs::read_to_string(format!("/proc/{process}/status")).context("reading /proc")?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("VmRSS")?;
    line.split_whitespace().next().context("a size")?.parse().context("a number")
}

/// Whether processes can be kept on cores of their own.
pub(crate) fn can_pin() -> bool {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    cores >= 2 && Path::new("/usr/bin/taskset").exists()
}

/// A command that runs on that core, where cores can be chosen.
pub(crate) fn on_core(core: usize, program: &Path) -> Command {
    if !can_pin() {
        return Command::new(program);
    }
    let mut command = Command::new("taskset");
    command.arg("-c").arg(core.to_string()).arg(program);
    command
}

/// A histogram in Prometheus' text format: how many were not above each bound.
pub(crate) type Buckets = Vec<(f64, f64)>;

/// Reads a histogram's buckets.
pub(crate) fn buckets(metrics: &str, name: &str) -> Buckets {
    let prefix = format!("{name}_bucket{{");
    metrics
        .lines()
        .filter_map(|line| line.strip_prefix(&prefix))
        .filter_map(|rest| {
            let (_, bound) = rest.split_once("le=\"")?;
            let (bound, rest) = bound.split_once('"')?;
            let bound = if bound == "+Inf" { f64::INFINITY } else { bound.parse().ok()? };
            Some((bound, rest.rsplit(' ').next()?.parse().ok()?))
        })
        .collect()
}

/// The lowest bound that `share` of what was counted between two looks does not pass, in milliseconds.
pub(crate) fn bound_ms(before: &Buckets, after: &Buckets, share: f64) -> f64 {
    let earlier = |bound: f64| before.iter().find(|(b, _)| *b == bound).map_or(0.0, |(_, n)| *n);
    let counts: Vec<_> = after.iter().map(|(bound, n)| (*bound, n - earlier(*bound))).collect();
    let total = counts.last().map_or(0.0, |(_, n)| *n);
    let found = counts.iter().find(|(_, n)| *n >= total * share);
    found.map_or(f64::NAN, |(bound, _)| bound * 1_000.0)
}
