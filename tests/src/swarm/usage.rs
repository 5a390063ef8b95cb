//! CPU, memory and files of another process, read from `/proc`; quantiles of its metrics.

use std::fs;

use anyhow::{Context as _, Result};

/// The kernel counts time in hundredths of a second for user space (`sysconf(_SC_CLK_TCK)` on Linux).
const TICKS_PER_SECOND: f64 = 100.0;

/// CPU seconds that a process has used in all its threads, in user and kernel mode.
///
/// # Errors
/// When there is no such process.
pub fn cpu_seconds(pid: u32) -> Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).context("reading the stat file")?;
    // The name in parentheses may hold anything; the fields after it are plain.
    let fields = stat.rsplit_once(") ").context("a stat line names its program")?.1;
    let number = |place: usize| fields.split(' ').nth(place)?.parse::<f64>().ok();
    let (user, system) = number(11).zip(number(12)).context("a stat line has times")?;
    Ok((user + system) / TICKS_PER_SECOND)
}

/// Memory of a process that is in RAM, in KiB.
///
/// # Errors
/// When there is no such process.
pub fn resident_kib(pid: u32) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).context("reading the status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.trim().split(' ').next()?.parse().ok());
    number.context("a status names the resident memory")
}

/// Files and sockets that a process has open.
///
/// # Errors
/// When there is no such process.
pub fn open_files(pid: u32) -> Result<usize> {
    Ok(fs::read_dir(format!("/proc/{pid}/fd")).context("reading the open files")?.count())
}

/// The upper bound of the bucket in which a quantile of a Prometheus histogram lies, in the histogram's unit. Counts
/// only what was added between two scrapes.
#[must_use]
pub fn quantile(before: &str, after: &str, histogram: &str, quantile: f64) -> f64 {
    let counts = between(before, after, histogram);
    let all = counts.last().map_or(0.0, |(_, count)| *count);
    let reached = counts.iter().find(|(_, count)| *count >= all * quantile);
    reached.map_or(f64::NAN, |(bound, _)| *bound)
}

/// Like [`quantile`], interpolated within the bucket as Prometheus does. For comparing two values, not for quoting one.
#[must_use]
pub fn quantile_within(before: &str, after: &str, histogram: &str, quantile: f64) -> f64 {
    let counts = between(before, after, histogram);
    let wanted = counts.last().map_or(0.0, |(_, count)| *count) * quantile;
    let Some(place) = counts.iter().position(|(_, count)| *count >= wanted) else {
        return f64::NAN;
    };
    let (from, below) = place.checked_sub(1).map_or((0.0, 0.0), |before| counts[before]);
    let (to, reached) = counts[place];
    if to.is_infinite() { from } else { from + (to - from) * (wanted - below) / (reached - below) }
}

/// The number of values that a histogram counted between two scrapes.
#[must_use]
pub fn count_of(before: &str, after: &str, histogram: &str) -> f64 {
    let all = |metrics| buckets(metrics, histogram).last().map_or(0.0, |(_, count)| *count);
    all(after) - all(before)
}

/// Each bound and the number of values not above it, counted between two scrapes.
fn between(before: &str, after: &str, histogram: &str) -> Vec<(f64, f64)> {
    let (earlier, later) = (buckets(before, histogram), buckets(after, histogram));
    let known = |bound| earlier.iter().find(|(b, _)| *b == bound).map_or(0.0, |(_, count)| *count);
    later.iter().map(|(bound, count)| (*bound, count - known(*bound))).collect()
}

/// Each bound and the number of values not above it.
fn buckets(metrics: &str, histogram: &str) -> Vec<(f64, f64)> {
    let prefix = format!("{histogram}_bucket{{le=\"");
    let bucket = |line: &str| {
        let (bound, count) = line.strip_prefix(&prefix)?.split_once("\"} ")?;
        let bound = if bound == "+Inf" { f64::INFINITY } else { bound.parse().ok()? };
        Some((bound, count.parse::<f64>().ok()?))
    };
    metrics.lines().filter_map(bucket).collect()
}

#[cfg(test)]
mod tests {
    use super::{cpu_seconds, open_files, quantile, quantile_within, resident_kib};

    #[test]
    fn the_own_process_can_be_read() {
        assert!(cpu_seconds(std::process::id()).is_ok());
        assert!(open_files(std::process::id()).is_ok_and(|count| count > 2));
        assert!(resident_kib(std::process::id()).is_ok_and(|kib| kib > 0.0));
    }

    #[test]
    fn a_quantile_is_the_bound_of_its_bucket() {
        let before = "x_bucket{le=\"0.1\"} 10\nx_bucket{le=\"0.5\"} 10\nx_bucket{le=\"+Inf\"} 10\n";
        let after =
            "x_bucket{le=\"0.1\"} 100\nx_bucket{le=\"0.5\"} 109\nx_bucket{le=\"+Inf\"} 110\n";
        assert!((quantile(before, after, "x", 0.5) - 0.1).abs() < 1e-9);
        assert!((quantile(before, after, "x", 0.99) - 0.5).abs() < 1e-9);
        assert!(quantile("", "", "x", 0.5).is_nan());
        // 90 of 100 below 0.1, 99 below 0.5.
        assert!((quantile_within(before, after, "x", 0.45) - 0.05).abs() < 1e-9);
        assert!((quantile_within(before, after, "x", 0.945) - 0.3).abs() < 1e-9);
        assert!((quantile_within(before, after, "x", 1.0) - 0.5).abs() < 1e-9);
        assert!(quantile_within("", "", "x", 0.5).is_nan());
    }
}
