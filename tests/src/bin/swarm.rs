//! The load generator: players and subscribers over real sockets, and the measurements of `cargo xtask bench`.

#![allow(clippy::print_stdout, reason = "a program that prints figures")]

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::{Args, Parser, Subcommand, ValueEnum};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tests::Site;
use tests::feed::Transport;
use tests::swarm::cores::Cores;
use tests::swarm::link::{self, Conditions, Without};
use tests::swarm::players::Peer;
use tests::swarm::watch::Plan;
use tests::swarm::{Report, codec, crowd, floor, players, soak, subscribers, tick};

/// Seconds of a measurement, when nobody says otherwise.
const SECONDS: u64 = 20;
/// Seats of the soak, unless told otherwise.
const SEATS: [usize; 1] = [320];

/// Many players over real sockets, and what they cost.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Players in rooms of sixteen who keep moving, on a running server.
    Players {
        #[command(flatten)]
        load: Load,
        /// Decides what they press.
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// Subscribers of a feed, on a running server.
    Subscribers {
        #[command(flatten)]
        load: Load,
        /// How they read it: poll, long-poll, sse, ndjson or websocket.
        #[arg(long, value_parser = transport, default_value = "sse")]
        transport: Transport,
        /// Which feed.
        #[arg(long, default_value = "lab")]
        feed: String,
    },
    /// Measures, and prints a table.
    Bench {
        /// What; everything when it is not given.
        name: Option<Bench>,
        /// After `peer`: which one.
        #[arg(value_name = "PEER", required_if_eq("name", "peer"))]
        whom: Option<Peer>,
        /// Writes the figures as one flat JSON object, too.
        #[arg(long, value_name = "FILE")]
        json: Option<PathBuf>,
        /// Players in rooms of sixteen; several numbers are measured one after the other. Unless told otherwise, of
        /// `players` 64,320,1000,2000,4000, and 320 beside a peer; lightyear takes one number only. Of `crowd`, players on
        /// one platform: 512,1000. Of `soak`, seats: 320.
        #[arg(long, value_delimiter = ',')]
        count: Vec<usize>,
        /// Subscribers of a feed.
        #[arg(long, default_value_t = 1_000)]
        subscribers: usize,
        /// Seconds of each measurement: 20, and 1,800 of `soak`. 600 shows whether memory stays flat.
        #[arg(long)]
        seconds: Option<u64>,
        /// Measured beside the server in `players`: `bench peer PEER` in other words. Needs the registry that it comes
        /// from, and colyseus node and npm.
        #[arg(long, conflicts_with = "whom")]
        peer: Option<Peer>,
        /// The cores of what is measured and of the load, 0,1 unless told otherwise. Best are two that share nothing:
        /// `lscpu --extended` tells.
        #[arg(long, value_name = "2,4")]
        cores: Option<Cores>,
        /// Decides what is left to chance: which keys the players of `players`, `peer`, `crowd` and `soak` press, who
        /// leaves when and how in `soak`, which packets are late or lost in `link`, the server's worlds in all these,
        /// and the rounds of `tick` and `codec`.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        #[command(flatten)]
        link: LinkFlags,
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

#[derive(Debug, Clone, Args)]
struct Load {
    /// The server.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:7777")]
    server: String,
    /// How many.
    #[arg(long, default_value_t = 16)]
    count: usize,
    /// For how long, once all are there.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
}

/// For `bench link`.
#[derive(Debug, Clone, Args)]
struct LinkFlags {
    /// Native clients at the far end of the line.
    #[arg(long, default_value_t = 3)]
    clients: usize,
    /// How their autopilots play: `gentle` decides four times a second, as people do, whose reaction time is a quarter of
    /// a second; `keen` seven to eight times; `fierce` fifteen times.
    #[arg(long, value_name = "STRENGTH", default_value = "gentle", value_parser = ["gentle", "keen", "fierce"])]
    pilots: String,
    /// Only this line: ms there and back, ms of jitter, % of packets lost.
    #[arg(long, value_name = "100,20,1", value_parser = link::conditions)]
    line: Option<Conditions>,
    /// The congestion control at both ends, for example cubic or bbr.
    #[arg(long, value_name = "NAME")]
    congestion: Option<String>,
    /// Measures with something switched off, to show what it is worth.
    #[arg(long)]
    without: Option<Without>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Bench {
    /// Server CPU for a connected player, beside the bare loop.
    Players,
    /// The same, beside another framework in the same run.
    Peer,
    /// Server CPU for an event delivered to a subscriber, on each transport.
    Feeds,
    /// Bytes and time of the match stream.
    Codec,
    /// Time of a step of a world.
    Tick,
    /// Hundreds on one platform: bytes for each, and the time of a tick. Only when it is named.
    Crowd,
    /// What players feel on bad lines. Only when it is named: it takes a quarter of an hour.
    Link,
    /// Players who come and go for half an hour: whether memory stays flat. Only when it is named.
    Soak,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    // Each player is a connection.
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, most, most)?;
    let mut report = Report::default();
    let (outcome, json) = match Arguments::parse().command {
        Task::Players { load, seed } => {
            let plan = Plan { count: load.count, window: load.window(), seed };
            (players::play(&load.site()?, plan, &mut report).await, None)
        }
        Task::Subscribers { load, transport, feed } => {
            let (site, window) = (load.site()?, load.window());
            let watched =
                subscribers::watch(&site, &feed, transport, load.count, window, &mut report);
            (watched.await, None)
        }
        Task::Bench {
            name,
            whom,
            json,
            count: asked,
            subscribers,
            seconds,
            peer,
            cores,
            seed,
            link,
        } => {
            cores.into_iter().for_each(Cores::choose);
            let length = |otherwise| Duration::from_secs(seconds.unwrap_or(otherwise));
            let window = length(SECONDS);
            let counts =
                |otherwise: &[usize]| if asked.is_empty() { otherwise } else { &asked }.to_vec();
            let outcome = match name {
                Some(Bench::Link) => link::measure(&link.plan(window, seed), &mut report).await,
                Some(Bench::Soak) => {
                    let (seats, window) = (counts(&SEATS).iter().sum(), length(soak::SECONDS));
                    soak::measure(soak::Plan { seats, window, seed }, &mut report).await
                }
                Some(Bench::Crowd) => {
                    crowd::measure_each(&counts(&crowd::COUNTS), window, seed, &mut report).await
                }
                _ => {
                    let peer = whom.or(peer);
                    let counts = players::counts(&asked, peer)?;
                    let plans: Vec<_> =
                        counts.into_iter().map(|count| Plan { count, window, seed }).collect();
                    bench(name, &plans, (subscribers, window), peer, seed, &mut report).await
                }
            };
            (outcome, json)
        }
        Task::Floor { players, bytes } => {
            let listener = TcpListener::bind("127.0.0.1:0")?;
            println!("listening on {}", listener.local_addr()?);
            (floor::serve(&listener, players, bytes), None)
        }
    };
    // What was measured before something failed is worth seeing, too, and whatever becomes of the file.
    print!("{}", report.table());
    json.map(|path| report.write_json(&path)).transpose()?;
    outcome
}

async fn bench(
    name: Option<Bench>,
    plans: &[Plan],
    (subscribers, window): (usize, Duration),
    peer: Option<Peer>,
    seed: u64,
    report: &mut Report,
) -> Result<()> {
    let wanted = |bench| name.is_none_or(|name| name == bench);
    if wanted(Bench::Tick) {
        tick::measure(seed, report);
    }
    if wanted(Bench::Codec) {
        codec::measure(seed, report)?;
    }
    if wanted(Bench::Players) || name == Some(Bench::Peer) {
        for plan in plans {
            players::measure(*plan, peer, report).await?;
        }
    }
    if wanted(Bench::Feeds) {
        subscribers::measure(subscribers, window, report).await?;
    }
    Ok(())
}

impl LinkFlags {
    fn plan(self, round: Duration, seed: u64) -> link::Plan {
        link::Plan {
            clients: self.clients,
            pilots: self.pilots,
            round,
            seed,
            only: self.line,
            congestion: self.congestion,
            without: self.without,
        }
    }
}

impl Load {
    fn site(&self) -> Result<Site> {
        let address = self.server.trim_start_matches("http://").trim_end_matches('/');
        let address: SocketAddr = address.parse().with_context(|| {
            format!("{} is no address such as http://127.0.0.1:7777", self.server)
        })?;
        Ok(Site::at(address))
    }

    const fn window(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }
}

fn transport(name: &str) -> Result<Transport, String> {
    let found = Transport::ALL.into_iter().find(|transport| transport.name() == name);
    found.ok_or_else(|| format!("there are {}", Transport::ALL.map(Transport::name).join(", ")))
}
