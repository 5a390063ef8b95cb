//! One node: started, killed and started again at the same address.

use std::ffi::OsString;
use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::server::Server;

/// Lines of a node's log that are shown when it ends by itself.
const LAST_LINES: usize = 12;

/// A node. It is stopped when it is dropped.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) name: &'static str,
    pub(super) address: SocketAddr,
    /// The file with its log, of all its starts.
    pub(super) log: PathBuf,
    program: PathBuf,
    flags: Vec<OsString>,
    running: Option<Server>,
    has_failed: bool,
}

impl Node {
    /// Starts a node with these flags, and waits until it listens.
    pub(super) fn start(
        program: &Path,
        name: &'static str,
        folder: &Path,
        shared: &[String],
        more: &[OsString],
    ) -> Result<Self> {
        let mut flags: Vec<OsString> = shared.iter().map(OsString::from).collect();
        flags.push(format!("--node={name}").into());
        // HAProxy.
        flags.push("--trusted-proxies=127.0.0.1".into());
        flags.push("--data-dir".into());
        flags.push(folder.join(name).into());
        flags.extend(more.iter().cloned());
        let mut node = Self {
            name,
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            log: folder.join(format!("{name}.log")),
            program: program.to_owned(),
            flags,
            running: None,
            has_failed: false,
        };
        node.run()?;
        Ok(node)
    }

    /// Kills the node as a crash would, or starts it again. Returns a sentence about it.
    pub(super) fn kill_or_start(&mut self) -> Result<String> {
        let (name, address) = (self.name, self.address);
        if let Some(mut server) = self.running.take() {
            server.process.kill();
            return Ok(format!("node {name} was killed"));
        }
        self.run()?;
        Ok(format!("node {name} was started: http://{address}"))
    }

    /// A sentence and the end of its log, if the node has just ended and nobody had asked it to.
    pub(super) fn ended_by_itself(&mut self) -> Result<Option<String>> {
        let Some(server) = &mut self.running else { return Ok(None) };
        let Some(status) = server.process.ended()? else { return Ok(None) };
        self.running = None;
        self.has_failed = true;
        Ok(Some(format!("{}\nnode {} ended by itself ({status})", self.last_lines(), self.name)))
    }

    /// The end of its log, which is removed with everything else when xtask ends.
    fn last_lines(&self) -> String {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(LAST_LINES)..].join("\n")
    }

    pub(super) fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// Whether it ended by itself the last time.
    pub(super) fn has_failed(&self) -> bool {
        self.has_failed
    }

    /// Asks the node to end, without waiting for it.
    pub(super) fn ask_to_stop(&self) {
        if let Some(server) = &self.running {
            server.process.ask_to_stop();
        }
    }

    fn run(&mut self) -> Result<()> {
        let log = File::options().create(true).append(true).open(&self.log);
        let log = log.with_context(|| format!("opening {}", self.log.display()))?;
        // The node ends with xtask, even when that is killed.
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL"]).arg(&self.program);
        command.args(&self.flags).arg("--listen").arg(self.address.to_string());
        command.stdout(log.try_clone().context("opening the log twice")?).stderr(log);
        let server = Server::start_by(&mut command)
            .with_context(|| format!("{}\nstarting node {}", self.last_lines(), self.name))?;
        self.address = server.address.parse().context("reading the node's address")?;
        self.running = Some(server);
        self.has_failed = false;
        Ok(())
    }
}
