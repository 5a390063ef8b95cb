//! A running `game-server`, from its start to its readiness.

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::http;
use crate::process::{POLL, Process, stopping};

/// Where the server listens unless told otherwise.
pub(crate) const DEFAULT_ADDRESS: &str = "127.0.0.1:7777";

/// Opening an old database and recovering recordings may take a moment; this is many times that.
const READY_LIMIT: Duration = Duration::from_secs(60);

/// A server that is ready, and is stopped when this value is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    /// `HOST:PORT`, as a program on this machine reaches it.
    pub(crate) address: String,
    /// The program.
    pub(crate) process: Process,
}

impl Server {
    /// Starts the server with these arguments and waits until it is ready. With `quiet` its log is
    /// thrown away.
    pub(crate) fn start(program: &Path, arguments: &[OsString], quiet: bool) -> Result<Self> {
        let folder = tempfile::tempdir().context("making a temporary folder")?;
        let port_file = folder.path().join("address");
        let mut command = Command::new(program);
        command.arg("--port-file").arg(&port_file).args(arguments);
        if quiet {
            command.stdout(Stdio::null()).stderr(Stdio::null());
        }
        let mut process = Process::spawn("the server", &mut command)?;

        let started = Instant::now();
        loop {
            if let Some(status) = process.ended()? {
                bail!("the server ended at once ({status}): see its messages above");
            }
            if stopping() {
                bail!("stopped while the server started");
            }
            let bound = fs::read_to_string(&port_file).unwrap_or_default();
            if let Some(address) = reachable(&bound).filter(|address| is_ready(address)) {
                return Ok(Self { address, process });
            }
            if started.elapsed() > READY_LIMIT {
                bail!("the server was not ready after {} s", READY_LIMIT.as_secs());
            }
            thread::sleep(POLL);
        }
    }

    /// The lobby's address.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// Who listens at an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Listener {
    /// Nobody: the address is free.
    Nobody,
    /// A Pushback server that is ready.
    Pushback,
    /// Something else.
    Stranger,
}

/// Looks who listens at the default address.
pub(crate) fn who_listens() -> Listener {
    let Ok(answer) = http::get(DEFAULT_ADDRESS, "/api/openapi.json") else {
        // Refused is free; a listener that answers no HTTP is found by trying to take the port.
        return match std::net::TcpListener::bind(DEFAULT_ADDRESS) {
            Ok(_) => Listener::Nobody,
            Err(_) => Listener::Stranger,
        };
    };
    let title = answer.json().ok().and_then(|api| api["info"]["title"].as_str().map(str::to_owned));
    match title {
        Some(title) if title.to_lowercase().contains("pushback") => Listener::Pushback,
        _ => Listener::Stranger,
    }
}

fn is_ready(address: &str) -> bool {
    http::get(address, "/readyz").is_ok_and(|answer| answer.status == 200)
}

/// Turns the address that the server bound into one to connect to.
fn reachable(bound: &str) -> Option<String> {
    let bound = bound.trim();
    let (host, port) = bound.rsplit_once(':')?;
    port.parse::<u16>().ok()?;
    Some(match host {
        "0.0.0.0" => format!("127.0.0.1:{port}"),
        "[::]" => format!("[::1]:{port}"),
        _ => bound.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_address_is_reached_from_this_machine() {
        assert_eq!(reachable("127.0.0.1:7777\n").as_deref(), Some("127.0.0.1:7777"));
        assert_eq!(reachable("0.0.0.0:80").as_deref(), Some("127.0.0.1:80"));
        assert_eq!(reachable("[::]:80").as_deref(), Some("[::1]:80"));
        assert_eq!(reachable(""), None);
        assert_eq!(reachable("127.0.0.1:"), None);
    }
}
