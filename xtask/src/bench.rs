//! `cargo xtask bench`: the load generator and the server in a release build.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, ensure};

use crate::cargo::{Group, Profile, Workspace};
use crate::packages::{self, Purpose};
use crate::process::{self, Output};
use crate::serve;

/// Runs `swarm bench`, which prints the figures, with these arguments.
pub(crate) fn bench(workspace: &Workspace, arguments: &[OsString]) -> Result<()> {
    packages::ensure(&[Purpose::Server], &Output::Terminal)?;
    if arguments.iter().any(|word| word == "cluster") {
        packages::ensure(&[Purpose::Database, Purpose::Nodes], &Output::Terminal)?;
    }
    serve::build_lobby(workspace)?;
    println!("== server and load generator, for measuring (the first time 10 minutes)");
    let programs = ["game-server", "swarm"];
    let [server, swarm] = workspace.build_programs(Group::Server, Profile::Release, programs)?;

    let mut command = Command::new(swarm);
    command.arg("bench").args(arguments).env("PUSHBACK_SERVER_BIN", server);
    if arguments.iter().any(|word| word == "link") {
        packages::ensure(&[Purpose::Client, Purpose::Lines], &Output::Terminal)?;
        println!("== native client, at the far end of the link");
        let client = workspace.build_program(Group::Client, Profile::Dev, "game-client")?;
        command.env("PUSHBACK_CLIENT_BIN", client);
    }
    if arguments.iter().any(|word| word == "lightyear" || word == "--peer=lightyear") {
        build_lightyear(workspace)?.map(|peer| command.env("PUSHBACK_LIGHTYEAR_BIN", peer));
    }
    let (status, _) = process::run("the load generator", &mut command, &Output::Terminal, None)?;
    ensure!(status.success(), "the measurement failed ({status})");
    Ok(())
}

/// Builds the room on lightyear, which is a package of its own outside the workspace, into a target folder of its own.
/// `None` when its packages cannot be fetched, which the report then says.
fn build_lightyear(workspace: &Workspace) -> Result<Option<PathBuf>> {
    println!("== lightyear and what it needs of bevy (the first time 5 minutes)");
    let target = workspace.target.join("peers");
    let cargo = |verb: &str| {
        let mut command = workspace.cargo(verb);
        command.args(["--locked", "--manifest-path", "tests/peers/lightyear/Cargo.toml"]);
        command.env("CARGO_TARGET_DIR", &target);
        command
    };
    let run = |mut command: Command| process::run("cargo", &mut command, &Output::Terminal, None);
    let mut fetch = cargo("fetch");
    fetch.args(["--target", "host-tuple"]);
    if !run(fetch)?.0.success() {
        return Ok(None);
    }
    let mut build = cargo("build");
    build.arg("--release");
    ensure!(run(build)?.0.success(), "the peer was not built: see the messages above");
    Ok(Some(target.join("release/pushback-peer-lightyear")))
}
