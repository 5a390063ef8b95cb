//! One, two and three nodes of a lobby, straight at the nodes, beside the one-node server in the same run: the cost of an event
//! for one of many subscribers, how soon another node's readers have it, and how fast what all nodes share is.
//!
//! The nodes run on the measured core; everything else, NATS and PostgreSQL as well, on that of the load.

mod chat;
mod delivery;
mod lag;
mod matches;
mod measured;
mod rounds;

use std::time::Duration;

use anyhow::Result;

use super::Report;
use super::cores::{pin_measured, pin_self};
use super::usage::resident_kib;
use crate::cluster::TestCluster;
use crate::server::ServerProcess;
use crate::site::Site;
use measured::Measured;

/// Default subscribers of three nodes together.
pub const SUBSCRIBERS: usize = 9_000;
/// The most nodes.
const NODES_MAX: usize = 3;
/// Limits that refuse nothing here.
const FLAGS: [&str; 9] = [
    "--rooms-per-address-max=10000",
    "--rooms-per-guest-max=10000",
    "--connections-per-address-max=100000",
    "--connections-max=100000",
    "--rooms-per-minute=100000",
    "--rooms-max=10000",
    "--bots=false",
    "--log=error",
    "--round-seconds=3600",
];

/// What runs.
enum Subject {
    Alone(Box<ServerProcess>),
    Nodes(Box<TestCluster>),
}

impl Subject {
    async fn start(nodes: usize) -> Result<Self> {
        let subject = match nodes {
            0 => Self::Alone(Box::new(ServerProcess::start_with(&FLAGS).await)),
            nodes => Self::Nodes(Box::new(TestCluster::start_straight(nodes, &FLAGS).await)),
        };
        for server in subject.servers() {
            pin_measured(server.pid)?;
        }
        Ok(subject)
    }

    fn servers(&self) -> Vec<Measured> {
        let measured = |server: &ServerProcess| {
            let site: &Site = server;
            Measured { pid: server.id(), site: site.keeping_connections() }
        };
        match self {
            Self::Alone(server) => vec![measured(server)],
            Self::Nodes(cluster) => cluster.nodes().map(measured).collect(),
        }
    }
}

/// Measures and reports.
///
/// # Errors
/// When a server cannot be started or ends, or refuses what it should not.
pub async fn measure(subscribers: usize, window: Duration, report: &mut Report) -> Result<()> {
    pin_self()?;
    let each = subscribers / NODES_MAX;
    let mut alone = f64::NAN;
    for nodes in 0..=NODES_MAX {
        let of = |figure: &str| match nodes {
            0 => format!("cluster.one_node.{figure}"),
            nodes => format!("cluster.{nodes}.{figure}"),
        };
        let subject = Subject::start(nodes).await?;
        let servers = subject.servers();
        add_memory(&servers, &of, report).await?;

        let writing = chat::lines_per_second(&servers, window / 2).await?;
        report.add(of("chat_lines_per_second"), writing, "/s", "acknowledged, of all nodes");

        let lag = lag::measure(&servers, report).await?;
        let words = "from the request to the last of 100 readers of another node, p50";
        report.add(of("publish_to_remote_p50_ms"), lag.p50_ms, "ms", words);
        report.add(of("publish_to_remote_p99_ms"), lag.p99_ms, "ms", "the same, p99");
        let words = "from the log to that reader, p99; the log counts whole milliseconds";
        report.add(of("log_to_remote_p99_ms"), lag.from_log_p99_ms, "ms", words);

        let cost = delivery::measure(&servers, each, window, &of, report).await?;
        let words = "CPU of a node for an event to a subscriber";
        report.add(of("us_per_delivery"), cost, "µs", words);
        match nodes {
            0 => alone = cost,
            _ => report.add(of("delivery_ratio_to_one_node"), cost / alone, "×", "the same"),
        }

        let matched = matches::per_second(&servers).await?;
        report.add(of("matches_per_second"), matched, "/s", "duels of 600 players, of all nodes");
        drop(subject);
    }
    for connections in 1..=NODES_MAX {
        let rate = rounds::settled_per_second(connections, window / 2).await?;
        let name = format!("cluster.{connections}.rounds_settled_per_second");
        report.add(name, rate, "/s", "of 16 of 40 players, from as many connections");
    }
    // The names without a number are those of the most nodes.
    for figure in ["matches", "chat_lines", "rounds_settled"] {
        let value = report.figure(&format!("cluster.{NODES_MAX}.{figure}_per_second"));
        report.add(format!("cluster.{figure}_per_second"), value, "/s", "with three nodes");
    }
    report.note(
        "cluster: PostgreSQL does not wait for the disk here (fsync = off). One NATS server, files, no replicas. One-node: \
         the readers are those of the server itself, and its database is SQLite."
            .to_owned(),
    );
    Ok(())
}

async fn add_memory(
    servers: &[Measured],
    of: &impl Fn(&str) -> String,
    report: &mut Report,
) -> Result<()> {
    let (mut resident, mut allocated) = (0.0, 0.0);
    for server in servers {
        resident += resident_kib(server.pid)? / 1024.0;
        allocated += server.site.metric("pushback_memory_allocated_bytes").await / 1_048_576.0;
    }
    let count = servers.len() as f64;
    report.add(of("memory_mib"), resident / count, "MiB", "resident, of a node after its start");
    report.add(of("allocated_mib"), allocated / count, "MiB", "allocated of that");
    Ok(())
}
