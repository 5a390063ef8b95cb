//! `cargo xtask`: builds, runs, tests and measures Pushback.
//!
//! Each subcommand has a file of its own. A subcommand stops every process that it starts.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line program prints")]

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod cargo;
mod packages;
mod process;

mod lobby;

mod display;
mod server;

mod bench;
mod chaos;
mod cluster;
mod doctor;
mod figures;
mod fuzz;
mod links;
mod play;
mod serve;
mod shots;
mod test;

/// Builds, runs and tests Pushback.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Builds everything, starts the server, and opens the game.
    Play {
        /// Passed to the server, after `--`.
        #[arg(last = true)]
        server: Vec<OsString>,
    },
    /// Opens another window of the game.
    // `--help` is passed to the client.
    #[command(disable_help_flag = true)]
    Client {
        /// Passed to the client: `--join CODE`, `--name NAME`, a link … `--help` lists all.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        client: Vec<OsString>,
    },
    /// Builds and starts the server with the lobby.
    Serve {
        /// Passed to the server, after `--`.
        #[arg(last = true)]
        server: Vec<OsString>,
    },
    /// Builds and starts many nodes of one lobby with everything that they share.
    Cluster(cluster::Arguments),
    /// Kills, holds and cuts many nodes and what they share at random under load, and checks that nothing was lost.
    Chaos(chaos::Arguments),
    /// Runs every check and test, and prints a summary.
    Test,
    /// Writes pictures of the client's screens and the lobby's pages.
    Shots {
        /// The folder for the pictures.
        folder: PathBuf,
    },
    /// Measures a release build.
    // As above.
    #[command(disable_help_flag = true)]
    Bench {
        /// Passed to the load generator: `cargo xtask bench players --count 320 --json FILE`.
        /// `cargo xtask bench --help` lists all.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        swarm: Vec<OsString>,
    },
    /// Looks for bytes that break a decoder.
    Fuzz(fuzz::Arguments),
    /// Writes the figures of `docs/performance.md` and the README from the reports in `docs/figures`.
    Figures,
    /// Builds the lobby for browsers and prints its size.
    Lobby,
    /// Lists which packages this machine has and lacks.
    Doctor,
}

fn main() -> ExitCode {
    match run(Arguments::parse().task) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> anyhow::Result<ExitCode> {
    process::watch_signals()?;
    let workspace = cargo::Workspace::locate()?;
    match task {
        Task::Play { server } => play::play(&workspace, server)?,
        Task::Client { client } => play::client(&workspace, &client)?,
        Task::Serve { server } => serve::serve(&workspace, &server)?,
        Task::Cluster(arguments) => cluster::cluster(&workspace, &arguments)?,
        Task::Chaos(arguments) => chaos::chaos(&workspace, &arguments)?,
        Task::Test => return test::test(&workspace),
        Task::Shots { folder } => shots::shots(&workspace, &folder)?,
        Task::Bench { swarm } => bench::bench(&workspace, &swarm)?,
        Task::Fuzz(arguments) => fuzz::fuzz(&workspace, &arguments)?,
        Task::Figures => figures::write(&workspace.root)?,
        Task::Lobby => serve::build_lobby(&workspace)?,
        Task::Doctor => doctor::doctor(),
    }
    Ok(ExitCode::SUCCESS)
}
