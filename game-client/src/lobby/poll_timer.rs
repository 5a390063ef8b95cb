//! When a poll is due: at an interval, and less and less often while the server does not answer.

use std::time::{Duration, Instant};

use crate::net::backoff::Backoff;

/// The interval while the server answers.
const EVERY: Duration = Duration::from_secs(2);

/// The timer of one poll.
#[derive(Debug, Clone, Default)]
pub(super) struct PollTimer {
    /// `None`: the poll is due now.
    next_at: Option<Instant>,
    backoff: Backoff,
}

impl PollTimer {
    /// Whether the poll is due. If so, the next one is due an interval later.
    pub(super) fn is_due(&mut self, now: Instant) -> bool {
        let is_due = self.next_at.is_none_or(|next_at| now >= next_at);
        if is_due {
            self.next_at = Some(now + EVERY);
        }
        is_due
    }

    /// The server answered.
    pub(super) fn succeeded(&mut self) {
        self.backoff.reset();
    }

    /// The server did not answer, or refused.
    pub(super) fn failed(&mut self, now: Instant) {
        self.next_at = Some(now + EVERY.max(self.backoff.next()));
    }

    /// The next poll is due now.
    pub(super) fn poll_now(&mut self) {
        self.next_at = None;
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{EVERY, PollTimer};

    #[test]
    fn it_polls_at_an_interval_and_less_often_while_there_is_no_answer() {
        let (mut timer, begun) = (PollTimer::default(), Instant::now());
        let polls = |timer: &mut PollTimer, fails: bool| {
            let moments = (0..3_600).map(|frame| begun + Duration::from_secs(frame) / 60);
            let mut polls = 0;
            for moment in moments {
                if timer.is_due(moment) {
                    polls += 1;
                    if fails {
                        timer.failed(moment);
                    }
                }
            }
            polls
        };

        assert_eq!(polls(&mut timer, false), 30);
        timer.poll_now();
        let while_failing = polls(&mut timer, true);

        assert!((6..=18).contains(&while_failing), "{while_failing} times in a minute");
        assert!(!timer.is_due(begun + EVERY));
    }
}
