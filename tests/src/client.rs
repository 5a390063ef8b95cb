//! The native client as a program: its status, its log and its end.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde_json::Value;
use tempfile::TempDir;

use crate::process::{Program, built};
use crate::wait::eventually;

/// The deadline for a condition in the client. A software renderer on two busy cores is slow.
pub const CLIENT_DEADLINE: Duration = Duration::from_secs(180);
/// Number of lines of the client's log that a failure quotes.
const LOG_LINES: usize = 30;

/// Exit code of a program that was interrupted at its terminal: 128 + SIGINT, the convention of shells.
const INTERRUPTED: i32 = 130;

/// The settings and the identity of a player. They outlive the client, and several clients may share them.
#[derive(Debug)]
pub struct Home(TempDir);

impl Home {
    /// A fresh installation.
    ///
    /// # Panics
    /// When there is no room for temporary files.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "it makes a folder")]
    pub fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    /// A file of the default profile, such as `default.json`.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.0.path().join("pushback").join(name)
    }

    /// Puts a text in the place of a file.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn write(&self, name: &str, text: &str) {
        let path = self.file(name);
        let folder = path.parent().expect("a file is in a folder");
        fs::create_dir_all(folder).expect("a folder can be made");
        fs::write(path, text).expect("a file can be written");
    }

    /// Makes a client use these settings.
    pub(crate) fn equip(&self, command: &mut Command) {
        command.env("XDG_CONFIG_HOME", self.0.path());
    }
}

/// A running client.
#[derive(Debug)]
pub struct Client {
    program: Program,
    folder: TempDir,
}

impl Client {
    /// Starts the client without a window and without sound.
    #[must_use]
    pub fn headless(flags: &[&str]) -> Self {
        Self::headless_with(flags, &[])
    }

    /// Like [`Client::headless`], with these environment variables set to `true`.
    #[must_use]
    pub fn headless_with(flags: &[&str], variables: &[&str]) -> Self {
        Self::start(flags, |command| {
            command.arg("--headless").envs(variables.iter().map(|name| (name, "true")));
        })
    }

    /// Like [`Client::headless`], with the settings of a player, and with these environment variables.
    #[must_use]
    pub fn headless_at(home: &Home, flags: &[&str], variables: &[(&str, &str)]) -> Self {
        Self::start(flags, |command| {
            command.arg("--headless").envs(variables.iter().copied());
            home.equip(command);
        })
    }

    /// Starts the client with these flags and with empty settings. `equip` may change the command.
    ///
    /// # Panics
    /// When the client was not built.
    pub(crate) fn start(flags: &[&str], equip: impl FnOnce(&mut Command)) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut command = Command::new(built("PUSHBACK_CLIENT_BIN", "game-client"));
        command.arg("--status-file").arg(status_path(folder.path())).args(flags);
        // The user's own settings stay as they are.
        command.env("XDG_CONFIG_HOME", folder.path()).env("XDG_DATA_HOME", folder.path());
        let log = File::create(log_path(folder.path())).expect("a log can be written");
        let output = File::create(output_path(folder.path())).expect("an output can be written");
        command.stdout(output).stderr(log);
        equip(&mut command);
        Self { program: Program::start("game-client", &mut command), folder }
    }

    /// Waits until `wanted` is true for the client's status.
    ///
    /// # Panics
    /// When the client ends, or the deadline passes. The message has the last status and the log.
    pub async fn status_where(&mut self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let path = status_path(self.folder.path());
        let mut last = Value::Null;
        let began = Instant::now();
        eventually(CLIENT_DEADLINE * 2, what, async || {
            let status = fs::read(&path).ok().and_then(|text| serde_json::from_slice(&text).ok());
            last = status.unwrap_or_else(|| last.clone());
            if wanted(&last) {
                return Some(last.clone());
            }
            let ended = self.program.ended();
            let is_over = ended.is_some() || began.elapsed() > CLIENT_DEADLINE;
            assert!(!is_over, "{what} did not come ({ended:?}): {last}\n{}", self.log());
            None
        })
        .await
    }

    /// Interrupts the client, which then leaves the room and ends as if its window were closed.
    ///
    /// # Panics
    /// When the client does not end, or ends with another code. The message has the log.
    pub async fn interrupt(&mut self) {
        self.program.signal(Signal::SIGINT);
        let status = self.program.end_within(CLIENT_DEADLINE).await;
        let code = status.code();
        assert_eq!(code, Some(INTERRUPTED), "the client ended with {status}\n{}", self.log());
    }

    /// Waits until the client ends with success.
    ///
    /// # Panics
    /// When the client fails or does not end. The message has the last status and the log.
    pub async fn ends_well(&mut self) {
        let began = Instant::now();
        let status = eventually(CLIENT_DEADLINE * 2, "the end of the client", async || {
            let ended = self.program.ended();
            let is_over = ended.is_none() && began.elapsed() > CLIENT_DEADLINE;
            assert!(!is_over, "the client does not end: {}\n{}", self.status(), self.log());
            ended
        });
        let status = status.await;
        assert!(status.success(), "the client ended with {status}\n{}", self.log());
    }

    /// Waits for the end of the client, and reads the result of the round that it printed.
    ///
    /// # Panics
    /// When the client fails or prints no result. The message has the log.
    pub async fn outcome(&mut self) -> Value {
        self.ends_well().await;
        let output = fs::read_to_string(output_path(self.folder.path())).unwrap_or_default();
        let line = output.lines().last().unwrap_or_default();
        serde_json::from_str(line)
            .unwrap_or_else(|error| panic!("no outcome ({error}) in {output}\n{}", self.log()))
    }

    /// The client's last status, as text.
    fn status(&self) -> String {
        fs::read_to_string(status_path(self.folder.path())).unwrap_or_default()
    }

    /// The end of the client's log.
    #[must_use]
    pub fn log(&self) -> String {
        let log = fs::read_to_string(log_path(self.folder.path())).unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(LOG_LINES)..].join("\n")
    }
}

fn log_path(folder: &Path) -> PathBuf {
    folder.join("client.log")
}

fn status_path(folder: &Path) -> PathBuf {
    folder.join("status.json")
}

fn output_path(folder: &Path) -> PathBuf {
    folder.join("output.txt")
}
