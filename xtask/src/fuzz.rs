//! `cargo xtask fuzz`: looks for bytes that break a decoder.
//!
//! libFuzzer calls each target of `tests/src/fuzz.rs` with bytes that it changes towards code which no bytes have reached
//! yet. What it has learnt is kept in `tests/data/fuzz`, a file for each target, from which the next run starts and
//! which every `cargo xtask test` replays.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};

use crate::cargo::Workspace;
use crate::packages::{self, Purpose};
use crate::process::{self, Output};

/// Where the targets' corpora are kept, below the checkout.
const KEPT: &str = "tests/data/fuzz";
/// Inserts the counters by which libFuzzer sees which code was reached: what cargo-fuzz sets, without a sanitizer, so
/// that the stable compiler builds it. Memory is safe here; panics, hangs and heaps of memory are what is looked for.
const INSTRUMENTED: [&str; 7] = [
    "-Ccodegen-units=1",
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Cllvm-args=-simplifycfg-branch-fold-threshold=0",
];
/// The bytes of a corpus that are kept in the repository, beside its longest case.
const KEPT_IN_ALL_BYTES_MAX: usize = 64 * 1024;
/// The longest case that is kept: its length takes two bytes.
const KEPT_BYTES_MAX: u16 = u16::MAX;
/// A case that takes longer than this many seconds is a fault.
const CASE_SECONDS_MAX: u32 = 10;
/// A case that needs more memory is a fault.
const MEMORY_MIB_MAX: u32 = 2_048;
/// The end of a run comes at most this much later than asked for.
const LATE_MAX: Duration = Duration::from_secs(5 * 60);

/// How long to look.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Minutes for each target.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    minutes: u32,
    /// At most this many cases for each target.
    #[arg(long)]
    cases: Option<u64>,
    /// The longest bytes of a case. Short ones are many more in a minute, and reach most of the code.
    #[arg(long, default_value_t = 16 * 1024, value_parser = clap::value_parser!(u32).range(1..=65_535))]
    bytes: u32,
    /// Only these targets.
    #[arg(long = "target", value_name = "NAME")]
    targets: Vec<String>,
    /// Keeps what was learnt in the checkout.
    #[arg(long)]
    keep: bool,
}

/// What a run of one target did.
struct Run {
    target: String,
    cases: u64,
    edges: u64,
    seconds: u64,
}

/// Builds the fuzzer and runs it.
///
/// # Errors
/// When it cannot be built, or a decoder broke a promise.
pub(crate) fn fuzz(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    packages::ensure(&[Purpose::Server, Purpose::Fuzzer], &Output::Terminal)?;
    let program = build(workspace)?;
    let all = targets(workspace)?;
    let unknown = arguments.targets.iter().find(|name| !all.contains(name));
    ensure!(unknown.is_none(), "no target {unknown:?}; there are {}", all.join(", "));
    let chosen = |name: &&String| arguments.targets.is_empty() || arguments.targets.contains(name);
    let mut runs = Vec::new();
    let mut broken = Vec::new();
    for target in all.iter().filter(chosen) {
        let fuzzer = Fuzzer { workspace, program: &program, target, bytes: arguments.bytes };
        match fuzzer.run(arguments)? {
            Some(run) => runs.push(run),
            None => broken.push(target.as_str()),
        }
        if arguments.keep {
            fuzzer.keep()?;
        }
    }
    println!("\n{:<20} {:>14} {:>10} {:>10}", "target", "cases", "edges", "cases/s");
    for Run { target, cases, edges, seconds } in &runs {
        println!("{target:<20} {cases:>14} {edges:>10} {:>10}", cases / (*seconds).max(1));
    }
    ensure!(broken.is_empty(), "broken: {}. The messages are above", broken.join(", "));
    Ok(())
}

fn build(workspace: &Workspace) -> Result<PathBuf> {
    println!("== the fuzzer (the first time 10 minutes)");
    let host = process::capture("rustc", Command::new("rustc").arg("--print=host-tuple"))?;
    let target_dir = folder(workspace);
    let mut command = workspace.cargo("build");
    command.args(["--release", "--locked", "--manifest-path", "tests/fuzz/Cargo.toml"]);
    // With a target named, build scripts and macros stay as they are.
    command.args(["--target", &host]).env("CARGO_TARGET_DIR", &target_dir);
    command.env("CARGO_ENCODED_RUSTFLAGS", INSTRUMENTED.join("\x1f"));
    command.env("PUSHBACK_LOBBY_DIST", workspace.lobby_dist());
    let (status, _) = process::run("cargo build", &mut command, &Output::Terminal, None)?;
    ensure!(status.success(), "the fuzzer was not built: see the messages above");
    Ok(target_dir.join(host).join("release/pushback-fuzz"))
}

