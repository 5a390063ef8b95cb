//! Lines of other nodes, which come from the log in order.
//!
//! A line of the number *n* + 1 is written only by a node that has read the line *n*, so a part of the log that was read in
//! order has no gap.

use std::time::Duration;

use shared::protocol::chat::ChatLine;

use super::{Author, Hub, WaitingLine};
use crate::chat::repeats::Utterance;
use crate::clock::now_ms;
use crate::storage::{LogPart, StoreError};

impl Hub {
    /// Remembers lines of before the start: a client may send one of them again.
    pub(in crate::chat) fn remember_earlier(&mut self, after: u64, part: LogPart) {
        self.recent_after = after;
        for mut line in part.lines {
            let nonce = line.nonce.take();
            // Told by clocks that may differ.
            let age = Duration::from_millis(now_ms().saturating_sub(line.at_ms));
            self.note_foreign(&line, nonce, age);
            self.remember(line);
        }
        self.note_sent(part.until);
    }

    /// The log may have a line of this number.
    pub(in crate::chat) fn note_heard(&mut self, sequence: u64) {
        if !self.archive.is_alone() {
            self.unread.note_heard(sequence);
        }
    }

    /// The log may have a line that nothing was heard of.
    pub(in crate::chat) fn compare(&mut self) {
        self.unread.want();
    }

    /// The number after which the log has to be read, and the pause before it. `None` when there is nothing to be read now, or
    /// lines are being written. [`Hub::note_read`] has to follow.
    pub(in crate::chat) fn next_read(&mut self) -> Option<(u64, Duration)> {
        if !self.writing.is_empty() {
            return None;
        }
        let pause = self.unread.begin(self.sequence)?;
        Some((self.sequence, pause))
    }

    /// What the log has after the last line that was sent.
    pub(in crate::chat) fn note_read(&mut self, read: Result<LogPart, StoreError>) {
        match read {
            Ok(part) => {
                self.unread.end(part.is_full);
                part.lines.into_iter().for_each(|line| self.send_read(line));
                self.note_sent(part.until);
            }
            Err(error) => {
                if self.unread.fail() {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(error, "lines of other nodes cannot be read");
                }
                self.refuse_overdue();
            }
        }
    }

    fn send_read(&mut self, mut line: ChatLine) {
        let nonce = line.nonce.take();
        if let Some(author) = self.take_waiting(&line, nonce) {
            // If the answer of the store was lost, no other node was told.
            self.archive.tell_others(line.sequence);
            self.send_own(author, line);
            return;
        }
        self.note_sent(line.sequence);
        self.note_foreign(&line, nonce, Duration::ZERO);
        self.remember(line.clone());
        self.publish(None, line);
    }

    /// The author of a waiting line, if this is that line: an attempt to write it has succeeded after all, or its author has also
    /// said it at the node that wrote it.
    fn take_waiting(&mut self, line: &ChatLine, nonce: Option<u32>) -> Option<Author> {
        let is_it = |waiting: &WaitingLine| {
            waiting.line.from == line.from
                && Some(waiting.author.nonce) == nonce
                && waiting.says(line)
        };
        let place = self.waiting.iter().position(is_it)?;
        self.waiting.remove(place).map(|waiting| waiting.author)
    }

    fn note_foreign(&mut self, line: &ChatLine, nonce: Option<u32>, age: Duration) {
        let Some(nonce) = nonce else { return };
        let said = Utterance { player: line.from, connection: None, nonce };
        self.said_lately.add_foreign(said, line.clone(), age);
    }

    fn note_sent(&mut self, sequence: u64) {
        self.sequence = self.sequence.max(sequence);
        self.archive.note_published(self.sequence);
    }
}
