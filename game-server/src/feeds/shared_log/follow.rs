//! Brings the shared log to the feed of this node.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_nats::jetstream;
use async_nats::jetstream::consumer::DeliverPolicy;
use async_nats::jetstream::consumer::push::{Ordered, OrderedConfig};
use async_nats::jetstream::stream::{InfoError, Stream};
use futures_util::StreamExt as _;
use futures_util::future::{BoxFuture, OptionFuture};
use tokio::sync::{Notify, watch};
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::{Checkpoint, KIND_HEADER, SharedState, stream_config};
use crate::clock::now_ms;
use crate::cluster::nats::Nats;
use crate::cluster::streams::{OpenStreamError, open_stream};
use crate::cluster::table::{Expect, Row, Table, WriteError};
use crate::feeds::feed::{Feed, Numbered, OutOfOrder};
use crate::metrics::Engine;
use crate::storage::StoreError;
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
/// The type of an event that has none that could be sent on.
const KIND_UNKNOWN: &str = "unknown";

/// The state with which a new epoch begins.
pub type Fresh<S> = Arc<dyn Fn() -> BoxFuture<'static, Result<S, StoreError>> + Send + Sync>;

/// A feed whose log other nodes share.
pub struct SharedFeed<S: SharedState> {
    /// The feed of this node.
    pub feed: Arc<Feed<S>>,
    /// The name of both.
    pub name: &'static str,
    /// Where the log is.
    pub nats: Nats,
    /// What is known of NATS.
    pub engine: Engine,
    /// Where the states are.
    pub checkpoints: Arc<dyn Table<Checkpoint>>,
    /// The state with which a new epoch begins.
    pub fresh: Fresh<S>,
    /// Notified when another epoch has begun: this node's own part of the state is to be told again.
    pub renewed: Arc<Notify>,
}

