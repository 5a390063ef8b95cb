//! `cargo xtask bench`: the load generator and the server in a release build.

use std::ffi::OsString;
use std::process::Command;

use anyhow::{Result, ensure};

use crate::cargo::{Group, Profile, Workspace};
use crate::packages::{self, Purpose};
use crate::process::{self, Output};
use crate::serve;

/// Runs `swarm bench`, which prints the figures, with these arguments.
pub(crate) fn bench(workspace: &Workspace, arguments: &[OsString]) -> Result<()> {
    serve::build_lobby(workspace)?;
    println!("== server and load generator, for measuring (the first time 10 minutes)");
    let server = workspace.build_program(Group::Server, Profile::Release, "game-server")?;
    let swarm = workspace.build_program(Group::Server, Profile::Release, "swarm")?;

    let mut command = Command::new(swarm);
    command.arg("bench").args(arguments).env("PUSHBACK_SERVER_BIN", server);
    if arguments.first().is_some_and(|name| name == "link") {
        packages::ensure(&[Purpose::Client, Purpose::Lines], &Output::Terminal)?;
        println!("== native client, at the far end of the line");
        let client = workspace.build_program(Group::Client, Profile::Dev, "game-client")?;
        command.env("PUSHBACK_CLIENT_BIN", client);
    }
    let (status, _) = process::run("the load generator", &mut command, &Output::Terminal, None)?;
    ensure!(status.success(), "the measurement failed ({status})");
    Ok(())
}
