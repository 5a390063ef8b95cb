//! Lines of this node: whether they may be said, and their way into the log.
//!
//! All lines that wait are written together, under the numbers after the last one that was sent. The log takes each number once,
//! and all of the lines or none, so that of two nodes with the same number one finds it taken, reads on (see
//! [`super::others`]) and tries the next ones. The numbers make an attempt repeatable, too: where the answer of the store is
//! lost, the log is read, and lines that are not in it are written under the same numbers again.

use std::time::{Duration, Instant};

use shared::id::PlayerId;
use shared::protocol::chat::{
    ChatChannel, ChatLine, ChatRefusal, ChatServerMessage, LINE_CHARS_MAX, LINE_REFILL_MS,
    LINES_BURST_MAX,
};
use shared::text::tidy_line;

use super::{Author, Hub, Refused, WaitingLine, encode};
use crate::chat::archive::Kept;
use crate::chat::repeats::Utterance;
use crate::clock::now_ms;
use crate::limits::{Bucket, Rate};
use crate::player::Player;

/// Players whose rate is remembered. When more write, those whose bucket is full are forgotten.
const SPEAKERS_MAX: usize = 4_096;
/// Lines that wait to be written. When there are more, a line is refused at once.
const WAITING_LINES_MAX: usize = 256;
/// Lines that are written together. A listener has room for eight times as many.
pub(super) const LINES_AT_ONCE: usize = 32;
/// A node that has written leaves the others a turn that is as long as its own was, up to this: it knows the next number first,
/// and would else always be the first to write again.
pub(super) const REST_MAX: Duration = Duration::from_millis(20);
/// How long a line waits for its turn to be written. Then it is refused: its author is told before the client gives up.
const TURN_WITHIN: Duration = Duration::from_secs(3);

const LINES: Rate = Rate { burst: LINES_BURST_MAX, refill: Duration::from_millis(LINE_REFILL_MS) };

impl Hub {
    /// Takes a line to be written.
    pub(super) fn say(
        &mut self,
        author: Author,
        channel: ChatChannel,
        text: &str,
        receiver: Result<(), ChatRefusal>,
    ) -> Result<(), Refused> {
        let Some(listener) = self.listeners.get(&author.connection) else { return Ok(()) };
        let Player { id: from, name } = listener.player.clone();
        let (at_ms, text) = (now_ms(), tidy_line(text));
        // It gets its number when its turn comes.
        let line = ChatLine { sequence: 0, at_ms, channel, from, name, text, nonce: None };
        let said = WaitingLine { line, author, since: Instant::now() };
        if self.is_repeated(&said) {
            return Ok(());
        }
        self.check(&said.line, receiver)?;
        if self.waiting.len() >= WAITING_LINES_MAX {
            return Err((ChatRefusal::Failed, None));
        }
        self.waiting.push_back(said);
        Ok(())
    }

    /// Whether this line was said before over a connection that has died. Its answer then goes over the new one.
    fn is_repeated(&mut self, again: &WaitingLine) -> bool {
        let is_it = |earlier: &&mut WaitingLine| {
            earlier.says(&again.line) && again.utterance().repeats(&earlier.utterance())
        };
        let mut unsent = self.waiting.iter_mut().chain(&mut self.writing);
        if let Some(earlier) = unsent.find(is_it) {
            earlier.author = again.author;
            return true;
        }
        self.answer_if_said(again)
    }

    /// Answers a line that was said lately, and sent, with that one.
    fn answer_if_said(&mut self, again: &WaitingLine) -> bool {
        let is_it = |said: &ChatLine| again.says(said);
        let said = self.said_lately.take_over(again.utterance(), Instant::now(), is_it);
        let Some(said) = said else { return false };
        self.answer_author(again.author, said);
        true
    }

    /// How long to wait before the next lines are written, because it is the other nodes' turn. `None` when there is nothing to
    /// wait for.
    pub(in crate::chat) fn next_rest(&self) -> Option<Duration> {
        let rest = self.rests_until.saturating_duration_since(Instant::now());
        (!self.waiting.is_empty() && !rest.is_zero()).then_some(rest)
    }

