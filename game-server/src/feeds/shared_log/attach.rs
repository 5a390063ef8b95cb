//! Begins to read the log: from where this node left it, or anew from the checkpoint.

use async_nats::jetstream::consumer::DeliverPolicy;
use async_nats::jetstream::consumer::push::{Ordered, OrderedConfig};
use async_nats::jetstream::stream::{Info, Stream};

use super::error::FollowError;
use super::follower::{Follower, Seen};
use super::{Checkpoint, SharedState, stream_config};
use crate::cluster::streams::open_stream;
use crate::cluster::table::{Expect, Row};
use crate::feeds::feed::Numbered;

/// A log that is being read.
pub(super) struct Attached<S: SharedState> {
    pub(super) log: Stream,
    pub(super) messages: Ordered,
    pub(super) epoch: u64,
    /// The last event when the reading began.
    pub(super) last: u64,
    /// How often there was a connection to NATS when the reading began. After another one, the log may have lost events.
    pub(super) connects: u64,
    pub(super) stall: Stall,
    pub(super) beginning: Beginning<S>,
}

/// How the reading begins.
pub(super) enum Beginning<S: SharedState> {
    /// With the event that was seen last, which is to be the same.
    Verify(Seen),
    /// With what the log still has of the time before the checkpoint.
    Install(Installing<S>),
    /// It has begun: every event is the next one.
    Over,
}

/// A checkpoint, and the events up to it, while they come.
pub(super) struct Installing<S: SharedState> {
    pub(super) epoch: u64,
    pub(super) sequence: u64,
    pub(super) state: S,
    /// Bounded by the log.
    events: Vec<Numbered<S::Event>>,
}

impl<S: SharedState> Installing<S> {
    /// Adds the next event. What is before a hole in the log leads nowhere.
    pub(super) fn push(&mut self, event: Numbered<S::Event>) {
        if self.events.last().is_some_and(|last| last.sequence + 1 != event.sequence) {
            self.events.clear();
        }
        self.events.push(event);
    }

    /// The state, and the events that lead to it.
    pub(super) fn into_parts(self) -> (S, Vec<Numbered<S::Event>>) {
        let is_whole = self.events.last().is_some_and(|last| last.sequence == self.sequence);
        (self.state, if is_whole { self.events } else { Vec::new() })
    }
}

/// Tells that a log which has more is not read on.
#[derive(Debug, Default)]
pub(super) struct Stall {
    taken: u64,
    taken_before: u64,
    wanted: u64,
}

impl Stall {
    /// An event has come.
    pub(super) fn note_event(&mut self) {
        self.taken += 1;
    }

    /// This node has come to `here`, and the log to `last`. Returns whether nothing has come since the look before, although
    /// the log had more then already.
    pub(super) fn look(&mut self, here: u64, last: u64) -> bool {
        let stands = here < self.wanted && self.taken == self.taken_before;
        (self.taken_before, self.wanted) = (self.taken, last);
        stands
    }
}

/// What the log says of itself.
#[derive(Debug, Clone, Copy)]
struct Span {
    created_ns: i128,
    first: u64,
    last: u64,
    /// The number of the first event of an empty log differs between versions of NATS.
    is_empty: bool,
}

impl Span {
    fn of(info: &Info) -> Self {
        Self {
            created_ns: info.created.unix_timestamp_nanos(),
            first: info.state.first_sequence,
            last: info.state.last_sequence,
            is_empty: info.state.messages == 0,
        }
    }

    fn has(&self, sequence: u64) -> bool {
        !self.is_empty && (self.first..=self.last).contains(&sequence)
    }

    /// Whether the log leads from the checkpoint to its own end.
    fn fits(&self, checkpoint: &Checkpoint) -> bool {
        let Checkpoint { sequence, created_ns, .. } = checkpoint;
        *created_ns == self.created_ns.to_string()
            && (self.first.saturating_sub(1)..=self.last).contains(sequence)
    }
}

impl<S: SharedState> Follower<S> {
    /// Opens the log, finds out from where it has to be read, and begins to read.
    pub(super) async fn attach(&mut self) -> Result<Attached<S>, FollowError> {
        // Before anything is asked: a connection that comes later is another one.
        let connects = self.connects();
        let with = &self.with;
        let log = open_stream(&with.nats, stream_config(with.name)).await?;
        let span = Span::of(log.cached_info());
        let checkpoint = self.checkpoint(span).await?;
        let epoch = checkpoint.epoch().unwrap_or_default();
        let (start, beginning) = self.beginning(checkpoint, span)?;
        let messages = self.read_from(&log, start).await?;
        let (last, stall) = (span.last, Stall::default());
        Ok(Attached { log, messages, epoch, last, connects, stall, beginning })
    }

