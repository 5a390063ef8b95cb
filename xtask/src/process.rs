//! Child processes: started in a group of their own, watched, and stopped politely.
//!
//! Ctrl-C reaches xtask alone, because every child leads its own process group. xtask notes the
//! signal, and the code that waits for a child then ends that child's whole group: `SIGTERM`, a
//! time to finish, and `SIGKILL` for the rest.

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
/// The interval at which xtask checks its children.
pub(crate) const POLL: Duration = Duration::from_millis(50);
/// How long output is still read after the child has ended. A grandchild may keep the pipe open.
const DRAIN_GRACE: Duration = Duration::from_secs(2);
/// The most output of one command that is kept for reading test results. Older output is dropped;
/// the log has it all.
const KEPT_BYTES_MAX: usize = 32 << 20;

static STOPPING: AtomicBool = AtomicBool::new(false);

/// From now on, [`stopping`] reports Ctrl-C, `SIGTERM` and `SIGHUP`.
pub(crate) fn watch_signals() -> Result<()> {
    ctrlc::set_handler(|| STOPPING.store(true, Ordering::Relaxed)).context("watching for Ctrl-C")
}

/// Whether a signal asked xtask to stop.
pub(crate) fn stopping() -> bool {
    STOPPING.load(Ordering::Relaxed)
}

/// Where a command's output goes.
#[derive(Debug, Clone)]
pub(crate) enum Output {
    /// To the terminal, with progress bars.
    Terminal,
    /// To the terminal and, appended, to this file.
    Log(PathBuf),
    /// Appended to this file alone.
    Quiet(PathBuf),
}

/// A child that lives until it is stopped, at the latest when this value is dropped.
#[derive(Debug)]
pub(crate) struct Process {
    name: String,
    child: Child,
}

impl Process {
    /// Starts `command` with an empty standard input. `name` is for messages.
    pub(crate) fn spawn(name: &str, command: &mut Command) -> Result<Self> {
        let child =
            command.stdin(Stdio::null()).process_group(0).spawn().with_context(|| {
                format!("starting {name} ({})", command.get_program().display())
            })?;
        Ok(Self { name: name.to_owned(), child })
    }

    /// The exit status; `None` while the child runs.
    pub(crate) fn ended(&mut self) -> Result<Option<ExitStatus>> {
        self.child.try_wait().with_context(|| format!("looking at {}", self.name))
    }

    /// Waits for the end of the child. After a signal to xtask, or when `limit` has passed, stops the
    /// child and fails.
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

    /// Ends the child and everything that it started at once, as a crash would.
    pub(crate) fn kill(&mut self) {
        self.signal(Signal::SIGKILL);
        // Reaps the child. A failure has no consequence here.
        self.child.wait().ok();
    }

    /// Asks the child to end, without waiting for it.
    pub(crate) fn ask_to_stop(&self) {
        self.signal(Signal::SIGTERM);
    }

    /// Ends the child and everything that it started.
    pub(crate) fn stop(&mut self) {
        if matches!(self.child.try_wait(), Ok(Some(_))) {
            self.signal(Signal::SIGKILL); // Processes that the child left behind.
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
        // Reaps the child. A failure has no consequence here.
        self.child.wait().ok();
    }

    fn signal(&self, signal: Signal) {
        let Ok(group) = i32::try_from(self.child.id()) else { return };
        // Fails when all members of the group have ended, which is the goal.
        killpg(Pid::from_raw(group), signal).ok();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Runs `command` to its end. Returns its status and, unless that went to the terminal alone, its output.
pub(crate) fn run(
    name: &str,
    command: &mut Command,
    output: &Output,
    limit: Option<Duration>,
) -> Result<(ExitStatus, String)> {
    let (log, shown) = match output {
        Output::Terminal => {
            return Ok((Process::spawn(name, command)?.wait(limit)?, String::new()));
        }
        Output::Log(log) => (log, true),
        Output::Quiet(log) => (log, false),
    };
    let mut log = File::options()
        .create(true)
        .append(true)
        .open(log)
        .with_context(|| format!("opening {}", log.display()))?;
    let (reader, writer) = io::pipe().context("making a pipe")?;
    command.stdout(writer.try_clone().context("making a pipe")?).stderr(writer);
    let mut process = Process::spawn(name, command)?;
    // The command still holds the write end of the pipe, and the reader waits until that is closed.
    command.stdout(Stdio::null()).stderr(Stdio::null());

    let text = Arc::new(Mutex::new(Vec::new()));
    let copier = thread::spawn({
        let text = Arc::clone(&text);
        move || tee(reader, shown, &mut log, &text)
    });
    let waited = process.wait(limit);
    let ended = Instant::now();
    while !copier.is_finished() && ended.elapsed() < DRAIN_GRACE {
        thread::sleep(POLL);
    }
    let text = text.lock().unwrap_or_else(PoisonError::into_inner);
    Ok((waited?, String::from_utf8_lossy(&text).into_owned()))
}

/// The same command with the lowest priority: it takes what others leave of the processors.
pub(crate) fn at_low_priority(command: &Command) -> Command {
    let mut nice = Command::new("nice");
    nice.args(["-n", "19"]).arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => nice.env(name, value),
            None => nice.env_remove(name),
        };
    }
    if let Some(folder) = command.get_current_dir() {
        nice.current_dir(folder);
    }
    nice
}

/// Runs `command` quietly. Returns its output, or an error with its error output.
pub(crate) fn capture(name: &str, command: &mut Command) -> Result<String> {
    let output =
        command.stdin(Stdio::null()).output().with_context(|| format!("starting {name}"))?;
    if !output.status.success() {
        bail!("{name} failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Whether `command` starts and succeeds. Its output is dropped.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

fn tee(mut from: PipeReader, shown: bool, log: &mut File, text: &Mutex<Vec<u8>>) {
    let mut buffer = [0; 16 << 10];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        let bytes = &buffer[..read];
        // A failing terminal or disk must not end the command.
        if shown {
            io::stdout().write_all(bytes).and_then(|()| io::stdout().flush()).ok();
        }
        log.write_all(bytes).ok();
        let mut text = text.lock().unwrap_or_else(PoisonError::into_inner);
        text.extend_from_slice(bytes);
        if text.len() > KEPT_BYTES_MAX {
            text.drain(..KEPT_BYTES_MAX / 2);
        }
    }
}
