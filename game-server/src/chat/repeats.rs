//! Lines that are sent again: a client whose connection died cannot know whether its last line arrived, and sends it over
//! the next one, maybe to another node, under the same nonce. It is said once.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use shared::id::PlayerId;

use super::request::ConnectionId;

/// How long a line is remembered. A client that sends one again does so with its next connection.
const REMEMBERED_FOR: Duration = Duration::from_secs(60);
/// Lines that are remembered. The oldest is forgotten for the next one.
const LINES_MAX: usize = 512;

/// The player, the connection and the nonce of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Utterance {
    pub(super) player: PlayerId,
    /// `None` for a line that another node took, or this one before its last start.
    pub(super) connection: Option<ConnectionId>,
    pub(super) nonce: u32,
}

impl Utterance {
    /// Whether it is the same line, sent again. Over one connection nothing is lost, and a nonce may stand for many lines.
    pub(super) fn repeats(&self, earlier: &Self) -> bool {
        self.player == earlier.player
            && self.nonce == earlier.nonce
            && self.connection != earlier.connection
    }
}

/// The lines of the last minute, the oldest first, with their sequence numbers.
#[derive(Debug, Default)]
pub(super) struct SaidLately(VecDeque<(Utterance, u64, Instant)>);

impl SaidLately {
    /// Remembers a line of another node, or of before the start, unless it is too old. Its age is told by clocks that may
    /// differ.
    pub(super) fn add_foreign(&mut self, said: Utterance, sequence: u64, age: Duration) {
        if age > REMEMBERED_FOR {
            return;
        }
        let now = Instant::now();
        self.add(said, sequence, now.checked_sub(age).unwrap_or(now));
    }

    /// Remembers a line.
    pub(super) fn add(&mut self, said: Utterance, sequence: u64, now: Instant) {
        let is_old = |at: Instant| now.saturating_duration_since(at) > REMEMBERED_FOR;
        while self.0.len() >= LINES_MAX || self.0.front().is_some_and(|(_, _, at)| is_old(*at)) {
            self.0.pop_front();
        }
        self.0.push_back((said, sequence, now));
    }

    /// The sequence number of the line that this repeats, if `is_it` says so of one. It belongs to the new connection now:
    /// the same words over that one are another line.
    pub(super) fn take_over(
        &mut self,
        again: Utterance,
        now: Instant,
        is_it: impl Fn(u64) -> bool,
    ) -> Option<u64> {
        let (said, sequence, _) = self.0.iter_mut().rev().find(|(said, sequence, at)| {
            let is_known = now.saturating_duration_since(*at) <= REMEMBERED_FOR;
            is_known && again.repeats(said) && is_it(*sequence)
        })?;
        *said = again;
        Some(*sequence)
    }
}