    /// The checkpoint that is kept, or one with which another epoch begins because the log does not fit to it any more, or has
    /// lost what this node has seen of it.
    async fn checkpoint(&mut self, span: Span) -> Result<Checkpoint, FollowError> {
        let here = self.with.feed.position();
        let lacks_next = self.has_hole && span.has(here.sequence + 1);
        let has_lost = self.has_lost || lacks_next || here.sequence > span.last;
        // Nobody can go on from what is gone, but in an epoch that another node has begun since.
        let is_lost = |row: &Row<Checkpoint>| has_lost && row.value.epoch() == Some(here.epoch);
        let found = self.with.checkpoints.get(self.with.name);
        let checkpoint = match found {
            Some(row) if span.fits(&row.value) && !is_lost(&row) => row.value.clone(),
            found => self.begin_epoch(found.as_deref(), span).await?,
        };
        (self.has_lost, self.has_hole) = (false, false);
        Ok(checkpoint)
    }

    /// The number of the event that is to come first, and what to do with it.
    fn beginning(
        &mut self,
        checkpoint: Checkpoint,
        span: Span,
    ) -> Result<(u64, Beginning<S>), FollowError> {
        let here = self.with.feed.position();
        let epoch = checkpoint.epoch().unwrap_or_default();
        let is_last = |seen: &Seen| seen.sequence == here.sequence && span.has(seen.sequence);
        if let Some(seen) = self.seen.filter(is_last)
            && epoch == here.epoch
        {
            return Ok((seen.sequence, Beginning::Verify(seen)));
        }
        let state = serde_json::from_value(checkpoint.state).map_err(FollowError::Corrupt)?;
        let sequence = checkpoint.sequence;
        let installing = Installing { epoch, sequence, state, events: Vec::new() };
        let start = span.first.max(1);
        if span.has(sequence) {
            return Ok((start, Beginning::Install(installing)));
        }
        // No event leads to it: those that come follow it.
        self.install(installing);
        Ok((start, Beginning::Over))
    }

    async fn read_from(&self, log: &Stream, start_sequence: u64) -> Result<Ordered, FollowError> {
        let config = OrderedConfig {
            deliver_subject: self.with.nats.client().new_inbox(),
            deliver_policy: DeliverPolicy::ByStartSequence { start_sequence },
            ..OrderedConfig::default()
        };
        let consumer = log.create_consumer(config).await;
        let consumer = consumer.map_err(|error| FollowError::Consume(error.into()))?;
        let messages = consumer.messages().await;
        messages.map_err(|error| FollowError::Consume(error.into()))
    }

    /// Begins an epoch with the log as it is, because there is none yet or what was kept does not fit it.
    async fn begin_epoch(
        &self,
        found: Option<&Row<Checkpoint>>,
        span: Span,
    ) -> Result<Checkpoint, FollowError> {
        let with = &self.with;
        let state = (with.fresh)().await.map_err(FollowError::Fresh)?;
        let state = serde_json::to_value(state).map_err(FollowError::Corrupt)?;
        let epoch = format!("{:x}", rand::random::<u64>());
        let (created_ns, sequence) = (span.created_ns.to_string(), span.last);
        let checkpoint = Checkpoint { epoch, created_ns, sequence, state };
        let expect = found.map_or(Expect::Absent, |row| Expect::Revision(row.revision));
        // Another node may be faster: its epoch counts then.
        let put = with.checkpoints.put(with.name, checkpoint.clone(), expect).await;
        put.map_err(FollowError::Checkpoint)?;
        let (feed, epoch) = (with.name, &checkpoint.epoch);
        tracing::info!(feed, epoch, "another epoch of a feed begins");
        Ok(checkpoint)
    }

    /// Puts a checkpoint in the place of all that this node knows.
    pub(super) fn install(&mut self, installing: Installing<S>) {
        let (epoch, sequence) = (installing.epoch, installing.sequence);
        let (state, events) = installing.into_parts();
        // What was seen may be of another log.
        self.seen = None;
        let is_new = self.with.feed.position().epoch != epoch;
        self.with.feed.install(epoch, sequence, state, events);
        if is_new {
            self.with.renewed.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Stall;

    #[test]
    fn a_log_stalls_when_it_has_more_and_nothing_comes() {
        let mut stall = Stall::default();
        assert!(!stall.look(3, 7), "the first look");
        stall.note_event();
        assert!(!stall.look(4, 7), "it is read on");
        assert!(stall.look(4, 9));
        assert!(!stall.look(9, 9) && !stall.look(9, 9), "there is no more");
        assert!(!stall.look(9, 10), "it may be on its way");
        assert!(stall.look(9, 10));
    }
}
