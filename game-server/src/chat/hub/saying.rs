//! Lines of this node: whether they may be said, and their way into the log, one at a time.
//!
//! A line is written under the number after the last one that was sent. The log takes each number once, so that of two nodes
//! with the same number one finds it taken, reads on (see [`super::others`]) and tries the next one. The number makes an
//! attempt repeatable, too: where the answer of the store is lost, the same line is written under the same number again.

use std::time::{Duration, Instant};

use shared::id::PlayerId;
use shared::protocol::chat::{
    ChatChannel, ChatLine, ChatRefusal, ChatServerMessage, LINE_CHARS_MAX, LINE_REFILL_MS,
    LINES_BURST_MAX,
};
use shared::text::tidy_line;

use super::{Author, Hub, Refused, WaitingLine, encode};
use crate::chat::archive::Kept;
use crate::clock::now_ms;
use crate::limits::{Bucket, Rate};
use crate::player::Player;

/// Players whose rate is remembered. When more write, those whose bucket is full are forgotten.
const SPEAKERS_MAX: usize = 4_096;
/// Lines that wait to be written. When there are more, a line is refused at once.
const WAITING_LINES_MAX: usize = 256;
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
        let speaker = listener.player.clone();
        let text = tidy_line(text);
        if self.is_repeated(author, speaker.id, channel, &text) {
            return Ok(());
        }
        self.check(&speaker, channel, &text, receiver)?;
        if self.waiting.len() >= WAITING_LINES_MAX {
            return Err((ChatRefusal::Failed, None));
        }
        let line = ChatLine {
            // It gets its number when its turn comes.
            sequence: 0,
            at_ms: now_ms(),
            channel,
            from: speaker.id,
            name: speaker.name,
            text,
            nonce: None,
        };
        self.waiting.push_back(WaitingLine { line, author, since: Instant::now() });
        Ok(())
    }

    /// Whether this line was said before over a connection that has died. Its answer then goes over the new one.
    fn is_repeated(
        &mut self,
        author: Author,
        speaker: PlayerId,
        channel: ChatChannel,
        text: &str,
    ) -> bool {
        let again = author.utterance(speaker);
        let mut unsent = self.waiting.iter_mut().chain(self.writing.iter_mut());
        let is_repeated = |WaitingLine { line, author, .. }: &&mut WaitingLine| {
            line.channel == channel
                && line.text == text
                && again.repeats(&author.utterance(line.from))
        };
        if let Some(earlier) = unsent.find(is_repeated) {
            earlier.author = author;
            return true;
        }
        self.answer_if_said(author, speaker, channel, text)
    }

    /// Answers a line that was said lately, and sent, with that one.
    fn answer_if_said(
        &mut self,
        author: Author,
        speaker: PlayerId,
        channel: ChatChannel,
        text: &str,
    ) -> bool {
        let is_it = |line: &ChatLine| line.channel == channel && line.text == text;
        let recent = &self.recent;
        let find = |sequence| recent.iter().find(|line| line.sequence == sequence && is_it(line));
        let is_one = |sequence| find(sequence).is_some();
        let again = author.utterance(speaker);
        let said = self.said_lately.take_over(again, Instant::now(), is_one);
        let Some(said) = said.and_then(find).cloned() else { return false };
        self.answer_author(author, said);
        true
    }

    /// The next line to be written, with its number and nonce. `None` while one is being written, or the log is being read.
    /// [`Hub::note_kept`] has to follow.
    pub(in crate::chat) fn next_line(&mut self) -> Option<ChatLine> {
        if self.writing.is_some() || self.unread.is_reading() {
            return None;
        }
        self.refuse_overdue();
        while let Some(WaitingLine { mut line, author, since }) = self.waiting.pop_front() {
            // All lines up to the number that this one is to get have been read. Had another node taken the same line, it
            // would be among them.
            if !self.archive.is_alone()
                && self.answer_if_said(author, line.from, line.channel, &line.text)
            {
                continue;
            }
            line.sequence = self.sequence + 1;
            let to_write = ChatLine { nonce: Some(author.nonce), ..line.clone() };
            self.writing = Some(WaitingLine { line, author, since });
            return Some(to_write);
        }
        None
    }

    /// The line of [`Hub::next_line`] was written, or could not be. Kept before it is sent: a line that a client has read
    /// survives a restart, and no number is given twice.
    pub(in crate::chat) fn note_kept(&mut self, kept: Kept) {
        let Some(written) = self.writing.take() else { return };
        match kept {
            Kept::Yes => self.send_own(written.author, written.line),
            Kept::No { last } => {
                self.sequence = self.sequence.max(last.unwrap_or_default());
                self.archive.note_published(self.sequence);
                self.refuse(written.author, (ChatRefusal::Failed, None));
            }
            // It keeps its place, and the number under which it may be in the log. What is there is read, and then it is
            // written again; under the same number, unless that has turned out to be another's.
            Kept::Taken => {
                self.waiting.push_front(written);
                self.unread.want();
            }
            Kept::Unknown => {
                self.waiting.push_front(written);
                self.unread.want_later();
                self.refuse_overdue();
            }
        }
    }

    /// Sends a line of this node, which is in the log.
    pub(super) fn send_own(&mut self, author: Author, line: ChatLine) {
        self.sequence = line.sequence;
        self.archive.note_published(self.sequence);
        let said = author.utterance(line.from);
        self.said_lately.add(said, line.sequence, Instant::now());
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

    fn check(
        &mut self,
        speaker: &Player,
        channel: ChatChannel,
        text: &str,
        receiver: Result<(), ChatRefusal>,
    ) -> Result<(), Refused> {
        if text.is_empty() {
            return Err((ChatRefusal::Empty, None));
        }
        if text.chars().count() > LINE_CHARS_MAX {
            return Err((ChatRefusal::TooLong, None));
        }
        let may_speak = match channel {
            ChatChannel::Lobby => true,
            ChatChannel::Room { room } => self.presence.is_in(speaker.id, room),
            ChatChannel::Team { room, team } => {
                self.presence.team_in(speaker.id, room) == Some(team)
            }
            ChatChannel::Direct { .. } => {
                receiver.map_err(|reason| (reason, None))?;
                true
            }
        };
        if !may_speak {
            return Err((ChatRefusal::NotThere, None));
        }
        self.take_from_bucket(speaker.id).map_err(|wait| (ChatRefusal::TooFast, Some(wait)))
    }

    fn take_from_bucket(&mut self, speaker: PlayerId) -> Result<(), Duration> {
        let now = Instant::now();
        if self.speakers.len() >= SPEAKERS_MAX {
            self.speakers.retain(|_, bucket| !bucket.is_full(now));
        }
        self.speakers.entry(speaker).or_insert_with(|| Bucket::full(now)).take(LINES, now)
    }
}
