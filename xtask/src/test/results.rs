//! The results of steps: cases counted in `cargo test`'s output, and the lines of the summary.

use std::fmt;
use std::time::Duration;

/// Test cases that a step ran.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Cases {
    pub(super) passed: usize,
    pub(super) failed: usize,
    pub(super) ignored: usize,
    /// The names of those that failed.
    pub(super) failures: Vec<String>,
}

impl Cases {
    /// Adds up the results in the output of `cargo test`, which has one for each test program.
    pub(super) fn count(output: &str) -> Self {
        let mut cases = Self::default();
        for line in output.lines() {
            let line = without_colours(line);
            if let Some(result) = line.trim_start().strip_prefix("test result: ") {
                cases.passed += number_before(result, " passed");
                cases.failed += number_before(result, " failed");
                cases.ignored += number_before(result, " ignored");
            } else if let Some(name) = failed_name(&line) {
                cases.failures.push(name.to_owned());
            }
        }
        cases
    }
}

/// How a step ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    Passed,
    Failed(String),
    Skipped(String),
}

/// One line of the summary.
#[derive(Debug)]
pub(super) struct StepResult {
    pub(super) name: String,
    pub(super) outcome: Outcome,
    /// For a step that runs tests; other steps count as one case themselves.
    pub(super) cases: Option<Cases>,
    pub(super) took: Duration,
}

impl StepResult {
    /// Cases that passed and failed. A step that failed has at least one failure, even where its
    /// tests were not reached.
    pub(super) fn counts(&self) -> (usize, usize) {
        let (passed, failed) = match &self.cases {
            Some(cases) => (cases.passed, cases.failed),
            None => (usize::from(self.outcome == Outcome::Passed), 0),
        };
        match self.outcome {
            Outcome::Failed(_) => (passed, failed.max(1)),
            Outcome::Passed | Outcome::Skipped(_) => (passed, failed),
        }
    }
}

impl fmt::Display for StepResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = match self.outcome {
            Outcome::Passed => "ok",
            Outcome::Failed(_) => "FAILED",
            Outcome::Skipped(_) => "skipped",
        };
        let seconds = self.took.as_secs_f32();
        write!(f, "    {mark:<8} {:<36} {seconds:>7.1} s", self.name)?;
        if let Some(cases) = &self.cases {
            write!(f, "   {} passed, {} failed", cases.passed, cases.failed)?;
            if cases.ignored > 0 {
                write!(f, ", {} ignored", cases.ignored)?;
            }
        }
        match &self.outcome {
            Outcome::Failed(why) | Outcome::Skipped(why) => write!(f, "   {why}"),
            Outcome::Passed => Ok(()),
        }
    }
}

fn number_before(text: &str, word: &str) -> usize {
    let before = text.split_once(word).map_or("", |(before, _)| before);
    before.rsplit([' ', ';']).next().and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// `test rooms::a_duel_ends ... FAILED` → `rooms::a_duel_ends`
fn failed_name(line: &str) -> Option<&str> {
    line.strip_prefix("test ")?.strip_suffix(" ... FAILED")
}

/// A line without terminal colours.
fn without_colours(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        plain.push_str(before);
        rest = after.split_once('m').map_or("", |(_, text)| text);
    }
    plain.push_str(rest);
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = "
     Running unittests src/lib.rs (target/debug/deps/shared-1)

running 3 tests
test a ... ok
test deep::b ... FAILED
test c ... ignored

test result: FAILED. 1 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s

   Doc-tests shared
test result: \u{1b}[32mok\u{1b}[0m. 12 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 2.00s
";

    fn step(outcome: Outcome, cases: Option<Cases>) -> StepResult {
        StepResult { name: "a step".to_owned(), outcome, cases, took: Duration::ZERO }
    }

    #[test]
    fn the_cases_of_all_test_programs_are_added() {
        let cases = Cases::count(OUTPUT);

        assert_eq!((cases.passed, cases.failed, cases.ignored), (13, 1, 1));
        assert_eq!(cases.failures, ["deep::b"]);
    }

    #[test]
    fn a_check_counts_as_one_case() {
        assert_eq!(step(Outcome::Passed, None).counts(), (1, 0));
        assert_eq!(step(Outcome::Failed(String::new()), None).counts(), (0, 1));
        assert_eq!(step(Outcome::Skipped(String::new()), None).counts(), (0, 0));
    }

    #[test]
    fn tests_that_do_not_compile_are_a_failure() {
        let result = step(Outcome::Failed("exit status 101".to_owned()), Some(Cases::count("")));

        assert_eq!(result.counts(), (0, 1));
    }
}
