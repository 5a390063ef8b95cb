//! `cargo xtask test`: every check and test, one after the other, and a summary.
//!
//! After a failed step the next one runs all the same, so one run shows all failures.
//! The last line is `N passed, N failed`.

use std::env;
use std::process::{Command, ExitCode};
use std::time::Duration;

use anyhow::{Result, ensure};

use crate::cargo::{Group, Profile, Workspace};
use crate::lobby::{self, WASM_BYTES_MAX};
use crate::packages::{self, Purpose};
use crate::process::{Output, stopping};

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
/// Stories start servers, browsers and windows, and mostly wait for them: four at once keep two cores half busy.
/// With many more, a slow machine would miss their deadlines.
const STORIES_AT_ONCE: &str = "--test-threads=4";

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
    run_tests(workspace, &mut runner);
    lint(workspace, &mut runner);
    document(workspace, &mut runner);
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
        let needed = [Purpose::Server, Purpose::Client, Purpose::Screens, Purpose::Database];
        packages::ensure(&needed, output)
    });
    runner.task("build: lobby for browsers", |output| check_lobby(workspace, output));
    let mut server = workspace.cargo_group("build", Group::Server);
    server.arg("--bins");
    runner.check("build: server and swarm", &mut server, BUILD_LIMIT);
    let mut client = workspace.cargo_group("build", Group::Client);
    client.arg("--bins");
    runner.check("build: client", &mut client, BUILD_LIMIT);
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

fn run_tests(workspace: &Workspace, runner: &mut Runner) {
    let mut tests = |step: &str, group: Group, targets: &[&str], options: &[&str]| {
        let mut build = cargo_test(workspace, group);
        build.args(targets).arg("--no-run");
        let mut run = cargo_test(workspace, group);
        run.args(targets).arg("--").args(options);
        runner.tests(step, (&mut build, BUILD_LIMIT), (&mut run, TESTS_LIMIT));
    };
    for (name, group) in GROUPS {
        // The server's stories are a step of their own below, its doc tests as well.
        let (targets, options): (&[&str], &[&str]) = match group {
            Group::Server => (&["--lib", "--bins"], &["--skip", FUZZING_TEST]),
            _ => (&[], &[]),
        };
        tests(&format!("unit tests: {name}"), group, targets, options);
    }
    tests("stories", Group::Server, &["--test", "*"], &[STORIES_AT_ONCE]);
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

/// `cargo test`, with the programs that the stories start.
fn cargo_test(workspace: &Workspace, group: Group) -> Command {
    let mut command = workspace.cargo_group("test", group);
    command.arg("--no-fail-fast");
    for (variable, program) in [
        ("PUSHBACK_SERVER_BIN", "game-server"),
        ("PUSHBACK_CLIENT_BIN", "game-client"),
        ("PUSHBACK_SWARM_BIN", "swarm"),
    ] {
        command.env(variable, workspace.program(Profile::Dev, program));
    }
    command
}

fn lint(workspace: &Workspace, runner: &mut Runner) {
    for (name, group) in GROUPS {
        let mut clippy = workspace.cargo_group("clippy", group);
        clippy.args(["--all-targets", "--", "-D", "warnings"]);
        runner.check(&format!("clippy: {name}"), &mut clippy, BUILD_LIMIT);
    }
}

fn document(workspace: &Workspace, runner: &mut Runner) {
    for (name, group) in GROUPS {
        let mut rustdoc = workspace.cargo_group("doc", group);
        rustdoc.arg("--no-deps").env("RUSTDOCFLAGS", "-D warnings");
        runner.check(&format!("rustdoc: {name}"), &mut rustdoc, BUILD_LIMIT);
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
