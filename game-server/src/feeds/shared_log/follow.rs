//! Brings the shared log to the feed of this node.

use std::convert::Infallible;
use std::time::{Duration, Instant};

use async_nats::jetstream;
use async_nats::jetstream::stream::{InfoError, Stream};
use futures_util::future::{BoxFuture, OptionFuture};
use futures_util::{FutureExt as _, StreamExt as _};
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::attach::{Attached, Beginning};
use super::error::FollowError;
use super::follower::{Follower, Seen, SharedFeed};
use super::{Checkpoint, SharedState, event};
use crate::clock::now_ms;
use crate::cluster::table::{Expect, WriteError};
use crate::feeds::feed::Numbered;
use crate::tasks::Tasks;

/// The state is kept again after this many events.
const CHECKPOINT_EVERY: u64 = 512;
/// The pause before the first attempt to go on. Each pause is twice as long as the one before …
const PAUSE_MIN: Duration = Duration::from_millis(50);
/// … up to this one.
const PAUSE_MAX: Duration = Duration::from_secs(2);
/// How often the log is asked whether it is still the one that is read.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// A node that has not heard of the log for this long ends its streams, so that their readers look for another node.
const STREAMS_END_AFTER: Duration = Duration::from_secs(30);

/// What the log said when it was asked.
struct Look {
    /// What was taken over of it before.
    here: u64,
    created_ns: i128,
    last: u64,
    round_trip: Duration,
}

impl<S: SharedState> SharedFeed<S> {
    /// Starts to follow the log. The receiver says whether this node has all of it.
    pub fn follow(self, tasks: &Tasks, task: &'static str) -> watch::Receiver<bool> {
        let (current, is_current) = watch::channel(false);
        let follower = Follower {
            with: self,
            seen: None,
            has_lost: false,
            has_hole: false,
            heard_ms: now_ms(),
            current,
        };
        tasks.spawn_vital(task, follower.run(tasks.clone()));
        is_current
    }
}

