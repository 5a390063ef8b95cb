//! The load generator. It says what it can do with `--help`.

#![allow(clippy::print_stdout, reason = "a program that prints figures")]

use std::net::TcpListener;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use clap::{Parser, Subcommand, ValueEnum};
use tests::swarm::players::Plan;
use tests::swarm::{Report, codec, floor, players, tick};

/// Many players over real sockets, and what they cost.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Measures, and prints a table.
    Bench {
        /// What; everything when it is not given.
        name: Option<Bench>,
        /// Writes the figures as one flat JSON object, too.
        #[arg(long, value_name = "FILE")]
        json: Option<PathBuf>,
        /// Players in rooms of sixteen.
        #[arg(long, default_value_t = 320)]
        count: usize,
        /// Seconds of each measurement.
        #[arg(long, default_value_t = 20)]
        seconds: u64,
    },
    /// The bare epoll loop that `bench players` measures beside the server.
    #[command(hide = true)]
    Floor {
        #[arg(long)]
        players: usize,
        #[arg(long)]
        bytes: usize,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Bench {
    /// Server CPU for a connected player, beside the bare loop.
    Players,
    /// Bytes and time of the match stream.
    Codec,
    /// Time of a step of a world.
    Tick,
}

fn main() -> Result<()> {
    match Arguments::parse().command {
        Task::Bench { name, json, count, seconds } => {
            let plan = Plan { count, window: Duration::from_secs(seconds) };
            let report = bench(name, plan)?;
            print!("{}", report.table());
            json.map(|path| report.write_json(&path)).transpose()?;
        }
        Task::Floor { players, bytes } => {
            let listener = TcpListener::bind("127.0.0.1:0")?;
            println!("listening on {}", listener.local_addr()?);
            floor::serve(&listener, players, bytes)?;
        }
    }
    Ok(())
}

fn bench(name: Option<Bench>, plan: Plan) -> Result<Report> {
    let wanted = |bench| name.is_none_or(|name| name == bench);
    let mut report = Report::default();
    if wanted(Bench::Tick) {
        tick::measure(&mut report);
    }
    if wanted(Bench::Codec) {
        codec::measure(&mut report);
    }
    if wanted(Bench::Players) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(players::measure(plan, &mut report))?;
    }
    Ok(report)
}