fn folder(workspace: &Workspace) -> PathBuf {
    workspace.target.join("fuzz")
}

/// The names of the targets: each has a file of its own.
fn targets(workspace: &Workspace) -> Result<Vec<String>> {
    let kept = workspace.root.join(KEPT);
    let entries = fs::read_dir(&kept).with_context(|| format!("reading {}", kept.display()))?;
    let name = |entry: fs::DirEntry| Some(entry.path().file_stem()?.to_str()?.to_owned());
    let mut names: Vec<_> = entries.flatten().filter_map(name).collect();
    names.sort();
    Ok(names)
}

struct Fuzzer<'a> {
    workspace: &'a Workspace,
    program: &'a Path,
    target: &'a str,
    /// The longest bytes of a case.
    bytes: u32,
}

impl Fuzzer<'_> {
    fn place(&self, name: &str) -> PathBuf {
        folder(self.workspace).join(name).join(self.target)
    }

    fn kept(&self) -> PathBuf {
        self.workspace.root.join(KEPT).join(self.target).with_extension("corpus")
    }

    fn command(&self) -> Command {
        let mut command = Command::new(self.program);
        command.env("PUSHBACK_FUZZ_TARGET", self.target).current_dir(&self.workspace.root);
        command.arg(format!("-max_len={}", self.bytes));
        command.arg(format!("-timeout={CASE_SECONDS_MAX}"));
        command.arg(format!("-rss_limit_mb={MEMORY_MIB_MAX}"));
        command
    }

    /// `None` when the target was broken.
    fn run(&self, arguments: &Arguments) -> Result<Option<Run>> {
        println!("\n== {}", self.target);
        let (corpus, found) = (self.place("corpus"), self.place("found"));
        for place in [&corpus, &found] {
            fs::create_dir_all(place).with_context(|| format!("making {}", place.display()))?;
        }
        for (number, case) in read_cases(&self.kept())?.iter().enumerate() {
            fs::write(corpus.join(format!("kept-{number}")), case)?;
        }
        let log = folder(self.workspace).join(format!("{}.log", self.target));
        fs::remove_file(&log).ok();
        let seconds = u64::from(arguments.minutes) * 60;
        let mut command = self.command();
        command.arg(format!("-max_total_time={seconds}"));
        command.args(arguments.cases.map(|cases| format!("-runs={cases}")));
        command.arg(format!("-artifact_prefix={}/", found.display()));
        command.args(["-print_final_stats=1", "-reload=0", "-use_value_profile=1"]).arg(&corpus);
        let limit = Duration::from_secs(seconds) + LATE_MAX;
        let (status, printed) =
            process::run("the fuzzer", &mut command, &Output::Log(log), Some(limit))?;
        if !status.success() {
            println!(
                "bytes that broke it: {}; fuzz again with --keep after the mend",
                found.display()
            );
            return Ok(None);
        }
        let edges = printed.lines().rev().find_map(|line| after(line, " cov: "));
        let cases = printed.lines().find_map(|line| after(line, "number_of_executed_units:"));
        let seconds = printed.lines().rev().find_map(|line| after(line, " runs in "));
        Ok(Some(Run {
            target: self.target.to_owned(),
            cases: cases.context("the fuzzer did not say how many cases it tried")?,
            edges: edges.unwrap_or_default(),
            seconds: seconds.unwrap_or_default(),
        }))
    }

    /// Keeps the fewest cases that reach all that is reached, as far as there is room for them, and every case that once
    /// broke the target.
    fn keep(&self) -> Result<()> {
        let smallest = self.place("smallest");
        fs::remove_dir_all(&smallest).ok();
        fs::create_dir_all(&smallest)?;
        let mut command = self.command();
        // The corpus keeps its long cases, too: this flag comes last and replaces `--bytes`.
        command.arg(format!("-max_len={KEPT_BYTES_MAX}"));
        command.arg("-merge=1").arg(&smallest).arg(self.place("corpus"));
        let log = folder(self.workspace).join(format!("{}-merge.log", self.target));
        let (status, _) = process::run("the fuzzer", &mut command, &Output::Log(log), None)?;
        ensure!(status.success(), "{}: the corpus was not reduced", self.target);
        let mut cases = within_room(files(&smallest)?);
        cases.extend(files(&self.place("found"))?);
        // In the order of their lengths: a difference of two corpora is then small.
        cases.sort_by(|a, b| (a.len(), a).cmp(&(b.len(), b)));
        cases.dedup();
        fs::write(self.kept(), written(&cases)?)?;
        println!("kept {} cases in {}", cases.len(), self.kept().display());
        Ok(())
    }
}

