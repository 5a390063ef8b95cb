//! A running `game-server`, from its start to the moment when it listens.

use std::env;
use std::ffi::OsString;
use std::fs::{self, File, TryLockError};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::process::{POLL, Process, stopping};

/// The server's default address.
pub(crate) const DEFAULT_ADDRESS: &str = "127.0.0.1:7777";

/// The server listens within a moment of its start. This is many times that.
const START_LIMIT: Duration = Duration::from_secs(60);
/// The server's default data folder, and the file in it that a running server keeps locked.
const DEFAULT_DATA_FOLDER: &str = "pushback-data";
const LOCK_FILE: &str = "lock";

/// A server that listens, and is stopped when this value is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    /// `HOST:PORT`, as a program on this machine reaches it.
    pub(crate) address: String,
    /// The program.
    pub(crate) process: Process,
}

impl Server {
    /// Starts the server with these arguments and waits until it listens. It answers when it has opened its data.
    ///
    /// # Errors
    /// When the server ends, when it does not listen within a minute, or after Ctrl-C.
    pub(crate) fn start(program: &Path, arguments: &[OsString]) -> Result<Self> {
        Self::start_by(Command::new(program).args(arguments))
    }

    /// The same by a command, which may redirect the server's output.
    ///
    /// # Errors
    /// As for [`Server::start`].
    pub(crate) fn start_by(command: &mut Command) -> Result<Self> {
        let folder = tempfile::tempdir().context("making a temporary folder")?;
        let port_file = folder.path().join("address");
        command.arg("--port-file").arg(&port_file);
        let mut process = Process::spawn("the server", command)?;

        let started = Instant::now();
        loop {
            if let Some(status) = process.ended()? {
                bail!("the server ended at once ({status}): see its messages above");
            }
            if stopping() {
                bail!("stopped while the server started");
            }
            let bound = fs::read_to_string(&port_file).unwrap_or_default();
            if let Some(address) = reachable(&bound) {
                return Ok(Self { address, process });
            }
            if started.elapsed() > START_LIMIT {
                bail!("the server did not listen after {} s", START_LIMIT.as_secs());
            }
            thread::sleep(POLL);
        }
    }

    /// The lobby's address.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// What listens at an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Listener {
    /// No program: the address is free.
    None,
    /// The Pushback server of this folder.
    Pushback,
    /// Another program.
    Other,
}

/// Finds out what listens at the default address. A Pushback server is known by the lock on its data folder.
pub(crate) fn default_listener() -> Listener {
    if TcpListener::bind(DEFAULT_ADDRESS).is_ok() {
        Listener::None
    } else if is_locked(&data_folder().join(LOCK_FILE)) {
        Listener::Pushback
    } else {
        Listener::Other
    }
}

/// The data folder of a server that is started here without `--data-dir`.
fn data_folder() -> PathBuf {
    let set = env::var_os("PUSHBACK_DATA_DIR").filter(|folder| !folder.is_empty());
    set.map_or_else(|| PathBuf::from(DEFAULT_DATA_FOLDER), PathBuf::from)
}

/// Whether another process holds the lock of this file.
fn is_locked(path: &Path) -> bool {
    File::open(path).is_ok_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock)))
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
    fn a_lock_that_another_holds_is_seen() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(LOCK_FILE);
        assert!(!is_locked(&path));

        let held = File::create(&path).expect("a file");
        assert!(!is_locked(&path));
        held.lock().expect("the file can be locked");
        assert!(is_locked(&path));
    }

    #[test]
    fn every_address_is_reached_from_this_machine() {
        assert_eq!(reachable("127.0.0.1:7777\n").as_deref(), Some("127.0.0.1:7777"));
        assert_eq!(reachable("0.0.0.0:80").as_deref(), Some("127.0.0.1:80"));
        assert_eq!(reachable("[::]:80").as_deref(), Some("[::1]:80"));
        assert_eq!(reachable(""), None);
        assert_eq!(reachable("127.0.0.1:"), None);
    }
}
