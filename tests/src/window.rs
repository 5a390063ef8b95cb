//! The native client in a window, on a screen in memory.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::process::{Program, built};
use crate::wait::eventually;

/// A software renderer on two busy cores needs its time.
pub const WINDOW_DEADLINE: Duration = Duration::from_secs(180);
/// Lines of the client's log that a failure shows.
const LOG_LINES: usize = 30;
/// Mesa's software renderer.
const RENDERERS: &str = "/usr/share/vulkan/icd.d";

/// A client that runs on a screen of its own.
#[derive(Debug)]
pub struct Window {
    client: Program,
    _screen: Program,
    folder: TempDir,
}

impl Window {
    /// Starts the client with these flags.
    ///
    /// # Panics
    /// When Xvfb is not installed, or the client was not built.
    #[must_use]
    pub fn open(flags: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut command = Command::new("Xvfb");
        command.args(["-displayfd", "1", "-nolisten", "tcp", "-screen", "0", "960x540x24"]);
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        let mut screen = Program::start("Xvfb", &mut command);
        let number: u32 = screen.announced(|line| line.trim().parse().ok());

        let mut command = Command::new(built("PUSHBACK_CLIENT_BIN", "game-client"));
        command.arg("--status-file").arg(status_path(folder.path())).args(flags);
        command.env("DISPLAY", format!(":{number}")).env_remove("WAYLAND_DISPLAY");
        // Settings of whoever runs the tests stay as they are.
        command.env("XDG_CONFIG_HOME", folder.path()).env("XDG_DATA_HOME", folder.path());
        if let Some(renderer) = renderer() {
            command.env("VK_DRIVER_FILES", &renderer).env("VK_ICD_FILENAMES", renderer);
        }
        let log = File::create(log_path(folder.path())).expect("a log can be written");
        command.stdout(Stdio::null()).stderr(log);
        let client = Program::start("game-client", &mut command);
        Self { client, _screen: screen, folder }
    }

    /// Waits until the client's status is as wanted.
    ///
    /// # Panics
    /// When the client ends before, or the deadline passes; with its last status and its log.
    pub async fn status_where(&mut self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let path = status_path(self.folder.path());
        let mut last = Value::Null;
        let began = Instant::now();
        eventually(WINDOW_DEADLINE * 2, what, async || {
            let status = fs::read(&path).ok().and_then(|text| serde_json::from_slice(&text).ok());
            last = status.unwrap_or_else(|| last.clone());
            if wanted(&last) {
                return Some(last.clone());
            }
            let ended = self.client.ended();
            let is_over = ended.is_some() || began.elapsed() > WINDOW_DEADLINE;
            assert!(!is_over, "{what} did not come ({ended:?}): {last}\n{}", self.log());
            None
        })
        .await
    }

    /// Waits until the client ends by itself, and well.
    ///
    /// # Panics
    /// When it fails; with its log.
    pub async fn ends_well(&mut self) {
        let status = self.client.end_within(WINDOW_DEADLINE).await;
        assert!(status.success(), "the client ended with {status}\n{}", self.log());
    }

    /// The end of what the client logged.
    fn log(&self) -> String {
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

fn renderer() -> Option<PathBuf> {
    let entries = fs::read_dir(RENDERERS).ok()?;
    let mut paths = entries.flatten().map(|entry| entry.path());
    paths
        .find(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("lvp")))
}