    /// The next lines to be written together, with their numbers and nonces. None while some are being written, or the log is
    /// being read. [`Hub::note_kept`] has to follow.
    pub(in crate::chat) fn next_lines(&mut self) -> Vec<ChatLine> {
        if !self.writing.is_empty() || self.unread.is_reading() {
            return Vec::new();
        }
        self.refuse_overdue();
        let mut numbers = self.sequence + 1..;
        while self.writing.len() < LINES_AT_ONCE
            && let Some(mut next) = self.waiting.pop_front()
        {
            // All lines up to the numbers that these are to get have been read. Had another node taken the same line, it would
            // be among them.
            if self.answer_if_said(&next) {
                continue;
            }
            next.line.sequence = numbers.next().unwrap_or(u64::MAX);
            self.writing.push(next);
        }
        self.began_to_write = Instant::now();
        let with_nonce = |WaitingLine { line, author, .. }: &WaitingLine| ChatLine {
            nonce: Some(author.nonce),
            ..line.clone()
        };
        self.writing.iter().map(with_nonce).collect()
    }

    /// The lines of [`Hub::next_lines`] were written, or could not be. Kept before they are sent: a line that a client has read
    /// survives a restart, and no number is given twice.
    pub(in crate::chat) fn note_kept(&mut self, kept: Kept) {
        let written = std::mem::take(&mut self.writing);
        match kept {
            Kept::Yes => {
                if !self.archive.is_alone() {
                    let took = self.began_to_write.elapsed();
                    self.rests_until = Instant::now() + took.min(REST_MAX);
                }
                written.into_iter().for_each(|own| self.send_own(own.author, own.line));
            }
            Kept::No => {
                let refused = (ChatRefusal::Failed, None);
                written.into_iter().for_each(|own| self.refuse(own.author, refused));
            }
            // They keep their places. What is in the log is read, they may be there, and then they are written again; under the
            // same numbers, unless those have turned out to be of others.
            Kept::Taken => {
                self.put_back(written);
                self.unread.want();
            }
            Kept::Unknown => {
                self.put_back(written);
                self.unread.want_later();
                self.refuse_overdue();
            }
        }
    }

    fn put_back(&mut self, written: Vec<WaitingLine>) {
        written.into_iter().rev().for_each(|line| self.waiting.push_front(line));
    }

    /// Sends a line of this node, which is in the log.
    pub(super) fn send_own(&mut self, author: Author, line: ChatLine) {
        self.sequence = line.sequence;
        self.archive.note_published(self.sequence);
        let Author { connection, nonce } = author;
        let said = Utterance { player: line.from, connection: Some(connection), nonce };
        self.said_lately.add(said, line.clone(), Instant::now());
        self.remember(line.clone());
        self.publish(Some(author), line);
    }

    /// Refuses the lines that have waited for too long, of which the oldest are first.
    pub(super) fn refuse_overdue(&mut self) {
        while self.waiting.front().is_some_and(|first| first.since.elapsed() > TURN_WITHIN) {
            let Some(first) = self.waiting.pop_front() else { return };
            self.refuse(first.author, (ChatRefusal::Failed, None));
        }
    }

    pub(super) fn refuse(&mut self, to: Author, (reason, wait): Refused) {
        let retry_in_ms = wait.map(|wait| wait.as_millis().try_into().unwrap_or(u64::MAX));
        let refused = ChatServerMessage::Refused { nonce: to.nonce, reason, retry_in_ms };
        self.send(to.connection, &encode(&refused));
    }

    fn check(&mut self, line: &ChatLine, receiver: Result<(), ChatRefusal>) -> Result<(), Refused> {
        let (speaker, text) = (line.from, &line.text);
        if text.is_empty() {
            return Err((ChatRefusal::Empty, None));
        }
        if text.chars().count() > LINE_CHARS_MAX {
            return Err((ChatRefusal::TooLong, None));
        }
        let may_speak = match line.channel {
            ChatChannel::Lobby => true,
            ChatChannel::Room { room } => self.presence.is_in(speaker, room),
            ChatChannel::Team { room, team } => self.presence.team_in(speaker, room) == Some(team),
            ChatChannel::Direct { .. } => {
                receiver.map_err(|reason| (reason, None))?;
                true
            }
        };
        if !may_speak {
            return Err((ChatRefusal::NotThere, None));
        }
        self.take_from_bucket(speaker).map_err(|wait| (ChatRefusal::TooFast, Some(wait)))
    }

    fn take_from_bucket(&mut self, speaker: PlayerId) -> Result<(), Duration> {
        let now = Instant::now();
        if self.speakers.len() >= SPEAKERS_MAX {
            self.speakers.retain(|_, bucket| !bucket.is_full(now));
        }
        self.speakers.entry(speaker).or_insert_with(|| Bucket::full(now)).take(LINES, now)
    }
}
