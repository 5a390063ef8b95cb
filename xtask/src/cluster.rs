//! `cargo xtask cluster`: many nodes of one lobby on this machine, with everything that they share, until Ctrl-C.
//!
//! HAProxy stands before the nodes, with the configuration that is shipped. Nothing that is started here outlives xtask,
//! however that ends.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};
use std::thread;

use anyhow::{Context as _, Result, bail};
use test_haproxy::Haproxy;

use crate::cargo::{Group, Profile, Workspace};
use crate::packages::{self, Purpose};
use crate::process::{Output, POLL, stopping};
use crate::serve;

mod engines;
mod folder;
mod node;

use engines::Engines;
use folder::Folder;
use node::Node;

/// The names of nodes. Each is a key.
const NAMES: [&str; 9] = ["a", "b", "c", "d", "e", "f", "g", "h", "i"];
/// Lines that were typed and not yet read. When there are more, the terminal waits.
const LINES_MAX: usize = 16;

/// How many nodes, and where.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// How many nodes.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=9))]
    nodes: u8,
    /// The lobby's address and port. Port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:7777")]
    listen: SocketAddr,
    /// Passed to each node, after `--`.
    #[arg(last = true)]
    server: Vec<OsString>,
}

/// Builds everything, starts everything, and does what is typed until Ctrl-C.
pub(crate) fn cluster(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    let needed = [Purpose::Server, Purpose::Database, Purpose::Nodes];
    packages::ensure(&needed, &Output::Terminal)?;
    let listener = TcpListener::bind(arguments.listen).with_context(|| {
        let listen = arguments.listen;
        format!("{listen} is not free (`--listen 127.0.0.1:7778` takes another port)")
    })?;
    serve::build_lobby(workspace)?;
    let programs = build(workspace)?;

    // Dropped last.
    let folder = Folder::make()?;
    println!("== NATS, PostgreSQL, a store of the S3 kind, HAProxy and the nodes");
    let engines = Engines::start(&programs[1])?;
    let names = &NAMES[..usize::from(arguments.nodes)];
    let start = |name: &&'static str| {
        Node::start(&programs[0], name, folder.path(), &engines.flags(), &arguments.server)
    };
    let mut nodes = names.iter().map(start).collect::<Result<Vec<_>>>()?;
    let addresses: Vec<_> = nodes.iter().map(|node| (node.name, node.address)).collect();
    let balancer = Haproxy::start(listener, &addresses);
    println!("{}", description(&balancer, &engines, &nodes));

    let ended = run(&mut nodes);
    // All at once, instead of one after the other.
    nodes.iter().for_each(Node::ask_to_stop);
    drop(nodes);
    drop(balancer);
    drop(engines);
    drop(folder);
    if ended.is_ok() {
        println!("everything has stopped");
    }
    ended
}

fn build(workspace: &Workspace) -> Result<[PathBuf; 2]> {
    println!("== the server and the store (the first time 5 to 10 minutes)");
    workspace.build_programs(Group::Server, Profile::Dev, ["game-server", "bucket"])
}

fn description(balancer: &Haproxy, engines: &Engines, nodes: &[Node]) -> String {
    let mut text = format!("\nthe lobby    http://{}\n", balancer.address());
    for node in nodes {
        let (name, address) = (node.name, node.address);
        // A string takes everything.
        writeln!(text, "node {name}       http://{address}    {}", node.log.display()).ok();
    }
    text += &engines.description();
    let keys = nodes.iter().map(|node| node.name).collect::<Vec<_>>().join(", ");
    text + &format!(
        "type {keys} and Enter: kills that node, or starts it again. q or Ctrl-C stops everything."
    )
}

/// Does what is typed until Ctrl-C.
fn run(nodes: &mut [Node]) -> Result<()> {
    let lines = typed_lines()?;
    loop {
        if stopping() {
            return Ok(());
        }
        match lines.try_recv().as_deref().map(str::trim) {
            Ok("q") => return Ok(()),
            Ok("") => {}
            Ok(name) => match nodes.iter_mut().find(|node| node.name == name) {
                Some(node) => match node.kill_or_start() {
                    Ok(sentence) => println!("{sentence}"),
                    Err(error) => println!("{error:#}"),
                },
                None => println!("there is no node {name}"),
            },
            // Without a terminal, nothing is typed.
            Err(TryRecvError::Empty | TryRecvError::Disconnected) => thread::sleep(POLL),
        }
        for node in nodes.iter_mut() {
            if let Some(sentence) = node.ended_by_itself()? {
                println!("{sentence}");
            }
        }
        if nodes.iter().all(|node| !node.is_running()) && nodes.iter().all(Node::has_failed) {
            bail!("every node ended by itself: see their messages above");
        }
    }
}

/// The lines of the standard input, as they come.
fn typed_lines() -> Result<Receiver<String>> {
    let (sender, lines) = sync_channel(LINES_MAX);
    // It waits for the input until xtask ends.
    thread::Builder::new()
        .name("typed lines".to_owned())
        .spawn(move || {
            let typed = io::stdin().lines().map_while(Result::ok);
            typed.map(|line| sender.send(line)).take_while(Result::is_ok).for_each(drop);
        })
        .context("starting a thread")?;
    Ok(lines)
}
