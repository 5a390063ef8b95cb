//! `cargo xtask chaos`: many nodes under load, while they and what they share are killed, held and cut at random.

use std::process::Command;

use anyhow::{Result, ensure};

use crate::cargo::{Group, Profile, Workspace};
use crate::packages::{self, Purpose};
use crate::process::{self, Output};

/// How long, and in which order.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Decides what is broken, and when. Without it, a random one, which is printed.
    #[arg(long)]
    seed: Option<u64>,
    /// For how many minutes.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    minutes: u32,
}

/// Builds the server and the program that does it, and starts that.
pub(crate) fn chaos(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    let needed = [Purpose::Server, Purpose::Database, Purpose::Nodes];
    packages::ensure(&needed, &Output::Terminal)?;
    println!("== the server and its load (the first time 5 to 10 minutes)");
    let programs = ["game-server", "chaos"];
    let [server, chaos] = workspace.build_programs(Group::Server, Profile::Dev, programs)?;

    let mut command = Command::new(chaos);
    command.env("PUSHBACK_SERVER_BIN", server);
    command.args(["--minutes", &arguments.minutes.to_string()]);
    if let Some(seed) = arguments.seed {
        command.args(["--seed", &seed.to_string()]);
    }
    let (status, _) = process::run("the run", &mut command, &Output::Terminal, None)?;
    ensure!(status.success(), "a promise was broken ({status}): see the lines with BROKEN above");
    Ok(())
}