/// The shortest cases up to the bytes that a corpus may take, and the longest, which gets furthest.
fn within_room(mut cases: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    cases.sort_by_key(Vec::len);
    let longest = cases.pop();
    let mut taken = 0;
    let mut kept: Vec<_> = cases
        .into_iter()
        .take_while(|case| {
            taken += case.len();
            taken <= KEPT_IN_ALL_BYTES_MAX
        })
        .collect();
    kept.extend(longest);
    kept
}

/// The number that follows a text in a line.
fn after(line: &str, text: &str) -> Option<u64> {
    let (_, rest) = line.split_once(text)?;
    let digits: String = rest.trim_start().chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

fn files(folder: &Path) -> Result<Vec<Vec<u8>>> {
    let Ok(entries) = fs::read_dir(folder) else { return Ok(Vec::new()) };
    entries.flatten().map(|entry| fs::read(entry.path()).context("reading a case")).collect()
}

/// A corpus as one file: the length of each case in two bytes, the lower one first, and its bytes.
fn written(cases: &[Vec<u8>]) -> Result<Vec<u8>> {
    let mut file = Vec::new();
    for case in cases {
        let length = u16::try_from(case.len()).context("a case is too long")?;
        file.extend(length.to_le_bytes());
        file.extend(case);
    }
    Ok(file)
}

fn read_cases(path: &Path) -> Result<Vec<Vec<u8>>> {
    let file = fs::read(path).with_context(|| format!("reading {}", path.display()))?;
    let (mut rest, mut cases) = (file.as_slice(), Vec::new());
    while let Some((length, after)) = rest.split_first_chunk() {
        let length = usize::from(u16::from_le_bytes(*length));
        let Some((case, after)) = after.split_at_checked(length) else {
            bail!("{} is cut off", path.display());
        };
        cases.push(case.to_vec());
        rest = after;
    }
    Ok(cases)
}

#[cfg(test)]
mod tests {
    use super::{KEPT_IN_ALL_BYTES_MAX, after, read_cases, within_room, written};

    #[test]
    fn a_corpus_is_read_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("text.corpus");
        let cases = vec![Vec::new(), vec![1], vec![0; 300]];
        std::fs::write(&file, written(&cases).unwrap()).unwrap();
        assert_eq!(read_cases(&file).unwrap(), cases);

        std::fs::write(&file, [5, 0, 1]).unwrap();
        assert!(read_cases(&file).is_err());
    }

    #[test]
    fn the_shortest_cases_and_the_longest_are_kept() {
        let half = KEPT_IN_ALL_BYTES_MAX / 2;
        let cases = [3 * half, half, 1, half + 1, half - 1].map(|length| vec![0; length]);
        let kept: Vec<_> = within_room(cases.to_vec()).iter().map(Vec::len).collect();
        assert_eq!(kept, [1, half - 1, half, 3 * half]);
        assert!(within_room(Vec::new()).is_empty());
    }

    #[test]
    fn the_figures_of_a_run_are_found() {
        let line = "#1048576\tpulse  cov: 412 ft: 1893 corp: 201/9Kb lim: 4096 exec/s: 524288";
        assert_eq!(after(line, " cov: "), Some(412));
        assert_eq!(after("stat::number_of_executed_units: 1048576", "units:"), Some(1_048_576));
        assert_eq!(after("Done 1048576 runs in 2 second(s)", " runs in "), Some(2));
        assert_eq!(after(line, " runs in "), None);
    }
}
