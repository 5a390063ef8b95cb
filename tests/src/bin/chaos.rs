//! The randomised run of many nodes: `cargo xtask chaos`.

#![allow(clippy::print_stderr, reason = "a command line program prints")]

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::Parser;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tests::chaos::{self, Plan};

/// Breaks what many nodes stand on, at random under load, and checks that nothing acknowledged was lost or came twice.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Decides what is broken, and when. A random one when left out.
    #[arg(long)]
    seed: Option<u64>,
    /// For how many minutes.
    #[arg(long, default_value_t = 2.0)]
    minutes: f64,
}

#[tokio::main]
async fn main() -> ExitCode {
    let Arguments { seed, minutes } = Arguments::parse();
    match run(seed.unwrap_or_else(chaos::any_seed), minutes).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("chaos: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(seed: u64, minutes: f64) -> Result<()> {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, most, most)?;
    let length = Duration::try_from_secs_f64(minutes * 60.0).context("--minutes")?;
    chaos::run(Plan { seed, length }).await
}
