//! `cargo xtask test`: every check and test, and a summary. What waits and what computes run beside each other.
//!
//! After a failed step the next one runs all the same, so one run shows all failures.
//! The last line is `N passed, N failed`.

use std::env;
use std::process::{Command, ExitCode};
use std::time::Duration;

use anyhow::{Result, ensure};

use crate::cargo::{Group, Profile, Workspace};
use crate::lobby::{self, WASM_BYTES_MAX};
use crate::nats;
use crate::packages::{self, Purpose};
use crate::process::{Output, at_low_priority, stopping};

mod results;
mod runner;

use runner::Runner;

/// A cold build on two slow cores takes half of this.
const BUILD_LIMIT: Duration = Duration::from_secs(60 * 60);
/// Tests that run longer than this hang.
const TESTS_LIMIT: Duration = Duration::from_secs(25 * 60);
const STYLE_LIMIT: Duration = Duration::from_secs(5 * 60);
/// The test that needs a program that Debian does not have.
const FUZZING_TEST: &str = "the_fuzzing_client";
/// The environment variable with the path of that program, when it is not on the `PATH`.
const FUZZING_VARIABLE: &str = "PUSHBACK_WSTEST";
/// What the names of tests contain that need the newer NATS, which Debian does not have either.
const REPLICA_TESTS: &str = "three_nats_servers";
/// Stories start servers, browsers and windows, and mostly wait for them: three at once keep two cores a good third busy.
/// With many more, a slow machine would miss their deadlines.
const STORIES_AT_ONCE: &str = "--test-threads=3";

const GROUPS: [(&str, Group); 4] = [
    ("server, shared, tests", Group::Server),
    ("client", Group::Client),
    ("lobby", Group::Lobby),
    ("xtask", Group::Tool),
];

