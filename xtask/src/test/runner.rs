//! Runs steps, shows and logs their output, and collects their results.

use std::fs;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};

use super::results::{Cases, Outcome, StepResult};
use crate::process::{self, Output, stopping};

/// Collects the results of one run.
#[derive(Debug)]
pub(super) struct Runner {
    logs: PathBuf,
    results: Vec<StepResult>,
    /// Whether the output of a step is shown as it comes, or as a whole after its end.
    live: bool,
}

impl Runner {
    /// Empties the folder of logs.
    pub(super) fn new(logs: &Path) -> Result<Self> {
        if logs.exists() {
            fs::remove_dir_all(logs).with_context(|| format!("emptying {}", logs.display()))?;
        }
        fs::create_dir_all(logs).with_context(|| format!("making {}", logs.display()))?;
        println!("logs: {}", logs.display());
        Ok(Self { logs: logs.to_owned(), results: Vec::new(), live: true })
    }

    /// Runs some steps beside others, whose results follow. The output of `others` is shown step by step.
    pub(super) fn beside(
        &mut self,
        steps: impl FnOnce(&mut Self),
        others: impl FnOnce(&mut Self) + Send,
    ) {
        let mut second = Self { logs: self.logs.clone(), results: Vec::new(), live: false };
        thread::scope(|scope| {
            scope.spawn(|| others(&mut second));
            steps(self);
        });
        self.results.append(&mut second.results);
    }

    /// A step that passes when the command succeeds.
    pub(super) fn check(&mut self, name: &str, command: &mut Command, limit: Duration) {
        self.step(name, |output| Ok((run(name, command, output, limit)?.0, None)));
    }

    /// A step whose second command prints the results of test cases. The first builds them, so
    /// that the tests' limit is for the tests alone.
    pub(super) fn tests(
        &mut self,
        name: &str,
        (build, build_limit): (&mut Command, Duration),
        (tests, tests_limit): (&mut Command, Duration),
    ) {
        self.step(name, |output| match run(name, build, output, build_limit)? {
            (Outcome::Passed, _) => count(run(name, tests, output, tests_limit)?),
            (outcome, _) => Ok((outcome, None)),
        });
    }

    /// A step with several programs of tests, each of which is run. `limit` is for each.
    pub(super) fn programs(&mut self, name: &str, programs: &mut [Command], limit: Duration) {
        self.step(name, |output| {
            ensure!(!programs.is_empty(), "there is no program to run");
            let (mut all, mut said) = (Outcome::Passed, String::new());
            for program in programs {
                let (outcome, says) = run(name, program, output, limit)?;
                said.push_str(&says);
                if all == Outcome::Passed {
                    all = outcome;
                }
            }
            count((all, said))
        });
    }

    /// Like [`Runner::tests`] for doc tests, which are built as they run.
    pub(super) fn doc_tests(&mut self, name: &str, command: &mut Command, limit: Duration) {
        self.step(name, |output| count(run(name, command, output, limit)?));
    }

    /// A step that xtask does itself.
    pub(super) fn task(&mut self, name: &str, task: impl FnOnce(&Output) -> Result<()>) {
        self.step(name, |output| task(output).map(|()| (Outcome::Passed, None)));
    }

    /// A step that cannot run on this machine.
    pub(super) fn skipped(&mut self, name: &str, why: &str) {
        self.add(name, Outcome::Skipped(why.to_owned()), None, Duration::ZERO);
    }

    /// The file for the output of a step.
    pub(super) fn log(&self, name: &str) -> PathBuf {
        self.logs.join(log_name(name))
    }

    /// Prints the table and the last line. Returns whether all steps passed.
    pub(super) fn summarise(&self) -> bool {
        println!("\n== summary");
        for result in &self.results {
            println!("{result}");
        }
        let failures = self.results.iter().filter_map(|result| result.cases.as_ref());
        for name in failures.flat_map(|cases| &cases.failures) {
            println!("    failed test: {name}");
        }
        let total = self.results.iter().map(StepResult::counts);
        let (passed, failed) = total.fold((0, 0), |sum, step| (sum.0 + step.0, sum.1 + step.1));
        println!("\n{passed} passed, {failed} failed");
        failed == 0
    }

    fn step(&mut self, name: &str, step: impl FnOnce(&Output) -> Result<(Outcome, Option<Cases>)>) {
        if stopping() {
            return;
        }
        let log = self.log(name);
        let output = if self.live {
            println!("\n== {name}");
            Output::Log(log.clone())
        } else {
            println!("\n-- beside: {name}");
            Output::Quiet(log.clone())
        };
        let started = Instant::now();
        let (outcome, cases) = step(&output).unwrap_or_else(|error| {
            let why = format!("{error:#}");
            eprintln!("{why}");
            (Outcome::Failed(first_line(&why)), None)
        });
        if !self.live {
            show_whole(name, &log);
        }
        self.add(name, outcome, cases, started.elapsed());
    }

    fn add(&mut self, name: &str, outcome: Outcome, cases: Option<Cases>, took: Duration) {
        let result = StepResult { name: name.to_owned(), outcome, cases, took };
        println!("{result}");
        self.results.push(result);
    }
}

fn run(
    name: &str,
    command: &mut Command,
    output: &Output,
    limit: Duration,
) -> Result<(Outcome, String)> {
    if io::stdout().is_terminal() {
        // cargo writes to a pipe here, and would not use colours.
        command.env("CARGO_TERM_COLOR", "always");
    }
    let (status, said) = process::run(name, command, output, Some(limit))?;
    let outcome =
        if status.success() { Outcome::Passed } else { Outcome::Failed(status.to_string()) };
    Ok((outcome, said))
}

fn count((outcome, said): (Outcome, String)) -> Result<(Outcome, Option<Cases>)> {
    Ok((outcome, Some(Cases::count(&said))))
}

/// Shows the log of a step that has ended. No output of another step comes between its lines.
fn show_whole(name: &str, log: &Path) {
    let text = fs::read(log).unwrap_or_default();
    let mut terminal = io::stdout().lock();
    // A terminal that is gone must not end the tests.
    writeln!(terminal, "\n== {name}").and_then(|()| terminal.write_all(&text)).ok();
}

/// `clippy: client` → `clippy-client.log`
fn log_name(step: &str) -> String {
    let words = step.split(|character: char| !character.is_alphanumeric());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    format!("{}.log", words.join("-"))
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_names_its_log() {
        assert_eq!(
            log_name("unit tests: server, shared, tests"),
            "unit-tests-server-shared-tests.log"
        );
    }
}
