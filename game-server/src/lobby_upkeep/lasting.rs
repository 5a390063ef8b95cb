//! What is found again and again for some time: a difference between two things that arrive one after the other is no fault.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Remembers since when each thing is found. Bounded by what one look finds.
#[derive(Debug)]
pub(super) struct Lasting<K> {
    since: BTreeMap<K, Instant>,
    long: Duration,
}

impl<K: Ord + Copy> Lasting<K> {
    /// Nothing is found yet. `long` is how long something has to last.
    pub(super) fn new(long: Duration) -> Self {
        Self { since: BTreeMap::new(), long }
    }

    /// Takes what is found now. Returns what has been found in every look for long enough; that begins anew, so that a remedy
    /// has time to work.
    pub(super) fn look(&mut self, now: Instant, found: impl IntoIterator<Item = K>) -> Vec<K> {
        let since = |key| (key, self.since.get(&key).copied().unwrap_or(now));
        self.since = found.into_iter().map(since).collect();
        let is_long = |since: &Instant| now.saturating_duration_since(*since) >= self.long;
        let lasting: Vec<_> =
            self.since.iter().filter(|(_, since)| is_long(since)).map(|(key, _)| *key).collect();
        for key in &lasting {
            self.since.insert(*key, now);
        }
        lasting
    }

    /// Everything begins anew.
    pub(super) fn forget(&mut self) {
        self.since.clear();
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::Lasting;

    #[test]
    fn what_is_found_without_a_break_lasts() {
        let (mut lasting, start) = (Lasting::new(Duration::from_secs(10)), Instant::now());
        let mut look = |second, found: &[u32]| {
            lasting.look(start + Duration::from_secs(second), found.iter().copied())
        };
        assert!(look(0, &[1, 2]).is_empty());
        assert!(look(5, &[1]).is_empty());
        assert!(look(9, &[1, 2]).is_empty());
        assert_eq!(look(10, &[1, 2]), [1], "the other one was not there all the time");
        assert!(look(11, &[1, 2]).is_empty(), "the remedy has time to work");
        assert_eq!(look(20, &[1, 2]), [1, 2]);
    }
}
