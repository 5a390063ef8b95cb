//! Programs that stories start. They end when their handle is dropped.

use std::env;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::wait::{DEADLINE, eventually};

/// A running program. It stays in the process group of the tests, so a signal to the group ends it too.
#[derive(Debug)]
pub struct Program {
    name: &'static str,
    child: Child,
}

impl Program {
    /// Starts a program with an empty standard input.
    ///
    /// # Panics
    /// When the program cannot be started.
    #[must_use]
    pub fn start(name: &'static str, command: &mut Command) -> Self {
        let child = command.stdin(Stdio::null()).spawn();
        let child = child.unwrap_or_else(|error| {
            panic!("{name} ({}) cannot be started: {error}", command.get_program().display())
        });
        Self { name, child }
    }

    /// The process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The value that `read` finds in the program's standard output, line by line. Later output is read and dropped,
    /// so that the program never blocks on a full pipe.
    ///
    /// # Panics
    /// When the output ends before `read` finds a value.
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
        // A program that has ended takes no signal.
        kill(Pid::from_raw(id), signal).ok();
    }

    /// Kills the program, which then cannot clean up.
    ///
    /// # Panics
    /// When the system refuses.
    pub fn kill(&mut self) {
        self.child.kill().expect("a child can be killed");
        self.child.wait().expect("a child can be waited for");
    }

    /// The exit status; `None` while the program runs.
    ///
    /// # Panics
    /// When the system refuses.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("a child can be looked at")
    }

    /// Waits for the end of the program.
    pub async fn end(&mut self) -> ExitStatus {
        self.end_within(DEADLINE).await
    }

    /// Waits for the end of the program, at most for `deadline`.
    pub async fn end_within(&mut self, deadline: Duration) -> ExitStatus {
        let what = format!("the end of {}", self.name);
        eventually(deadline, &what, async || self.ended()).await
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // The program may have ended by itself.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// The path of a program of this project: the value of the environment variable `variable`, or `name` beside the running
/// program.
///
/// # Panics
/// When there is no such file.
#[must_use]
pub fn built(variable: &str, name: &str) -> PathBuf {
    let beside = || {
        let own = env::current_exe().expect("a running program has a path");
        // Tests run in `deps`, one folder below the programs.
        own.ancestors().skip(1).take(2).map(|folder| folder.join(name)).find(|path| path.is_file())
    };
    let path = env::var_os(variable).map(PathBuf::from).or_else(beside);
    let path = path.filter(|path| path.is_file());
    path.unwrap_or_else(|| {
        panic!("{name} was not built: build it, or put its path into {variable}")
    })
}
