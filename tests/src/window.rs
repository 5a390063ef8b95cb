//! The native client in a window, on a screen in memory, with a keyboard.

use std::ops::{Deref, DerefMut};
use std::process::{Command, Stdio};

use crate::client::{Client, Home};
use crate::screen::Screen;

/// Width and height of the screen in pixels.
const SCREEN_SIZE: (u32, u32) = (960, 540);
/// Milliseconds between two letters, so that a slow picture has each in a frame of its own.
const TYPING_MS: &str = "60";

/// A client that runs on a screen of its own.
#[derive(Debug)]
pub struct Window {
    client: Client,
    screen: Screen,
}

impl Window {
    /// Starts the client with these flags.
    ///
    /// # Panics
    /// When Xvfb is not installed, or the client was not built.
    #[must_use]
    pub fn open(flags: &[&str]) -> Self {
        let screen = Screen::start(SCREEN_SIZE.0, SCREEN_SIZE.1);
        let client = Client::start(flags, |command| screen.equip(command));
        Self { client, screen }
    }

    /// Like [`Window::open`], with the settings of a player.
    ///
    /// # Panics
    /// When Xvfb is not installed, or the client was not built.
    #[must_use]
    pub fn open_at(home: &Home, flags: &[&str]) -> Self {
        let screen = Screen::start(SCREEN_SIZE.0, SCREEN_SIZE.1);
        let client = Client::start(flags, |command| {
            screen.equip(command);
            home.equip(command);
        });
        Self { client, screen }
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
        command.args(arguments).env("DISPLAY", self.screen.display()).stdout(Stdio::null());
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
