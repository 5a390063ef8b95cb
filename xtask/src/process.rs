//! Child processes: started in a group of their own, watched, and stopped politely.
//!
//! Ctrl-C reaches xtask alone, because every child leads its own process group. xtask notes the
//! wish to stop, and whoever waits for a child then ends that child's whole group: `SIGTERM`, a
//! time to finish, and `SIGKILL` for what is left.

use std::fs::File;
use std::io::{self, PipeReader, Read as _, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

/// How long a child may take to end after `SIGTERM`.
pub(crate) const STOP_GRACE: Duration = Duration::from_secs(10);
/// How often a waiting xtask looks at its children.
pub(crate) const POLL: Duration = Duration::from_millis(50);
/// How long output is read on after the child has ended: a forgotten grandchild may hold the pipe.
const DRAIN_GRACE: Duration = Duration::from_secs(2);
/// The most output of one command that is kept for reading test results. Older output is dropped;
/// the log has it all.
const KEPT_BYTES_MAX: usize = 32 << 20;

static STOPPING: AtomicBool = AtomicBool::new(false);

/// Makes Ctrl-C, `SIGTERM` and `SIGHUP` a wish that [`stopping`] reports.
pub(crate) fn watch_signals() -> Result<()> {
    ctrlc::set_handler(|| STOPPING.store(true, Ordering::Relaxed)).context("watching for Ctrl-C")
}

/// Whether someone asked xtask to stop.
pub(crate) fn stopping() -> bool {
    STOPPING.load(Ordering::Relaxed)
}

/// Where a command's output goes.
#[derive(Debug, Clone)]
pub(crate) enum Output {
    /// To the terminal as it is, with progress bars.
    Terminal,
    /// To the terminal and, appended, to this file.
    Log(PathBuf),
}

/// A child that lives until it is stopped, at the latest when this value is dropped.
#[derive(Debug)]
pub(crate) struct Process {
    name: String,
    child: Child,
}

impl Process {
    /// Starts `command` without an input. `name` is for messages.
    pub(crate) fn spawn(name: &str, command: &mut Command) -> Result<Self> {
        let child =
            command.stdin(Stdio::null()).process_group(0).spawn().with_context(|| {
                format!("starting {name} ({})", command.get_program().display())
            })?;
        Ok(Self { name: name.to_owned(), child })
    }

    /// How it ended, if it has.
    pub(crate) fn ended(&mut self) -> Result<Option<ExitStatus>> {
        self.child.try_wait().with_context(|| format!("looking at {}", self.name))
    }

    /// Waits for the end. Stops the child and fails when someone asks xtask to stop, or when
    /// `limit` has passed.
    pub(crate) fn wait(&mut self, limit: Option<Duration>) -> Result<ExitStatus> {
        let started = Instant::now();
        loop {
            if let Some(status) = self.ended()? {
                return Ok(status);
            }
            if stopping() {
                self.stop();
                bail!("stopped while {} ran", self.name);
            }
            if let Some(limit) = limit.filter(|limit| started.elapsed() > *limit) {
                self.stop();
                bail!("{} was stopped after {} minutes", self.name, limit.as_secs() / 60);
            }
            thread::sleep(POLL);
        }
    }

    /// Ends the child and everything that it started. Does nothing when it has ended already.
    pub(crate) fn stop(&mut self) {
        if matches!(self.child.try_wait(), Ok(Some(_))) {
            self.signal(Signal::SIGKILL); // What it left behind.
            return;
        }
        self.signal(Signal::SIGTERM);
        let asked = Instant::now();
        while asked.elapsed() < STOP_GRACE {
            if !matches!(self.child.try_wait(), Ok(None)) {
                break;
            }
            thread::sleep(POLL);
        }
        self.signal(Signal::SIGKILL);
        // Collects the exit status; there is nothing to do about a failure here.
        self.child.wait().ok();
    }

    fn signal(&self, signal: Signal) {
        let Ok(group) = i32::try_from(self.child.id()) else { return };
        // The group is gone when all its members have ended, which is what is wanted.
        killpg(Pid::from_raw(group), signal).ok();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Runs `command` to its end and returns how it ended and, with [`Output::Log`], what it said.
pub(crate) fn run(
    name: &str,
    command: &mut Command,
    output: &Output,
    limit: Option<Duration>,
) -> Result<(ExitStatus, String)> {
    let Output::Log(log) = output else {
        return Ok((Process::spawn(name, command)?.wait(limit)?, String::new()));
    };
    let mut log = File::options()
        .create(true)
        .append(true)
        .open(log)
        .with_context(|| format!("opening {}", log.display()))?;
    let (reader, writer) = io::pipe().context("making a pipe")?;
    command.stdout(writer.try_clone().context("making a pipe")?).stderr(writer);
    let mut process = Process::spawn(name, command)?;
    // The command still holds the pipe's other end, and the reader waits for that one's close.
    command.stdout(Stdio::null()).stderr(Stdio::null());

    let said = Arc::new(Mutex::new(Vec::new()));
    let copier = thread::spawn({
        let said = Arc::clone(&said);
        move || tee(reader, &mut log, &said)
    });
    let waited = process.wait(limit);
    let ended = Instant::now();
    while !copier.is_finished() && ended.elapsed() < DRAIN_GRACE {
        thread::sleep(POLL);
    }
    let said = said.lock().unwrap_or_else(PoisonError::into_inner);
    Ok((waited?, String::from_utf8_lossy(&said).into_owned()))
}

/// Runs `command` quietly; its output on success, an error with its output otherwise.
pub(crate) fn capture(name: &str, command: &mut Command) -> Result<String> {
    let output =
        command.stdin(Stdio::null()).output().with_context(|| format!("starting {name}"))?;
    if !output.status.success() {
        bail!("{name} failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Whether `command` starts and ends well, whatever it says.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

fn tee(mut from: PipeReader, log: &mut File, said: &Mutex<Vec<u8>>) {
    let mut buffer = [0; 16 << 10];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        let bytes = &buffer[..read];
        // A terminal or disk that refuses must not end the command that is being watched.
        io::stdout().write_all(bytes).and_then(|()| io::stdout().flush()).ok();
        log.write_all(bytes).ok();
        let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
        said.extend_from_slice(bytes);
        if said.len() > KEPT_BYTES_MAX {
            said.drain(..KEPT_BYTES_MAX / 2);
        }
    }
}