impl<S: SharedState> Follower<S> {
    async fn run(mut self, tasks: Tasks) {
        let mut pause = PAUSE_MIN;
        let mut heard_at = Instant::now();
        loop {
            let error = tokio::select! {
                () = tasks.stopping() => return,
                Err(error) = self.follow() => error,
            };
            if self.current.send_replace(false) {
                (pause, heard_at) = (PAUSE_MIN, Instant::now());
            }
            self.note_end(&error);
            if heard_at.elapsed() >= STREAMS_END_AFTER {
                let feed = self.with.name;
                tracing::warn!(feed, "the streams of a feed end: its log cannot be reached");
                self.with.feed.end_streams();
                heard_at = Instant::now();
            }
            tokio::select! {
                () = tasks.stopping() => return,
                () = sleep(pause.mul_f64(0.5 + rand::random::<f64>() / 2.0)) => {}
            }
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    fn note_end(&self, error: &FollowError) {
        if error.blames_nats() {
            self.with.engine.failed(error);
        }
        if !error.is_news() {
            self.with.feed.set_late(self.heard_ms);
        }
        let (feed, error) = (self.with.name, error as &dyn std::error::Error);
        tracing::debug!(feed, error, "the log of a feed is not followed");
    }

    /// Follows the log as long as that goes well. Nothing here holds an event up: the log is asked, and the state kept, meanwhile.
    async fn follow(&mut self) -> Result<Infallible, FollowError> {
        let mut attached = self.attach().await?;
        let mut changes = self.with.checkpoints.changes();
        let mut connected = self.with.nats.connected();
        let mut keeping: Option<BoxFuture<'static, ()>> = None;
        let mut looking: Option<BoxFuture<'static, Result<Look, InfoError>>> = None;
        let mut looks = interval(LOOK_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            self.note_current(&attached);
            tokio::select! {
                message = attached.messages.next() => {
                    let message = message.ok_or(FollowError::Ended)?;
                    let message = message.map_err(|error| FollowError::Consume(error.into()))?;
                    let sequence = self.take(&mut attached, &message)?;
                    if sequence % CHECKPOINT_EVERY == 0 && keeping.is_none() {
                        keeping = self.keep_state();
                    }
                }
                changed = changes.changed() => {
                    changed.or(Err(FollowError::Ended))?;
                    if self.kept_epoch() != Some(attached.epoch) {
                        return Err(FollowError::OtherEpoch);
                    }
                }
                Ok(()) = connected.changed() => {
                    if self.connects() != attached.connects {
                        return Err(FollowError::Reconnected);
                    }
                }
                Some(()) = OptionFuture::from(keeping.as_mut()) => keeping = None,
                Some(look) = OptionFuture::from(looking.as_mut()) => {
                    looking = None;
                    self.compare(&mut attached, &look?)?;
                }
                _ = looks.tick(), if looking.is_none() => {
                    let here = self.with.feed.position().sequence;
                    looking = Some(look(attached.log.clone(), here).boxed());
                }
            }
        }
    }

    /// Notes that this node has all of the log, once it has.
    fn note_current(&self, attached: &Attached<S>) {
        let has_begun = matches!(attached.beginning, Beginning::Over);
        if has_begun
            && self.with.feed.position().sequence >= attached.last
            && !self.current.send_replace(true)
        {
            tracing::info!(feed = self.with.name, "the log of a feed is followed");
            self.with.feed.set_current();
        }
    }

    /// Checks that the log is still there, has what was read of it, and sends what it has: a consumer does not say so.
    fn compare(&mut self, attached: &mut Attached<S>, look: &Look) -> Result<(), FollowError> {
        self.with.engine.answered(look.round_trip);
        self.heard_ms = now_ms();
        if self.connects() != attached.connects {
            return Err(FollowError::Reconnected);
        }
        let created_ns = attached.log.cached_info().created.unix_timestamp_nanos();
        if look.created_ns != created_ns || look.last < look.here {
            return Err(FollowError::OtherLog);
        }
        let here = self.with.feed.position().sequence;
        if attached.stall.look(here, look.last) { Err(FollowError::Behind) } else { Ok(()) }
    }

    /// Takes an event over. Returns its number.
    fn take(
        &mut self,
        attached: &mut Attached<S>,
        message: &jetstream::Message,
    ) -> Result<u64, FollowError> {
        if self.connects() != attached.connects {
            // The consumer goes on by number. Whether it is the same log, the next attempt finds out.
            return Err(FollowError::Reconnected);
        }
        let info = message.info().map_err(FollowError::Consume)?;
        let (sequence, at_ns) = (info.stream_sequence, info.published.unix_timestamp_nanos());
        let seen = Seen { sequence, at_ns };
        self.heard_ms = now_ms();
        attached.stall.note_event();
        let numbered = event::read::<S>(message, sequence, at_ns);
        match std::mem::replace(&mut attached.beginning, Beginning::Over) {
            Beginning::Verify(known) if known == seen => return Ok(sequence),
            Beginning::Verify(_) => {
                self.has_lost = true;
                return Err(FollowError::OtherLog);
            }
            Beginning::Install(mut installing) if sequence <= installing.sequence => {
                installing.push(numbered);
                if sequence < installing.sequence {
                    attached.beginning = Beginning::Install(installing);
                    return Ok(sequence);
                }
                self.install(installing);
            }
            Beginning::Install(installing) => {
                // The log has lost the event of the checkpoint.
                self.install(installing);
                self.append(numbered)?;
            }
            Beginning::Over => self.append(numbered)?,
        }
        self.seen = Some(seen);
        Ok(sequence)
    }

    fn append(&mut self, numbered: Numbered<S::Event>) -> Result<(), FollowError> {
        self.has_hole = numbered.sequence > self.with.feed.position().sequence + 1;
        Ok(self.with.feed.append(numbered)?)
    }

    /// The epoch of the kept state.
    fn kept_epoch(&self) -> Option<u64> {
        self.with.checkpoints.get(self.with.name)?.value.epoch()
    }

    /// Keeps the state as it is now, unless another node is faster.
    fn keep_state(&self) -> Option<BoxFuture<'static, ()>> {
        let with = &self.with;
        let row = with.checkpoints.get(with.name)?;
        let here = with.feed.position();
        let is_newer = row.value.epoch() == Some(here.epoch) && row.value.sequence < here.sequence;
        if !is_newer {
            return None;
        }
        let state = with.feed.with_state(|state| serde_json::to_value(state)).ok()?;
        let checkpoint = Checkpoint { sequence: here.sequence, state, ..row.value.clone() };
        let (checkpoints, name) = (with.checkpoints.clone(), with.name);
        Some(Box::pin(async move {
            match checkpoints.put(name, checkpoint, Expect::Revision(row.revision)).await {
                Ok(_) | Err(WriteError::Conflict) => {}
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(feed = name, error, "the state of a feed could not be kept");
                }
            }
        }))
    }
}

/// Asks the log what it is, and how far it goes.
async fn look(log: Stream, here: u64) -> Result<Look, InfoError> {
    let began = Instant::now();
    let info = log.get_info().await?;
    Ok(Look {
        here,
        created_ns: info.created.unix_timestamp_nanos(),
        last: info.state.last_sequence,
        round_trip: began.elapsed(),
    })
}
