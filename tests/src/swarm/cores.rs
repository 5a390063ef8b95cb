//! Processor cores: one for the measured program, another one for everything else.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::str::FromStr;
use std::sync::{LazyLock, OnceLock};
use std::thread;

use anyhow::{Context as _, Error, Result, ensure};

/// Two cores, by their numbers in the system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cores {
    /// For the server, and for the peers that are measured beside it.
    measured: usize,
    /// For the load generator.
    load: usize,
}

impl Cores {
    const FIRST_TWO: Self = Self { measured: 0, load: 1 };

    /// Uses these cores from now on, in the whole program.
    pub fn choose(self) {
        // The first choice stays.
        CHOSEN.set(self).ok();
    }

    fn chosen() -> Self {
        CHOSEN.get().copied().unwrap_or(Self::FIRST_TWO)
    }
}

static CHOSEN: OnceLock<Cores> = OnceLock::new();

impl FromStr for Cores {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (measured, load) = text.split_once(',').context("two cores, such as 2,4")?;
        let number = |text: &str| text.trim().parse().context("a core is a number");
        let cores = Self { measured: number(measured)?, load: number(load)? };
        ensure!(cores.measured != cores.load, "server and load on one core disturb each other");
        Ok(cores)
    }
}

/// A command that runs the program on the measured core, where there are two cores.
pub(super) fn pinned(program: PathBuf) -> Command {
    if !has_two_cores() {
        return Command::new(program);
    }
    let mut command = Command::new("taskset");
    command.args(["--cpu-list", &Cores::chosen().measured.to_string()]).arg(program);
    command
}

/// Keeps this program off the measured core, where there are two cores.
pub(super) fn pin_self() -> Result<()> {
    pin(std::process::id(), Cores::chosen().load)
}

/// Keeps a program that runs already on the measured core, where there are two cores.
pub(super) fn pin_measured(pid: u32) -> Result<()> {
    pin(pid, Cores::chosen().measured)
}

fn pin(pid: u32, core: usize) -> Result<()> {
    if !has_two_cores() {
        return Ok(());
    }
    let (pid, core) = (pid.to_string(), core.to_string());
    let status = Command::new("taskset")
        .args(["--all-tasks", "--pid", "--cpu-list", &core, &pid])
        .stdout(Stdio::null())
        .status()
        .context("starting taskset (package util-linux)")?;
    ensure!(status.success(), "taskset could not pin process {pid} to core {core}");
    Ok(())
}

fn has_two_cores() -> bool {
    // Asked once, before this program is pinned, because only the cores that it may use are counted.
    static ANSWER: LazyLock<bool> =
        LazyLock::new(|| thread::available_parallelism().is_ok_and(|cores| cores.get() >= 2));
    *ANSWER
}

#[cfg(test)]
mod tests {
    use super::Cores;

    #[test]
    fn cores_are_two_numbers() {
        assert_eq!("2, 4".parse::<Cores>().unwrap(), Cores { measured: 2, load: 4 });
        for wrong in ["", "2", "2,x", "3,3", "2,4,6"] {
            assert!(wrong.parse::<Cores>().is_err(), "{wrong}");
        }
    }
}