/// Runs all steps. The exit code is a failure when a step failed.
pub(crate) fn test(workspace: &Workspace) -> Result<ExitCode> {
    let mut runner = Runner::new(&workspace.target.join("test-logs"))?;
    check_style(workspace, &mut runner);
    build(workspace, &mut runner);
    let left_out = left_out(&mut runner);
    // Stories mostly wait. What is left of the processors builds and checks the rest meanwhile.
    let mut stories = build_stories(workspace, &mut runner);
    for story in &mut stories {
        story.args(&left_out);
    }
    runner.beside(
        |runner| runner.programs("stories", &mut stories, TESTS_LIMIT),
        |runner| {
            run_unit_tests(workspace, runner, &left_out);
            lint(workspace, runner);
            document(workspace, runner);
        },
    );
    check_dependencies(workspace, &mut runner);
    if stopping() {
        anyhow::bail!("stopped before every step had run");
    }
    Ok(if runner.summarise() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn check_style(workspace: &Workspace, runner: &mut Runner) {
    let mut format = workspace.cargo("fmt");
    format.args(["--all", "--check"]);
    runner.check("rustfmt", &mut format, STYLE_LIMIT);
    // The fuzzer is a workspace of its own. It is built rarely, and must build then.
    let mut fuzzer = workspace.cargo("tree");
    fuzzer.args(["--locked", "--depth", "0", "--manifest-path", "tests/fuzz/Cargo.toml"]);
    runner.check("lock file of the fuzzer", &mut fuzzer, STYLE_LIMIT);
}

fn build(workspace: &Workspace, runner: &mut Runner) {
    runner.task("system packages", |output| {
        let needed =
            [Purpose::Server, Purpose::Client, Purpose::Screens, Purpose::Database, Purpose::Nodes];
        packages::ensure(&needed, output)
    });
    // The lobby has a target folder of its own, so that cargo builds both at once.
    runner.beside(
        |runner| runner.task("build: lobby for browsers", |output| check_lobby(workspace, output)),
        |runner| build_programs(workspace, runner, "build: client", Group::Client),
    );
    build_programs(workspace, runner, "build: server and swarm", Group::Server);
}

fn build_programs(workspace: &Workspace, runner: &mut Runner, step: &str, group: Group) {
    let mut build = workspace.cargo_group("build", group);
    runner.check(step, build.arg("--bins"), BUILD_LIMIT);
}

fn check_lobby(workspace: &Workspace, output: &Output) -> Result<()> {
    let bundle = lobby::build(workspace, output)?;
    println!(
        "{} bytes of WebAssembly, {} compressed with brotli (at most {WASM_BYTES_MAX})",
        bundle.wasm_bytes, bundle.wasm_brotli_bytes
    );
    ensure!(bundle.wasm_brotli_bytes <= WASM_BYTES_MAX, "the lobby's WebAssembly grew too large");
    Ok(())
}

/// The options that leave out the tests with three servers of NATS, where the server for them cannot be had.
fn left_out(runner: &mut Runner) -> Vec<&'static str> {
    if stopping() {
        return Vec::new();
    }
    match nats::ensure_newer(&Output::Quiet(runner.log("newer NATS"))) {
        Ok(_) => Vec::new(),
        Err(error) => {
            runner.skipped("tests with three NATS servers", &format!("{error:#}"));
            vec!["--skip", REPLICA_TESTS]
        }
    }
}

/// Builds the test programs of stories and returns how to run them. None when they do not build.
fn build_stories(workspace: &Workspace, runner: &mut Runner) -> Vec<Command> {
    const TARGETS: [&str; 2] = ["--test", "*"];
    let mut build = workspace.cargo_group("test", Group::Server);
    build.args(TARGETS).arg("--no-run");
    runner.check("build: stories", &mut build, BUILD_LIMIT);
    if stopping() {
        return Vec::new();
    }
    let mut programs = workspace.test_programs(Group::Server, &TARGETS).unwrap_or_default();
    for program in &mut programs {
        programs_of_stories(workspace, program.arg(STORIES_AT_ONCE));
    }
    programs
}

fn run_unit_tests(workspace: &Workspace, runner: &mut Runner, left_out: &[&str]) {
    let mut tests = |step: &str, group: Group, targets: &[&str], options: &[&str]| {
        let mut build = cargo_test(workspace, group);
        build.args(targets).arg("--no-run");
        let mut run = cargo_test(workspace, group);
        run.args(targets).arg("--").args(options);
        let mut build = at_low_priority(&build);
        runner.tests(step, (&mut build, BUILD_LIMIT), (&mut run, TESTS_LIMIT));
    };
    for (name, group) in GROUPS {
        // The server's stories and doc tests are steps of their own.
        let (targets, options): (&[&str], &[&str]) = match group {
            Group::Server => (&["--lib", "--bins"], &["--skip", FUZZING_TEST]),
            _ => (&[], &[]),
        };
        let options = [options, left_out].concat();
        tests(&format!("unit tests: {name}"), group, targets, &options);
    }
    if env::var_os(FUZZING_VARIABLE).is_some() || packages::on_path("wstest") {
        tests("WebSocket protocol (Autobahn)", Group::Server, &["--lib"], &[FUZZING_TEST]);
    } else {
        let why = format!(
            "no wstest, of the Python 2.7 package autobahntestsuite, on the PATH or in {FUZZING_VARIABLE}"
        );
        runner.skipped("WebSocket protocol (Autobahn)", &why);
    }

    let mut examples = cargo_test(workspace, Group::Server);
    runner.doc_tests("doc tests", examples.arg("--doc"), TESTS_LIMIT);
}

/// `cargo test`, with the programs that some tests start.
fn cargo_test(workspace: &Workspace, group: Group) -> Command {
    let mut command = workspace.cargo_group("test", group);
    programs_of_stories(workspace, command.arg("--no-fail-fast"));
    command
}

/// Tells tests where the programs are that they start.
fn programs_of_stories(workspace: &Workspace, command: &mut Command) {
    for (variable, program) in [
        ("PUSHBACK_SERVER_BIN", "game-server"),
        ("PUSHBACK_CLIENT_BIN", "game-client"),
        ("PUSHBACK_SWARM_BIN", "swarm"),
    ] {
        command.env(variable, workspace.program(Profile::Dev, program));
    }
}

fn lint(workspace: &Workspace, runner: &mut Runner) {
    for (name, group) in GROUPS {
        let mut clippy = workspace.cargo_group("clippy", group);
        clippy.args(["--all-targets", "--", "-D", "warnings"]);
        runner.check(&format!("clippy: {name}"), &mut at_low_priority(&clippy), BUILD_LIMIT);
    }
}

fn document(workspace: &Workspace, runner: &mut Runner) {
    for (name, group) in GROUPS {
        let mut rustdoc = workspace.cargo_group("doc", group);
        rustdoc.arg("--no-deps").env("RUSTDOCFLAGS", "-D warnings");
        runner.check(&format!("rustdoc: {name}"), &mut at_low_priority(&rustdoc), BUILD_LIMIT);
    }
}

fn check_dependencies(workspace: &Workspace, runner: &mut Runner) {
    let mut deny = workspace.cargo("deny");
    deny.arg("check");
    let mut machete = workspace.cargo("machete");
    for (program, command) in [("cargo-deny", &mut deny), ("cargo-machete", &mut machete)] {
        if packages::on_path(program) {
            runner.check(program, command, STYLE_LIMIT);
        } else {
            runner.skipped(program, "not installed");
        }
    }
}
