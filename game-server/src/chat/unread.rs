//! What a hub knows of lines that other hubs have written and that it has not read.

use std::time::Duration;

/// The pause before the log is read again after an error.
const AGAIN_AFTER: Duration = Duration::from_millis(100);
/// The pause before a hub that is far behind reads on: its connections send meanwhile what it has read.
const CATCH_UP_EVERY: Duration = Duration::from_millis(50);

/// Lines in the log that were not read.
#[derive(Debug, Default)]
pub(super) struct Unread {
    /// The highest number that was heard of since the last reading began. It need not be true.
    heard: u64,
    /// Whether the log has to be read whatever was heard.
    is_due: bool,
    is_reading: bool,
    has_failed: bool,
    pause: Duration,
}

impl Unread {
    /// The log may have a line of this number.
    pub(super) fn note_heard(&mut self, sequence: u64) {
        self.heard = self.heard.max(sequence);
    }

    /// The log has to be read.
    pub(super) fn want(&mut self) {
        self.is_due = true;
    }

    /// The log has to be read; the store has just failed.
    pub(super) fn want_later(&mut self) {
        self.want();
        self.pause = AGAIN_AFTER;
    }

    /// Whether the log is being read.
    pub(super) fn is_reading(&self) -> bool {
        self.is_reading
    }

    /// Begins to read after the number `read`, if that is necessary. Returns the pause before it.
    pub(super) fn begin(&mut self, read: u64) -> Option<Duration> {
        if self.is_reading || !(self.is_due || self.heard > read) {
            return None;
        }
        // A hint that comes from now on may name a newer line than the store returns.
        (self.is_reading, self.is_due, self.heard) = (true, false, 0);
        Some(std::mem::take(&mut self.pause))
    }

    /// The log was read; `has_more` says that it may have further lines.
    pub(super) fn end(&mut self, has_more: bool) {
        (self.is_reading, self.has_failed) = (false, false);
        if has_more {
            self.want();
            self.pause = CATCH_UP_EVERY;
        }
    }

    /// The log could not be read. Returns whether this is the first failure in a row.
    pub(super) fn fail(&mut self) -> bool {
        self.is_reading = false;
        self.want_later();
        !std::mem::replace(&mut self.has_failed, true)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{AGAIN_AFTER, CATCH_UP_EVERY, Unread};

    #[test]
    fn a_number_that_was_heard_is_read_once() {
        let mut unread = Unread::default();
        assert_eq!(unread.begin(5), None);
        unread.note_heard(5);
        assert_eq!(unread.begin(5), None, "it was read already");

        unread.note_heard(u64::MAX);
        assert_eq!(unread.begin(5), Some(Duration::ZERO));
        assert_eq!(unread.begin(5), None, "one at a time");
        unread.end(false);
        assert_eq!(unread.begin(5), None, "a number that is not there is looked for once");

        unread.note_heard(6);
        assert!(unread.begin(5).is_some());
        unread.note_heard(7);
        unread.end(false);
        assert!(unread.begin(6).is_some(), "the reading may have begun before the line was there");
        unread.end(false);
        assert_eq!(unread.begin(7), None);
    }

    #[test]
    fn a_failure_and_a_full_part_are_followed_by_another_reading() {
        let mut unread = Unread::default();
        unread.want();
        assert!(unread.begin(0).is_some());
        assert!(unread.fail());
        assert_eq!(unread.begin(0), Some(AGAIN_AFTER));
        assert!(!unread.fail(), "it is said once");

        unread.begin(0);
        unread.end(true);
        assert_eq!(unread.begin(64), Some(CATCH_UP_EVERY));
        unread.end(false);
        assert_eq!(unread.begin(70), None);
        unread.want();
        unread.begin(70);
        assert!(unread.fail(), "the next outage is said again");
    }
}
