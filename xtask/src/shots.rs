//! `cargo xtask shots DIR`: builds the server, the client and the program that takes the pictures, and starts it.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, ensure};

use crate::cargo::{Group, Profile, Workspace};
use crate::packages::{self, Purpose};
use crate::process::{self, Output};
use crate::serve;

/// Builds what is needed and writes the pictures into `folder`.
pub(crate) fn shots(workspace: &Workspace, folder: &Path) -> Result<()> {
    packages::ensure(&[Purpose::Server, Purpose::Client, Purpose::Screens], &Output::Terminal)?;
    serve::build_lobby(workspace)?;
    println!("== the server and the photographer (the first time 5 to 10 minutes)");
    let programs = ["game-server", "shots"];
    let [server, shots] = workspace.build_programs(Group::Server, Profile::Dev, programs)?;
    println!("== the native client (the first time 10 to 20 minutes)");
    let client = workspace.build_program(Group::Client, Profile::Dev, "game-client")?;

    let mut command = Command::new(shots);
    command.arg(folder).env("PUSHBACK_SERVER_BIN", server).env("PUSHBACK_CLIENT_BIN", client);
    let (status, _) = process::run("the photographer", &mut command, &Output::Terminal, None)?;
    ensure!(status.success(), "the pictures were not taken ({status}): see the messages above");
    Ok(())
}
