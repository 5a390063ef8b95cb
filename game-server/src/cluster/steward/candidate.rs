//! Whether the holder of a role is silent, as a function of what a candidate saw and when, on its own clock.

use std::time::{Duration, Instant};

/// What a node knows of the holder.
#[derive(Debug)]
pub(super) struct Candidate {
    /// The revision of the role's row, and when it was first seen.
    seen: Option<(u64, Instant)>,
    dead_after: Duration,
}

impl Candidate {
    /// Has seen nothing.
    pub(super) fn new(dead_after: Duration) -> Self {
        Self { seen: None, dead_after }
    }

    /// Whether the row was not renewed for too long. Silence counts since `counts_since` only, and not at all if it is `None`:
    /// see [`super::Nodes::heard_since`].
    pub(super) fn is_silent(
        &mut self,
        now: Instant,
        counts_since: Option<Instant>,
        revision: u64,
    ) -> bool {
        let since = match self.seen {
            Some((seen, since)) if seen == revision => since,
            _ => now,
        };
        self.seen = Some((revision, since));
        let since = counts_since.map(|counts| counts.max(since));
        since.is_some_and(|since| now.saturating_duration_since(since) >= self.dead_after)
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::Candidate;

    #[test]
    fn a_role_is_free_after_twelve_seconds_of_silence_that_counts() {
        let start = Instant::now();
        let at = |second| start + Duration::from_secs(second);
        let mut candidate = Candidate::new(Duration::from_secs(12));

        assert!(!candidate.is_silent(at(100), Some(start), 1), "it has only just been seen");
        assert!(!candidate.is_silent(at(111), Some(start), 1));
        assert!(!candidate.is_silent(at(112), Some(start), 2), "it is renewed");
        assert!(!candidate.is_silent(at(123), Some(start), 2));
        assert!(!candidate.is_silent(at(124), None, 2), "NATS stands still");
        assert!(!candidate.is_silent(at(130), Some(at(125)), 2), "it is just back");
        assert!(!candidate.is_silent(at(136), Some(at(125)), 2));
        assert!(candidate.is_silent(at(137), Some(at(125)), 2));
        assert!(!candidate.is_silent(at(138), Some(at(125)), 1), "a table that was emptied");
    }
}
