//! Lines on their way: one at a time, in the order in which they were said, until the server has answered for each.
//!
//! Pure: time comes in as an argument, in milliseconds since 1970.

use std::collections::VecDeque;

use shared::id::PlayerId;
use shared::protocol::chat::{ChatChannel, ChatClientMessage, ChatLine};

/// Lines that wait, as many as the server takes at once. What is said beyond comes back at once.
const WAITING_MAX: usize = 5;
/// A line waits for so long until it is taken, in milliseconds; then it comes back.
pub(super) const PATIENCE_MS: f64 = 8_000.0;

/// A line on its way.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Saying {
    pub(super) channel: ChatChannel,
    pub(super) text: String,
    /// Until when it is tried.
    pub(super) until_ms: f64,
}

/// What is to be done now.
#[derive(Debug, PartialEq)]
pub(super) enum Step {
    /// Send this.
    Send(ChatClientMessage),
    /// It took too long: it comes back.
    GiveBack(Saying),
    /// Look again in a moment.
    Wait,
    /// Nothing is on its way.
    Rest,
}

/// The lines that are not said yet.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    waiting: VecDeque<Saying>,
    /// The first of these was sent under this number, and there is no answer yet.
    sent_as: Option<u32>,
    nonce: u32,
}

impl Outbox {
    /// Takes a line.
    ///
    /// # Errors
    /// When too many wait already: the line.
    pub(super) fn push(&mut self, saying: Saying) -> Result<(), Saying> {
        if self.waiting.len() == WAITING_MAX {
            return Err(saying);
        }
        self.waiting.push_back(saying);
        Ok(())
    }

    /// What is to be done. `is_open` says whether lines of a channel can be said now.
    pub(super) fn step(&mut self, now_ms: f64, is_open: impl Fn(&ChatChannel) -> bool) -> Step {
        let Some(first) = self.waiting.front() else { return Step::Rest };
        if first.until_ms < now_ms {
            return self.take_first().map_or(Step::Rest, Step::GiveBack);
        }
        if self.sent_as.is_some() || !is_open(&first.channel) {
            return Step::Wait;
        }
        self.nonce = self.nonce.wrapping_add(1);
        self.sent_as = Some(self.nonce);
        let Saying { channel, text, .. } = first.clone();
        Step::Send(ChatClientMessage::Say { channel, text, nonce: self.nonce })
    }

    /// The line that was sent under this number is answered for. Nothing: it is none of these.
    pub(super) fn answered(&mut self, nonce: u32) -> Option<Saying> {
        self.sent_as.filter(|sent| *sent == nonce)?;
        self.take_first()
    }

    /// It is to be sent again, before all others.
    pub(super) fn again(&mut self, saying: Saying) {
        self.waiting.push_front(saying);
    }

    /// The connection broke and there is another one, which brought these lines: what was sent is among them, or never
    /// arrived.
    pub(super) fn reconnected(&mut self, own: PlayerId, lines: &[ChatLine]) {
        let Some(first) = self.waiting.front().filter(|_| self.sent_as.is_some()) else { return };
        let is_it = |line: &ChatLine| {
            line.from == own && line.channel == first.channel && line.text == first.text.trim()
        };
        if lines.iter().any(is_it) {
            self.take_first();
        }
        self.sent_as = None;
    }

    fn take_first(&mut self) -> Option<Saying> {
        self.sent_as = None;
        self.waiting.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use shared::id::{PlayerId, PlayerName};
    use shared::protocol::chat::{ChatChannel, ChatClientMessage, ChatLine};

    use super::{Outbox, Saying, Step, WAITING_MAX};

    fn saying(text: &str) -> Saying {
        Saying { channel: ChatChannel::Lobby, text: text.to_owned(), until_ms: 100.0 }
    }

    fn sent(text: &str, nonce: u32) -> Step {
        let (channel, text) = (ChatChannel::Lobby, text.to_owned());
        Step::Send(ChatClientMessage::Say { channel, text, nonce })
    }

    fn open(_channel: &ChatChannel) -> bool {
        true
    }

    #[test]
    fn lines_go_one_after_the_other() {
        let mut outbox = Outbox::default();
        outbox.push(saying("one")).unwrap();
        outbox.push(saying("two")).unwrap();

        assert_eq!(outbox.step(0.0, |_| false), Step::Wait);
        assert_eq!([outbox.step(0.0, open), outbox.step(0.0, open)], [sent("one", 1), Step::Wait]);
        assert_eq!(outbox.answered(7), None);
        assert_eq!(outbox.answered(1), Some(saying("one")));
        assert_eq!([outbox.step(0.0, open), outbox.step(0.0, open)], [sent("two", 2), Step::Wait]);
        assert_eq!((outbox.answered(2), outbox.answered(2)), (Some(saying("two")), None));
        assert_eq!(outbox.step(0.0, open), Step::Rest);
    }

    #[test]
    fn what_was_refused_too_early_goes_again_before_what_was_said_later() {
        let mut outbox = Outbox::default();
        outbox.push(saying("one")).unwrap();
        outbox.step(0.0, open);
        outbox.push(saying("two")).unwrap();

        let early = outbox.answered(1).unwrap();
        outbox.again(early);

        assert_eq!(outbox.step(0.0, open), sent("one", 2));
    }

    #[test]
    fn what_takes_too_long_comes_back_and_holds_nobody_up() {
        let mut outbox = Outbox::default();
        outbox.push(saying("one")).unwrap();
        outbox.push(Saying { until_ms: 300.0, ..saying("two") }).unwrap();
        outbox.step(0.0, open);

        assert_eq!(outbox.step(101.0, open), Step::GiveBack(saying("one")));
        assert_eq!(outbox.step(101.0, open), sent("two", 2));
        assert_eq!(outbox.answered(1), None, "it was given back");
    }

    #[test]
    fn no_more_wait_than_may() {
        let mut outbox = Outbox::default();
        (0..WAITING_MAX).for_each(|_| outbox.push(saying("a")).unwrap());

        assert_eq!(outbox.push(saying("b")), Err(saying("b")));
    }

    #[test]
    fn after_a_break_what_had_arrived_is_not_said_twice() {
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
            let mut outbox = Outbox::default();
            outbox.push(saying(" one ")).unwrap();
            outbox.step(0.0, open);
            outbox.reconnected(own, lines);
            outbox.step(0.0, open)
        };

        assert_eq!(after(&[line(own, "one")]), Step::Rest);
        assert_eq!(
            after(&[line(PlayerId::from_bits(8), "one"), line(own, "two")]),
            sent(" one ", 2)
        );
    }
}