/// Why the log is not followed any more.
#[derive(Debug, thiserror::Error)]
enum FollowError {
    #[error("the log of a feed cannot be opened")]
    Open(#[from] OpenStreamError),
    #[error("the log of a feed cannot be read")]
    Consume(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("the log of a feed does not answer")]
    Look(#[source] InfoError),
    #[error("the log of a feed ended")]
    Ended,
    #[error(transparent)]
    Order(#[from] OutOfOrder),
    #[error("the log of a feed is not the one that was read before")]
    OtherLog,
    #[error("another epoch of a feed has begun")]
    OtherEpoch,
    #[error("the state of a feed cannot be kept")]
    Checkpoint(#[source] WriteError),
    #[error("the kept state of a feed is not understood")]
    Corrupt(#[source] serde_json::Error),
    #[error("the state of a feed cannot be read from the database")]
    Fresh(#[source] StoreError),
}

impl FollowError {
    /// Whether the log was heard: it, or the epoch, is another one, and the next attempt goes on with that.
    fn is_news(&self) -> bool {
        use FollowError::{Checkpoint, OtherEpoch, OtherLog};
        matches!(self, OtherEpoch | OtherLog | Checkpoint(WriteError::Conflict))
    }
}

/// An event of the log that was taken over: its number and its time tell whether the log is still the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Seen {
    sequence: u64,
    at_ns: i128,
}

/// A log that is being read.
struct Attached<S: SharedState> {
    log: Stream,
    messages: Ordered,
    /// The last event when the reading began.
    last: u64,
    /// Events up to the checkpoint, while they come.
    installing: Option<Installing<S>>,
    /// The event that has to come first, because it was seen before.
    known: Option<Seen>,
}

struct Installing<S: SharedState> {
    epoch: u64,
    sequence: u64,
    state: S,
    /// Bounded by the log.
    events: Vec<Numbered<S::Event>>,
}

struct Follower<S: SharedState> {
    with: SharedFeed<S>,
    seen: Option<Seen>,
    /// Whether the log that was read before is gone, so that what this node knows belongs to no log.
    has_lost: bool,
    /// When the log was heard last, in milliseconds since 1970.
    heard_ms: u64,
    current: watch::Sender<bool>,
}

impl<S: SharedState> SharedFeed<S> {
    /// Starts to follow the log. The receiver says whether this node has all of it.
    pub fn follow(self, tasks: &Tasks, task: &'static str) -> watch::Receiver<bool> {
        let (current, is_current) = watch::channel(false);
        let heard_ms = now_ms();
        let follower = Follower { with: self, seen: None, has_lost: false, heard_ms, current };
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
                error = self.follow() => error,
            };
            if self.current.send_replace(false) {
                (pause, heard_at) = (PAUSE_MIN, Instant::now());
            }
            match &error {
                // Nothing is wrong with NATS.
                FollowError::OtherEpoch | FollowError::Checkpoint(WriteError::Conflict) => {}
                error => self.with.engine.failed(error),
            }
            let feed = self.with.name;
            say(feed, &error);
            if !error.is_news() {
                self.with.feed.set_late(self.heard_ms);
            }
            if heard_at.elapsed() >= STREAMS_END_AFTER {
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

    /// Follows the log as long as that goes well.
    async fn follow(&mut self) -> FollowError {
        let mut attached = match self.attach().await {
            Ok(attached) => attached,
            Err(error) => return error,
        };
        let mut changes = self.with.checkpoints.changes();
        let mut keeping: Option<BoxFuture<'static, ()>> = None;
        let mut looking = interval(LOOK_EVERY);
        looking.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            if attached.installing.is_none()
                && self.with.feed.position().sequence >= attached.last
                && !self.current.send_replace(true)
            {
                tracing::info!(feed = self.with.name, "the log of a feed is followed");
                self.with.feed.set_current();
            }
            tokio::select! {
                message = attached.messages.next() => {
                    let taken = match message {
                        Some(Ok(message)) => self.take(&mut attached, &message),
                        Some(Err(error)) => Err(FollowError::Consume(error.into())),
                        None => Err(FollowError::Ended),
                    };
                    match taken {
                        Ok(sequence) if sequence % CHECKPOINT_EVERY == 0 && keeping.is_none() => {
                            keeping = self.keep_state();
                        }
                        Ok(_) => {}
                        Err(error) => return error,
                    }
                }
                changed = changes.changed() => match changed {
                    Ok(()) if self.is_other_epoch() => return FollowError::OtherEpoch,
                    Ok(()) => {}
                    Err(_) => return FollowError::Ended,
                },
                Some(()) = OptionFuture::from(keeping.as_mut()) => keeping = None,
                _ = looking.tick() => {
                    if let Err(error) = self.look(&attached.log).await {
                        return error;
                    }
                }
            }
        }
    }

    /// Opens the log, finds out from where it has to be read, and begins to read.
    async fn attach(&mut self) -> Result<Attached<S>, FollowError> {
        let with = &self.with;
        let log = open_stream(&with.nats, stream_config(with.name)).await?;
        let info = log.cached_info();
        let created_ns = info.created.unix_timestamp_nanos().to_string();
        let (first, last) = (info.state.first_sequence, info.state.last_sequence);
        // The number of the first event of an empty log differs between versions of NATS.
        let is_empty = info.state.messages == 0;

        let here = with.feed.position();
        let found = with.checkpoints.get(with.name);
        let is_short = |row: &Row<Checkpoint>| {
            // What was seen here is not in the log any more: nobody can go on from it.
            row.value.epoch() == Some(here.epoch) && (self.has_lost || here.sequence > last)
        };
        let fits = |row: &Row<Checkpoint>| {
            let Checkpoint { sequence, created_ns: of, .. } = &row.value;
            *of == created_ns && (first.saturating_sub(1)..=last).contains(sequence)
        };
        let checkpoint = match found {
            Some(row) if fits(&row) && !is_short(&row) => row.value.clone(),
            found => self.begin_epoch(found.as_deref(), created_ns, last).await?,
        };
        self.has_lost = false;

        let epoch = checkpoint.epoch().unwrap_or_default();
        let goes_on = epoch == here.epoch && here.sequence + 1 >= first && self.seen.is_some();
        let (start, installing, known) = if goes_on {
            (here.sequence.max(1), None, self.seen.filter(|seen| seen.sequence >= first))
        } else {
            let state = serde_json::from_value(checkpoint.state).map_err(FollowError::Corrupt)?;
            let sequence = checkpoint.sequence;
            let installing = Installing { epoch, sequence, state, events: Vec::new() };
            (first.max(1), Some(installing), None)
        };
        // Without an event that was seen before, the reading begins after it.
        let start = if goes_on && known.is_none() { here.sequence + 1 } else { start };
        let consumer = OrderedConfig {
            deliver_subject: self.with.nats.client().new_inbox(),
            deliver_policy: DeliverPolicy::ByStartSequence { start_sequence: start },
            ..OrderedConfig::default()
        };
        let consumer = log.create_consumer(consumer).await;
        let consumer = consumer.map_err(|error| FollowError::Consume(error.into()))?;
        let messages = consumer.messages().await;
        let messages = messages.map_err(|error| FollowError::Consume(error.into()))?;
        let mut attached = Attached { log, messages, last, installing, known };
        let is_whole = |installing: &mut Installing<S>| is_empty || installing.sequence < first;
        if let Some(installing) = attached.installing.take_if(is_whole) {
            self.install(installing);
        }
        Ok(attached)
    }

    /// Checks that the log is still there, and has what was read of it: a consumer does not say so.
    async fn look(&mut self, log: &Stream) -> Result<(), FollowError> {
        let began = Instant::now();
        let info = log.get_info().await.map_err(FollowError::Look)?;
        self.with.engine.answered(began.elapsed());
        self.heard_ms = now_ms();
        let is_same = info.created == log.cached_info().created;
        let has_all = info.state.last_sequence >= self.with.feed.position().sequence;
        if is_same && has_all { Ok(()) } else { Err(FollowError::OtherLog) }
    }

    /// Takes an event over. Returns its number.
    fn take(
        &mut self,
        attached: &mut Attached<S>,
        message: &jetstream::Message,
    ) -> Result<u64, FollowError> {
        let info = message.info().map_err(FollowError::Consume)?;
        let (sequence, at_ns) = (info.stream_sequence, info.published.unix_timestamp_nanos());
        let seen = Seen { sequence, at_ns };
        self.heard_ms = now_ms();
        if let Some(known) = attached.known.take() {
            if known != seen {
                self.has_lost = true;
                return Err(FollowError::OtherLog);
            }
            return Ok(sequence);
        }
        let numbered = read::<S>(message, sequence, at_ns);
        match &mut attached.installing {
            Some(installing) => {
                installing.events.push(numbered);
                let is_whole = |installing: &mut Installing<S>| installing.sequence <= sequence;
                if let Some(installing) = attached.installing.take_if(is_whole) {
                    self.install(installing);
                }
            }
            None => self.with.feed.append(numbered)?,
        }
        self.seen = Some(seen);
        Ok(sequence)
    }

    fn install(&self, installing: Installing<S>) {
        let Installing { epoch, sequence, state, events } = installing;
        let is_new = self.with.feed.position().epoch != epoch;
        self.with.feed.install(epoch, sequence, state, events);
        if is_new {
            self.with.renewed.notify_one();
        }
    }

    /// Begins an epoch with the log as it is, because there is none yet or what was kept does not fit it.
    async fn begin_epoch(
        &self,
        found: Option<&Row<Checkpoint>>,
        created_ns: String,
        last: u64,
    ) -> Result<Checkpoint, FollowError> {
        let with = &self.with;
        let state = (with.fresh)().await.map_err(FollowError::Fresh)?;
        let state = serde_json::to_value(state).map_err(FollowError::Corrupt)?;
        let epoch = format!("{:x}", rand::random::<u64>());
        let checkpoint = Checkpoint { epoch, created_ns, sequence: last, state };
        let expect = found.map_or(Expect::Absent, |row| Expect::Revision(row.revision));
        // Another node may be faster: its epoch counts then.
        let put = with.checkpoints.put(with.name, checkpoint.clone(), expect).await;
        put.map_err(FollowError::Checkpoint)?;
        tracing::info!(
            feed = with.name,
            epoch = checkpoint.epoch,
            "another epoch of a feed begins"
        );
        Ok(checkpoint)
    }

    fn is_other_epoch(&self) -> bool {
        let here = self.with.feed.position().epoch;
        let kept = self.with.checkpoints.get(self.with.name);
        kept.is_none_or(|row| row.value.epoch() != Some(here))
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

fn say(feed: &str, error: &FollowError) {
    let error = error as &dyn std::error::Error;
    tracing::debug!(feed, error, "the log of a feed is not followed");
}

/// An event as it stands in the log.
fn read<S: SharedState>(
    message: &jetstream::Message,
    sequence: u64,
    at_ns: i128,
) -> Numbered<S::Event> {
    let kind = message.headers.as_ref().and_then(|headers| headers.get(KIND_HEADER));
    let is_word = |kind: &&str| !kind.is_empty() && kind.bytes().all(|b| b.is_ascii_lowercase());
    let kind = kind.map(async_nats::HeaderValue::as_str).filter(is_word);
    let data = str::from_utf8(&message.payload).ok().filter(|data| !data.contains(['\r', '\n']));
    let at_ms = u64::try_from(at_ns / 1_000_000).unwrap_or_default();
    let (kind, data) = match (kind, data) {
        (Some(kind), Some(data)) => (kind.to_owned(), data.to_owned()),
        // It keeps its number.
        _ => (KIND_UNKNOWN.to_owned(), "null".to_owned()),
    };
    let event = S::event(&kind, &data);
    Numbered { sequence, at_ms, kind, data, event }
}
