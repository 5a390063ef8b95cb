//! Lines that are being sent: one at a time and in order, each until the server has answered it.
//!
//! Pure state: time is an argument, in milliseconds on a steady clock.

use std::collections::VecDeque;

use shared::id::PlayerId;
use shared::protocol::chat::{ChatChannel, ChatClientMessage, ChatLine};

/// How many lines may wait: as many as the server takes at once. A further line is returned at once.
const WAITING_MAX: usize = 5;
/// How long a line waits until the server takes it, in milliseconds. Then it is returned.
pub(super) const LINE_TIMEOUT_MS: f64 = 8_000.0;

/// How long the server may take to answer a line, in milliseconds. Then the connection is opened again.
const ANSWER_MS_MAX: f64 = 4_000.0;

/// A line that the server has not taken yet.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct PendingLine {
    pub(super) channel: ChatChannel,
    pub(super) text: String,
    /// When it is given up.
    pub(super) until_ms: f64,
}

/// What to do now.
#[derive(Debug, PartialEq)]
pub(super) enum Step {
    /// Send this message.
    Send(ChatClientMessage),
    /// Return this line: it took too long.
    Return(PendingLine),
    /// Nothing has answered the line that was sent: the connection is dead, however open it looks.
    Suspect,
    /// Ask again in a moment.
    Wait,
    /// No line waits.
    Done,
}

/// The lines that wait, in order.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    waiting: VecDeque<PendingLine>,
    /// Whether the server has greeted this connection. A line that went before its greeting would look lost by it, and be
    /// sent again.
    is_greeted: bool,
    /// The nonce of the first line, from its first attempt on: a line that is sent again over a new connection keeps it, so
    /// that the server says it once.
    first_nonce: Option<u32>,
    /// The nonce under which the first line was sent. `None` when it was not sent yet.
    sent_as: Option<u32>,
    /// When it was sent. `None` once its silence was reported, or its connection has ended.
    sent_ms: Option<f64>,
    nonce: u32,
}

impl Outbox {
    /// An empty one. The number makes its nonces others than those of the player's other windows.
    pub(super) fn new(random: u32) -> Self {
        Self { nonce: random, ..Self::default() }
    }

    /// Adds a line.
    ///
    /// # Errors
    /// Returns the line when too many are waiting.
    pub(super) fn push(&mut self, line: PendingLine) -> Result<(), PendingLine> {
        if self.waiting.len() == WAITING_MAX {
            return Err(line);
        }
        self.waiting.push_back(line);
        Ok(())
    }

    /// What to do now. `is_open` says whether a channel takes lines now.
    pub(super) fn step(&mut self, now_ms: f64, is_open: impl Fn(&ChatChannel) -> bool) -> Step {
        let Some(first) = self.waiting.front() else { return Step::Done };
        if first.until_ms < now_ms {
            return self.take_first().map_or(Step::Done, Step::Return);
        }
        if self.sent_as.is_some() {
            let is_silent = self.sent_ms.take_if(|sent_ms| now_ms - *sent_ms > ANSWER_MS_MAX);
            return if is_silent.is_some() { Step::Suspect } else { Step::Wait };
        }
        if !self.is_greeted || !is_open(&first.channel) {
            return Step::Wait;
        }
        self.sent_ms = Some(now_ms);
        let nonce = self.first_nonce.unwrap_or_else(|| {
            self.nonce = self.nonce.wrapping_add(1);
            self.nonce
        });
        (self.first_nonce, self.sent_as) = (Some(nonce), Some(nonce));
        let PendingLine { channel, text, .. } = first.clone();
        Step::Send(ChatClientMessage::Say { channel, text, nonce })
    }

    /// Removes the line that was sent under this nonce: the server has answered it. `None` when no such line waits.
    pub(super) fn take_answered(&mut self, nonce: u32) -> Option<PendingLine> {
        self.sent_as.filter(|sent| *sent == nonce)?;
        self.take_first()
    }

    /// Puts a line back, before all others.
    pub(super) fn put_back(&mut self, line: PendingLine) {
        self.waiting.push_front(line);
    }

    /// The connection has ended.
    pub(super) fn disconnected(&mut self) {
        self.is_greeted = false;
        self.sent_ms = None;
    }

    /// The server has greeted a new connection, with these lines. The line that was sent over the last one is either among
    /// them or never arrived.
    pub(super) fn greeted(&mut self, own: PlayerId, lines: &[ChatLine]) {
        self.is_greeted = true;
        let Some(first) = self.waiting.front().filter(|_| self.sent_as.is_some()) else { return };
        let is_it = |line: &ChatLine| {
            line.from == own && line.channel == first.channel && line.text == first.text.trim()
        };
        if lines.iter().any(is_it) {
            self.take_first();
        }
        self.sent_as = None;
    }

