//! The marks of removed rows, which stay in the bucket until every node has seen them.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Much longer than any node needs to see a change, or to begin to read everything again.
const KEPT_FOR: Duration = Duration::from_secs(600);
/// More are left where they are, and found when everything is read again.
const MARKS_MAX: usize = 65_536;

/// Those that this node deletes: of rows that it removed itself, and those that it found when it read everything.
#[derive(Debug, Default)]
pub(super) struct Marks {
    /// Key, revision, and when it is deleted. Each waits for the one before.
    waiting: VecDeque<(String, u64, Instant)>,
}

impl Marks {
    /// Forgets about all of them. Their revisions mean nothing if the bucket was made again.
    pub(super) fn clear(&mut self) {
        self.waiting.clear();
    }

    /// This node has removed a row.
    pub(super) fn made(&mut self, key: &str, revision: u64) {
        self.add(key.to_owned(), revision, Instant::now() + KEPT_FOR);
    }

    /// These were found. All nodes find them: the first to come deletes them.
    pub(super) fn found(&mut self, marks: Vec<(String, u64)>) {
        let due = Instant::now() + KEPT_FOR.mul_f64(1.0 + rand::random::<f64>());
        for (key, revision) in marks {
            self.add(key, revision, due);
        }
    }

    /// Those that it is time for, at most so many.
    pub(super) fn take_due(&mut self, now: Instant, at_most: usize) -> Vec<(String, u64)> {
        let due = self.waiting.iter().take(at_most).take_while(|(_, _, due)| *due <= now).count();
        self.waiting.drain(..due).map(|(key, revision, _)| (key, revision)).collect()
    }

    fn add(&mut self, key: String, revision: u64, due: Instant) {
        if self.waiting.len() < MARKS_MAX {
            self.waiting.push_back((key, revision, due));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{KEPT_FOR, Marks};

    #[test]
    fn marks_are_deleted_after_a_while_and_not_all_at_once() {
        let (mut marks, now) = (Marks::default(), Instant::now());
        marks.made("a", 1);
        marks.made("b", 2);
        marks.found(vec![("c".to_owned(), 3)]);

        assert_eq!(marks.take_due(now + KEPT_FOR / 2, 9), []);
        let later = now + KEPT_FOR + Duration::from_secs(1);
        assert_eq!(marks.take_due(later, 1), [("a".to_owned(), 1)]);
        assert_eq!(marks.take_due(now + KEPT_FOR * 3, 9).len(), 2);
    }
}
