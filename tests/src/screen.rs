//! A screen in memory (Xvfb), on which windows are drawn by the processor.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::process::Program;

/// The folder of Vulkan drivers, where Mesa's software renderer is listed.
const RENDERERS: &str = "/usr/share/vulkan/icd.d";

/// A screen that is gone when this value is dropped.
#[derive(Debug)]
pub struct Screen {
    display: String,
    _server: Program,
}

impl Screen {
    /// Starts Xvfb on a display number that it finds free. Width and height are in pixels.
    ///
    /// # Panics
    /// When Xvfb is not installed or does not start.
    #[must_use]
    pub fn start(width: u32, height: u32) -> Self {
        let mut command = Command::new("Xvfb");
        command.args(["-displayfd", "1", "-nolisten", "tcp", "-screen", "0"]);
        command.arg(format!("{width}x{height}x24")).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut server = Program::start("Xvfb", &mut command);
        let number: u32 = server.announced(|line| line.trim().parse().ok());
        Self { display: format!(":{number}"), _server: server }
    }

    /// The value of `DISPLAY` for this screen.
    #[must_use]
    pub fn display(&self) -> &str {
        &self.display
    }

    /// Makes `command` open its windows on this screen.
    pub fn equip(&self, command: &mut Command) {
        command.env("DISPLAY", &self.display).env_remove("WAYLAND_DISPLAY");
        if let Some(renderer) = software_renderer() {
            command.env("VK_DRIVER_FILES", &renderer).env("VK_ICD_FILENAMES", renderer);
        }
    }
}

fn software_renderer() -> Option<PathBuf> {
    let entries = fs::read_dir(RENDERERS).ok()?;
    let mut paths = entries.flatten().map(|entry| entry.path());
    let is_lavapipe = |name: &std::ffi::OsStr| name.to_string_lossy().starts_with("lvp_icd");
    paths.find(|path| path.file_name().is_some_and(is_lavapipe))
}
