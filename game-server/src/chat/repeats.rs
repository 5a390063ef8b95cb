//! Lines that are sent again: a client whose connection died cannot know whether its last line arrived, and sends it over
//! the next one, maybe to another node, under the same nonce. It is said once.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use shared::id::PlayerId;
use shared::protocol::chat::ChatLine;

use super::request::ConnectionId;

/// How long a line is remembered. A client that sends one again does so with its next connection.
const REMEMBERED_FOR: Duration = Duration::from_secs(60);
/// Lines that are remembered: some five megabytes. The oldest is forgotten for the next one.
const LINES_MAX: usize = 16_384;

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

/// A line that was said lately.
#[derive(Debug)]
struct Said {
    by: Utterance,
    line: ChatLine,
    at: Instant,
}

/// The lines of the last minute.
#[derive(Debug, Default)]
pub(super) struct SaidLately {
    /// Of each player the oldest first.
    lines: HashMap<PlayerId, VecDeque<Said>>,
    /// The player of each line, in the order in which they came, and when it was said.
    order: VecDeque<(PlayerId, Instant)>,
}

impl SaidLately {
    /// Remembers a line of another node, or of before the start, unless it is too old.
    pub(super) fn add_foreign(&mut self, by: Utterance, line: ChatLine, age: Duration) {
        if age > REMEMBERED_FOR {
            return;
        }
        let now = Instant::now();
        self.add(by, line, now.checked_sub(age).unwrap_or(now));
    }

    /// Remembers a line.
    pub(super) fn add(&mut self, by: Utterance, line: ChatLine, at: Instant) {
        let is_old = |said: Instant| at.saturating_duration_since(said) > REMEMBERED_FOR;
        while self.order.len() >= LINES_MAX || self.order.front().is_some_and(|(_, at)| is_old(*at))
        {
            self.forget_oldest();
        }
        self.order.push_back((by.player, at));
        self.lines.entry(by.player).or_default().push_back(Said { by, line, at });
    }

    fn forget_oldest(&mut self) {
        let Some((player, _)) = self.order.pop_front() else { return };
        let Some(lines) = self.lines.get_mut(&player) else { return };
        lines.pop_front();
        if lines.is_empty() {
            self.lines.remove(&player);
        }
    }

    /// The line that this repeats, if `is_it` says so of one. It belongs to the new connection now: the same words over that one
    /// are another line.
    pub(super) fn take_over(
        &mut self,
        again: Utterance,
        now: Instant,
        is_it: impl Fn(&ChatLine) -> bool,
    ) -> Option<ChatLine> {
        let said = self.lines.get_mut(&again.player)?.iter_mut().rev().find(|said| {
            let is_known = now.saturating_duration_since(said.at) <= REMEMBERED_FOR;
            is_known && again.repeats(&said.by) && is_it(&said.line)
        })?;
        said.by = again;
        Some(said.line.clone())
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use shared::id::{PlayerId, PlayerName};
    use shared::protocol::chat::{ChatChannel, ChatLine};

    use super::{LINES_MAX, SaidLately, Utterance};
    use crate::chat::request::ConnectionId;

    fn said(player: u64, connection: Option<u64>, nonce: u32) -> Utterance {
        let connection = connection.map(ConnectionId);
        Utterance { player: PlayerId::from_bits(player), connection, nonce }
    }

    fn line(by: Utterance, sequence: u64) -> ChatLine {
        let (channel, name) = (ChatChannel::Lobby, PlayerName::parse("Ada").unwrap());
        let text = "hello".to_owned();
        ChatLine { sequence, at_ms: 5, channel, from: by.player, name, text, nonce: None }
    }

    #[test]
    fn a_line_is_found_over_another_connection_for_a_minute_however_many_others_speak() {
        let (mut lately, start) = (SaidLately::default(), Instant::now());
        let (own, again) = (said(1, Some(1), 7), said(1, Some(2), 7));
        lately.add(own, line(own, 1), start);
        for sequence in 2..5_000 {
            let other = said(sequence, None, 7);
            lately.add(other, line(other, sequence), start);
        }
        let mut find = |by, after| {
            let found = lately.take_over(by, start + Duration::from_secs(after), |_| true);
            found.map(|line| line.sequence)
        };

        assert_eq!(find(own, 1), None, "over the same connection it is another one");
        assert_eq!(find(said(1, Some(2), 8), 1), None, "another nonce");
        assert_eq!(find(again, 61), None, "too late");
        assert_eq!(find(again, 60), Some(1));
        assert_eq!(find(again, 60), None, "it is that connection's now");
    }

    #[test]
    fn the_oldest_are_forgotten_and_nothing_is_left_of_them() {
        let (mut lately, start) = (SaidLately::default(), Instant::now());
        for number in 0..=LINES_MAX as u64 {
            let by = said(number, None, 7);
            lately.add(by, line(by, number), start);
        }
        assert_eq!((lately.order.len(), lately.lines.len()), (LINES_MAX, LINES_MAX));
        assert!(lately.take_over(said(0, Some(1), 7), start, |_| true).is_none());
        assert!(lately.take_over(said(1, Some(1), 7), start, |_| true).is_some());

        let by = said(1, None, 8);
        lately.add(by, line(by, 1), start + Duration::from_secs(61));
        assert_eq!((lately.order.len(), lately.lines.len()), (1, 1));
    }
}
