//! Programs that stories start: found or named, and ended when they are dropped.

use std::env;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::wait::{DEADLINE, eventually};

/// A program that runs. It stays in the group of the tests, so who ends those ends it too.
#[derive(Debug)]
pub struct Program {
    name: &'static str,
    child: Child,
}

impl Program {
    /// Starts it without an input.
    ///
    /// # Panics
    /// When it cannot be started: a story that needs it cannot be told, and says so.
    #[must_use]
    pub fn start(name: &'static str, command: &mut Command) -> Self {
        let child = command.stdin(Stdio::null()).spawn();
        let child = child.unwrap_or_else(|error| {
            panic!("{name} ({}) cannot be started: {error}", command.get_program().display())
        });
        Self { name, child }
    }

    /// Its number in the system.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The first line on its output for which `read` finds something. What follows is read and forgotten,
    /// so that the program never waits for a reader.
    ///
    /// # Panics
    /// When its output ends before.
    pub fn announced<T>(&mut self, read: impl Fn(&str) -> Option<T>) -> T {
        let output = self.child.stdout.take().expect("the output is a pipe");
        let mut lines = BufReader::new(output).lines().map_while(Result::ok);
        let found = lines.find_map(|line| read(&line));
        thread::spawn(move || lines.for_each(drop));
        found.unwrap_or_else(|| panic!("{} ended before it was ready", self.name))
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.child.id()).expect("process numbers are small");
        // One that has ended already takes no signal.
        kill(Pid::from_raw(id), signal).ok();
    }

    /// Ends it at once, as a power cut would.
    ///
    /// # Panics
    /// When the system refuses.
    pub fn kill(&mut self) {
        self.child.kill().expect("a child can be killed");
        self.child.wait().expect("a child can be waited for");
    }

    /// How it ended, if it has.
    ///
    /// # Panics
    /// When the system refuses.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("a child can be looked at")
    }

    /// Waits for its end.
    pub async fn end(&mut self) -> ExitStatus {
        self.end_within(DEADLINE).await
    }

    /// Waits for its end within a time.
    pub async fn end_within(&mut self, deadline: Duration) -> ExitStatus {
        let what = format!("the end of {}", self.name);
        eventually(deadline, &what, async || self.ended()).await
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended by itself.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// A program of this project, where `variable` says or beside the running one.
///
/// # Panics
/// When it is not there.
#[must_use]
pub fn built(variable: &str, name: &str) -> PathBuf {
    let beside = || {
        let own = env::current_exe().expect("a running program has a path");
        // Tests run in `deps`, one folder below the programs.
        own.ancestors().skip(1).take(2).map(|folder| folder.join(name)).find(|path| path.is_file())
    };
    let path = env::var_os(variable).map(PathBuf::from).or_else(beside);
    let path = path.filter(|path| path.is_file());
    path.unwrap_or_else(|| panic!("{name} was not built: build it, or name it with {variable}"))
}
