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
use tests::swarm::process_cost::Plan;
use tests::swarm::{Report, abuse, cluster, codec, crowd, floor, players, soak, subscribers, tick};

/// Default seconds of a measurement.
const SECONDS: u64 = 20;
/// Default subscribers of a feed.
const SUBSCRIBERS: usize = 1_000;
/// Default seats of the soak.
const SEATS: [usize; 1] = [320];

/// Many players over real sockets, and the measurement of their cost.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Lets moving players play in rooms of sixteen on a running server.
    Players {
        #[command(flatten)]
        load: Load,
        /// Decides which keys they press.
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// Subscribes to a feed of a running server.
    Subscribers {
        #[command(flatten)]
        load: Load,
        /// The transport: poll, long-poll, sse, ndjson or websocket.
        #[arg(long, value_parser = transport, default_value = "sse")]
        transport: Transport,
        /// The feed: scoreboard, rooms or lab.
        #[arg(long, default_value = "lab")]
        feed: String,
    },
    /// Abuses a running server, as `bench abuse` does.
    Attack {
        /// The server's address.
        server: SocketAddr,
    },
    /// Measures, and prints a table.
    Bench {
        /// The measurement. All of tick, codec, players and feeds when left out.
        name: Option<Bench>,
        /// The peer of `bench peer`.
        #[arg(value_name = "PEER", required_if_eq("name", "peer"))]
        named_peer: Option<Peer>,
        /// Also write the figures to this file, as one flat JSON object.
        #[arg(long, value_name = "FILE")]
        json: Option<PathBuf>,
        /// Numbers of players, measured one after the other. Defaults: `players` 64,320,1000,2000,4000 in rooms of sixteen,
        /// and 320 beside a peer (lightyear takes one number only); `crowd` 512,1000 on one platform; `soak` 320 seats.
        #[arg(long, value_delimiter = ',')]
        count: Vec<usize>,
        /// Subscribers of a feed. Default 1,000, and 9,000 for `cluster`.
        #[arg(long)]
        subscribers: Option<usize>,
        /// Seconds of each measurement. Default 20, and 1,800 for `soak`. 600 show whether memory stays flat.
        #[arg(long)]
        seconds: Option<u64>,
        /// The framework to measure beside the server in `players`, as `bench peer PEER` does. Needs the peer's package
        /// registry, and for colyseus node and npm.
        #[arg(long, conflicts_with = "named_peer")]
        peer: Option<Peer>,
        /// The core of the measured program and the core of the load. Default 0,1. Best are two cores that share no cache:
        /// see `lscpu --extended`.
        #[arg(long, value_name = "2,4")]
        cores: Option<Cores>,
        /// Decides all random choices: which keys the players of `players`, `peer`, `crowd` and `soak` press, when and how
        /// guests leave in `soak`, which packets are late or lost in `link`, the server's worlds in all of these, and the
        /// rounds of `tick` and `codec`.
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
    /// The server's URL.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:7777")]
    server: String,
    /// How many players or subscribers.
    #[arg(long, default_value_t = 16)]
    count: usize,
    /// For how many seconds, once all are connected.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
}

/// For `bench link`.
#[derive(Debug, Clone, Args)]
struct LinkFlags {
    /// Native clients in each room, at the far end of the link.
    #[arg(long, default_value_t = 3)]
    clients: usize,
    /// Strength of their autopilots: `gentle` decides four times a second, as people do, whose reaction time is a quarter
    /// of a second; `keen` seven to eight times; `fierce` fifteen times.
    #[arg(long, value_name = "STRENGTH", default_value = "gentle", value_parser = ["gentle", "keen", "fierce"])]
    pilots: String,
    /// Measure only this link: ms of round trip, ms of jitter, % of packets lost.
    #[arg(long, value_name = "100,20,1", value_parser = link::conditions)]
    line: Option<Conditions>,
    /// The congestion control at both ends, for example cubic or bbr.
    #[arg(long, value_name = "NAME")]
    congestion: Option<String>,
    /// Switch a feature off, to show its effect.
    #[arg(long)]
    without: Option<Without>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Bench {
    /// Server CPU for a connected player, beside a bare epoll loop.
    Players,
    /// The same, beside another framework in the same run. Only when it is named.
    Peer,
    /// Server CPU for an event delivered to a subscriber, on each transport.
    Feeds,
    /// Bytes and time of the match stream.
    Codec,
    /// Time of a step of a world.
    Tick,
    /// Hundreds of players on one platform: bytes for each, and the time of a tick. Only when it is named.
    Crowd,
    /// What players feel on bad links. Only when it is named: it takes a quarter of an hour.
    Link,
    /// What others feel while some abuse the server: stalled readers, slow heads, guests at every limit. Only when it is
    /// named.
    Abuse,
    /// Whether memory stays flat while guests come and go for half an hour. Only when it is named.
    Soak,
    /// One, two and three nodes of a lobby beside the one-node server: the cost of an event, and how fast what they share is.
    /// `--subscribers` are those of all three nodes. Only when it is named.
    Cluster,
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
            named_peer,
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
                Some(Bench::Cluster) => {
                    let subscribers = subscribers.unwrap_or(cluster::SUBSCRIBERS);
                    cluster::measure(subscribers, window, &mut report).await
                }
                Some(Bench::Abuse) => abuse::measure(window, seed, &mut report).await,
                Some(Bench::Crowd) => {
                    crowd::measure_each(&counts(&crowd::COUNTS), window, seed, &mut report).await
                }
                _ => {
                    let peer = named_peer.or(peer);
                    let counts = players::counts(&asked, peer)?;
                    let plans: Vec<_> =
                        counts.into_iter().map(|count| Plan { count, window, seed }).collect();
                    let subscribers = subscribers.unwrap_or(SUBSCRIBERS);
                    bench(name, &plans, (subscribers, window), peer, seed, &mut report).await
                }
            };
            (outcome, json)
        }
        Task::Attack { server } => (abuse::attack(&Site::at(server)).await, None),
        Task::Floor { players, bytes } => {
            let listener = TcpListener::bind("127.0.0.1:0")?;
            println!("listening on {}", listener.local_addr()?);
            (floor::serve(&listener, players, bytes), None)
        }
    };
    // The table shows the figures before a failure, too, and is printed before the file is written.
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