    fn take_first(&mut self) -> Option<PendingLine> {
        (self.sent_as, self.first_nonce) = (None, None);
        self.waiting.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use shared::id::{PlayerId, PlayerName};
    use shared::protocol::chat::{ChatChannel, ChatClientMessage, ChatLine};

    use super::{Outbox, PendingLine, Step, WAITING_MAX};

    fn pending(text: &str) -> PendingLine {
        PendingLine { channel: ChatChannel::Lobby, text: text.to_owned(), until_ms: 100.0 }
    }

    fn sent(text: &str, nonce: u32) -> Step {
        let (channel, text) = (ChatChannel::Lobby, text.to_owned());
        Step::Send(ChatClientMessage::Say { channel, text, nonce })
    }

    fn open(_channel: &ChatChannel) -> bool {
        true
    }

    /// An outbox over a connection that has brought no lines.
    fn greeted() -> Outbox {
        let mut outbox = Outbox::default();
        outbox.greeted(PlayerId::from_bits(7), &[]);
        outbox
    }

    #[test]
    fn lines_go_one_after_the_other() {
        let mut outbox = greeted();
        outbox.push(pending("one")).unwrap();
        outbox.push(pending("two")).unwrap();

        assert_eq!(outbox.step(0.0, |_| false), Step::Wait);
        assert_eq!([outbox.step(0.0, open), outbox.step(0.0, open)], [sent("one", 1), Step::Wait]);
        assert_eq!(outbox.take_answered(7), None);
        assert_eq!(outbox.take_answered(1), Some(pending("one")));
        assert_eq!([outbox.step(0.0, open), outbox.step(0.0, open)], [sent("two", 2), Step::Wait]);
        assert_eq!(
            (outbox.take_answered(2), outbox.take_answered(2)),
            (Some(pending("two")), None)
        );
        assert_eq!(outbox.step(0.0, open), Step::Done);
    }

    #[test]
    fn a_line_waits_for_the_greeting_of_each_connection() {
        let mut outbox = Outbox::default();
        outbox.push(pending("one")).unwrap();
        assert_eq!(outbox.step(0.0, open), Step::Wait, "it would look lost by the greeting");

        outbox.greeted(PlayerId::from_bits(7), &[]);
        assert_eq!([outbox.step(0.0, open), outbox.step(0.0, open)], [sent("one", 1), Step::Wait]);

        outbox.disconnected();
        assert_eq!(outbox.step(0.0, open), Step::Wait);
        outbox.greeted(PlayerId::from_bits(7), &[]);
        assert_eq!(outbox.step(0.0, open), sent("one", 1));
    }

    #[test]
    fn a_line_that_is_put_back_goes_before_later_ones() {
        let mut outbox = greeted();
        outbox.push(pending("one")).unwrap();
        outbox.step(0.0, open);
        outbox.push(pending("two")).unwrap();

        let early = outbox.take_answered(1).unwrap();
        outbox.put_back(early);

        assert_eq!(outbox.step(0.0, open), sent("one", 2));
    }

    #[test]
    fn a_line_that_times_out_is_returned_and_the_next_one_is_sent() {
        let mut outbox = greeted();
        outbox.push(pending("one")).unwrap();
        outbox.push(PendingLine { until_ms: 300.0, ..pending("two") }).unwrap();
        outbox.step(0.0, open);

        assert_eq!(outbox.step(101.0, open), Step::Return(pending("one")));
        assert_eq!(outbox.step(101.0, open), sent("two", 2));
        assert_eq!(outbox.take_answered(1), None, "it was returned");
    }

    #[test]
    fn a_line_without_an_answer_makes_the_connection_suspect_once() {
        let mut outbox = greeted();
        outbox.push(PendingLine { until_ms: 10_000.0, ..pending("one") }).unwrap();
        outbox.step(0.0, open);

        let steps = [4_000.0, 4_100.0, 4_200.0].map(|now_ms| outbox.step(now_ms, open));
        assert_eq!(steps, [Step::Wait, Step::Suspect, Step::Wait]);

        outbox.greeted(PlayerId::from_bits(7), &[]);
        assert_eq!(outbox.step(5_000.0, open), sent("one", 1), "the same line");

        outbox.disconnected();
        assert_eq!(outbox.step(9_500.0, open), Step::Wait, "the next connection is another one");
    }

    #[test]
    fn a_full_outbox_returns_a_further_line() {
        let mut outbox = greeted();
        (0..WAITING_MAX).for_each(|_| outbox.push(pending("a")).unwrap());

        assert_eq!(outbox.push(pending("b")), Err(pending("b")));
    }

    #[test]
    fn after_a_disconnect_a_line_that_arrived_is_not_sent_twice() {
        let own = PlayerId::from_bits(7);
        let line = |from, text: &str| ChatLine {
            sequence: 1,
            at_ms: 0,
            channel: ChatChannel::Lobby,
            from,
            name: PlayerName::parse("Ada").unwrap(),
            text: text.to_owned(),
            nonce: None,
        };
        let after = |lines: &[ChatLine]| {
            let mut outbox = greeted();
            outbox.push(pending(" one ")).unwrap();
            outbox.step(0.0, open);
            outbox.greeted(own, lines);
            outbox.step(0.0, open)
        };

        assert_eq!(after(&[line(own, "one")]), Step::Done);
        assert_eq!(
            after(&[line(PlayerId::from_bits(8), "one"), line(own, "two")]),
            sent(" one ", 1)
        );
    }
}
