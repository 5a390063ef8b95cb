//! Screens: the one that a person sits at, or one in memory.

use std::env;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result};

use crate::process::Process;

/// Mesa's software renderer, which draws on a screen in memory.
const LAVAPIPE_FOLDER: &str = "/usr/share/vulkan/icd.d";

/// Whether a window could open on this machine.
pub(crate) fn is_here() -> bool {
    ["DISPLAY", "WAYLAND_DISPLAY"]
        .iter()
        .any(|name| env::var_os(name).is_some_and(|v| !v.is_empty()))
}

/// A screen in memory (Xvfb), gone when this value is dropped.
#[derive(Debug)]
pub(crate) struct VirtualScreen {
    number: u32,
    _server: Process,
}

impl VirtualScreen {
    /// Starts Xvfb on a number that it finds free.
    pub(crate) fn start(width: u32, height: u32) -> Result<Self> {
        let mut command = Command::new("Xvfb");
        command
            .args(["-displayfd", "1", "-nolisten", "tcp", "-screen", "0"])
            .arg(format!("{width}x{height}x24"))
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut server = Process::spawn("Xvfb", &mut command)?;
        let stdout = server.child().stdout.take().context("Xvfb's output")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).context("reading Xvfb's display number")?;
        let number = line.trim().parse().context("Xvfb did not start")?;
        Ok(Self { number, _server: server })
    }

    /// Makes `command` open its windows here, drawn by the processor.
    pub(crate) fn apply(&self, command: &mut Command) {
        command.env("DISPLAY", format!(":{}", self.number)).env_remove("WAYLAND_DISPLAY");
        if let Some(driver) = lavapipe() {
            command.env("VK_DRIVER_FILES", &driver).env("VK_ICD_FILENAMES", driver);
        }
    }
}

fn lavapipe() -> Option<PathBuf> {
    let entries = std::fs::read_dir(LAVAPIPE_FOLDER).ok()?;
    let mut paths = entries.flatten().map(|entry| entry.path());
    paths.find(|path| {
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("lvp_icd"))
    })
}
