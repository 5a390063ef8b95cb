//! How often a server is asked the same thing: now and then, and more and more seldom while it does not answer.

use std::time::{Duration, Instant};

use crate::net::backoff::Backoff;

/// What is looked at is asked for again so often.
const EVERY: Duration = Duration::from_secs(2);

/// When to ask next.
#[derive(Debug, Clone, Default)]
pub(super) struct Pace {
    /// Nothing: at once.
    next_at: Option<Instant>,
    backoff: Backoff,
}

impl Pace {
    /// Whether to ask now. Then it counts as asked.
    pub(super) fn is_due(&mut self, now: Instant) -> bool {
        let is_due = self.next_at.is_none_or(|next_at| now >= next_at);
        if is_due {
            self.next_at = Some(now + EVERY);
        }
        is_due
    }

    /// There was an answer.
    pub(super) fn answered(&mut self) {
        self.backoff.reset();
    }

    /// There was none, or a refusal.
    pub(super) fn failed(&mut self, now: Instant) {
        self.next_at = Some(now + EVERY.max(self.backoff.next()));
    }

    /// Whoever looks again does not wait.
    pub(super) fn hurry(&mut self) {
        self.next_at = None;
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{EVERY, Pace};

    #[test]
    fn it_asks_now_and_then_and_seldom_when_there_is_no_answer() {
        let (mut pace, begun) = (Pace::default(), Instant::now());
        let asked = |pace: &mut Pace, fails: bool| {
            let moments = (0..3_600).map(|frame| begun + Duration::from_secs(frame) / 60);
            let mut asked = 0;
            for moment in moments {
                if pace.is_due(moment) {
                    asked += 1;
                    if fails {
                        pace.failed(moment);
                    }
                }
            }
            asked
        };

        assert_eq!(asked(&mut pace, false), 30);
        pace.hurry();
        let while_failing = asked(&mut pace, true);

        assert!((6..=18).contains(&while_failing), "{while_failing} times in a minute");
        assert!(!pace.is_due(begun + EVERY));
    }
}
