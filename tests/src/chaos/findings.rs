//! What a run has found out: broken promises, and counts.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Details of one broken promise that are kept. The others are counted.
const DETAILS_MAX: usize = 5;

/// Filled by all parts of the load at once.
#[derive(Debug)]
pub(super) struct Findings {
    began: Instant,
    found: Mutex<Found>,
}

#[derive(Debug, Default)]
struct Found {
    /// By promise: how often it was broken, and the first details.
    broken: BTreeMap<&'static str, (usize, Vec<String>)>,
    counts: BTreeMap<&'static str, usize>,
}

impl Findings {
    pub(super) const fn new(began: Instant) -> Self {
        let found = Found { broken: BTreeMap::new(), counts: BTreeMap::new() };
        Self { began, found: Mutex::new(found) }
    }

    /// Prints a line with the time since the start.
    #[allow(clippy::print_stdout, reason = "what happens is seen while it happens")]
    pub(super) fn say(&self, text: &str) {
        println!("[{:6.1} s] {text}", self.began.elapsed().as_secs_f64());
    }

    /// Notes that a promise was broken. The first details are printed at once, so that the logs around them can be found.
    pub(super) fn broke(&self, promise: &'static str, detail: &str) {
        let is_told = {
            let mut found = self.found();
            let (count, details) = found.broken.entry(promise).or_default();
            *count += 1;
            let is_told = details.len() < DETAILS_MAX;
            if is_told {
                details.push(detail.to_owned());
            }
            is_told
        };
        if is_told {
            self.say(&format!("BROKEN: {promise}: {detail}"));
        }
    }

    /// Counts something that may happen.
    pub(super) fn count(&self, what: &'static str, more: usize) {
        *self.found().counts.entry(what).or_default() += more;
    }

    /// The first promise that was broken.
    pub(super) fn broken(&self) -> Option<&'static str> {
        self.found().broken.keys().next().copied()
    }

    /// Everything, a line each.
    pub(super) fn report(&self) -> String {
        let found = self.found();
        let mut text = String::new();
        // A string takes everything.
        for (what, count) in &found.counts {
            writeln!(text, "  {count:>6} {what}").ok();
        }
        for (promise, (count, details)) in &found.broken {
            writeln!(text, "  BROKEN {count} times: {promise}").ok();
            for detail in details {
                writeln!(text, "         {detail}").ok();
            }
        }
        text
    }

    fn found(&self) -> MutexGuard<'_, Found> {
        // A panic is a finding, too.
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
