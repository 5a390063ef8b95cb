//! The native client in a window, on a screen in memory, with a keyboard.

use std::fs;
use std::ops::{Deref, DerefMut};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::client::Client;
use crate::process::Program;

/// Mesa's software renderer.
const RENDERERS: &str = "/usr/share/vulkan/icd.d";
/// Milliseconds between two letters, so that a slow picture has each in a frame of its own.
const TYPING_MS: &str = "60";

/// A client that runs on a screen of its own.
#[derive(Debug)]
pub struct Window {
    client: Client,
    _screen: Program,
    display: String,
}

impl Window {
    /// Starts the client with these flags.
    ///
    /// # Panics
    /// When Xvfb is not installed, or the client was not built.
    #[must_use]
    pub fn open(flags: &[&str]) -> Self {
        let mut command = Command::new("Xvfb");
        command.args(["-displayfd", "1", "-nolisten", "tcp", "-screen", "0", "960x540x24"]);
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        let mut screen = Program::start("Xvfb", &mut command);
        let number: u32 = screen.announced(|line| line.trim().parse().ok());
        let display = format!(":{number}");
        let client = Client::start(flags, |command| {
            command.env("DISPLAY", &display).env_remove("WAYLAND_DISPLAY");
            if let Some(renderer) = renderer() {
                command.env("VK_DRIVER_FILES", &renderer).env("VK_ICD_FILENAMES", renderer);
            }
        });
        Self { client, _screen: screen, display }
    }

    /// Gives the window the keyboard. There is no window manager that would.
    pub fn focus(&self) {
        self.xdotool(&["search", "--sync", "--name", "Pushback", "windowfocus", "--sync"]);
    }

    /// Presses a key and lets it go: by its X11 name, such as `Return` or `shift+Return`.
    pub fn press(&self, key: &str) {
        self.xdotool(&["key", key]);
    }

    /// Types letter by letter.
    pub fn write(&self, text: &str) {
        self.xdotool(&["type", "--delay", TYPING_MS, text]);
    }

    fn xdotool(&self, arguments: &[&str]) {
        let mut command = Command::new("xdotool");
        command.args(arguments).env("DISPLAY", &self.display).stdout(Stdio::null());
        let status = command.status().unwrap_or_else(|error| panic!("xdotool: {error}"));
        assert!(status.success(), "xdotool {arguments:?} ended with {status}");
    }
}

impl Deref for Window {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl DerefMut for Window {
    fn deref_mut(&mut self) -> &mut Client {
        &mut self.client
    }
}

fn renderer() -> Option<PathBuf> {
    let entries = fs::read_dir(RENDERERS).ok()?;
    let mut paths = entries.flatten().map(|entry| entry.path());
    paths
        .find(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("lvp")))
}
