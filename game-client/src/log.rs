//! What the client writes to its standard error: its log, and of the sound system's complaints one line.

use std::io::{self, IsTerminal as _};

use bevy::log::tracing_subscriber::fmt;
use bevy::log::{BoxedFmtLayer, LogPlugin};
use bevy::prelude::App;

/// The log, with colours where a person reads it at a terminal.
pub(crate) fn plugin() -> LogPlugin {
    LogPlugin { fmt_layer: layer, ..LogPlugin::default() }
}

#[expect(clippy::unnecessary_wraps, reason = "Bevy's signature")]
fn layer(_: &mut App) -> Option<BoxedFmtLayer> {
    let layer = fmt::Layer::default()
        .with_writer(io::stderr)
        .with_ansi(has_colours())
        // A log that nobody takes any more must not end the game.
        .log_internal_errors(false);
    Some(Box::new(layer))
}

/// <https://no-color.org>
fn has_colours() -> bool {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    io::stderr().is_terminal() && !is_set("NO_COLOR") && !is_dumb
}

/// Does something during which libraries write to the standard error themselves. What ALSA writes becomes one line.
#[cfg(unix)]
pub(crate) fn without_alsas_complaints<T>(act: impl FnOnce() -> T) -> T {
    let Ok(capture) = capture::Capture::begin() else { return act() };
    let done = act();
    let (complaints, rest) = capture.end();
    if let Some(first) = complaints.first() {
        let count = complaints.len();
        bevy::log::warn!("the sound system complains ({count} lines): {first}");
    }
    capture::write(&rest);
    done
}

#[cfg(not(unix))]
pub(crate) fn without_alsas_complaints<T>(act: impl FnOnce() -> T) -> T {
    act()
}

#[cfg(unix)]
mod capture {
    use std::fs::{self, File};
    use std::io::{self, Read as _, Seek as _, Write as _};
    use std::os::fd::OwnedFd;

    use nix::unistd::{dup, dup2_stderr};

    /// The longest text that is kept.
    const BYTES_MAX: u64 = 256 * 1024;
    /// How each of ALSA's lines begins.
    const ALSA: &str = "ALSA lib ";

    /// The standard error goes into a file.
    pub(super) struct Capture {
        file: File,
        before: OwnedFd,
    }

    impl Capture {
        pub(super) fn begin() -> io::Result<Self> {
            let name = format!("pushback-{}-{:016x}", std::process::id(), fastrand::u64(..));
            let path = std::env::temp_dir().join(name);
            let file = File::options().read(true).write(true).create_new(true).open(&path)?;
            // It stays until it is closed.
            fs::remove_file(&path)?;
            let before = dup(io::stderr())?;
            dup2_stderr(&file)?;
            Ok(Self { file, before })
        }

        /// The standard error is as it was. Returns ALSA's lines, and all others.
        pub(super) fn end(mut self) -> (Vec<String>, String) {
            dup2_stderr(&self.before).ok();
            let mut bytes = Vec::new();
            drop(
                self.file.rewind().and_then(|()| self.file.take(BYTES_MAX).read_to_end(&mut bytes)),
            );
            split(&String::from_utf8_lossy(&bytes))
        }
    }

    fn split(text: &str) -> (Vec<String>, String) {
        let (complaints, rest): (Vec<&str>, Vec<&str>) =
            text.lines().partition(|line| line.starts_with(ALSA));
        let complaints = complaints.iter().map(|line| line[ALSA.len()..].to_owned()).collect();
        (complaints, rest.iter().flat_map(|line| [line, "\n"]).collect())
    }

    pub(super) fn write(text: &str) {
        // Nobody may take it any more.
        drop(io::stderr().write_all(text.as_bytes()));
    }

    #[cfg(test)]
    mod tests {
        #[test]
        fn alsas_lines_are_told_from_others() {
            let text =
                "ALSA lib confmisc.c:855: cannot find card '0'\nWARN other\nALSA lib pcm.c:1: x\n";

            let (complaints, rest) = super::split(text);

            assert_eq!(complaints, ["confmisc.c:855: cannot find card '0'", "pcm.c:1: x"]);
            assert_eq!(rest, "WARN other\n");
        }
    }
}
