//! Brings the events of this node to the log: a few at once, each again until the log has it.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use async_nats::connection::State as Connection;
use async_nats::jetstream::context::PublishError;
use async_nats::jetstream::message::PublishMessage;
use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::time::{Instant, sleep, sleep_until};

use super::{KIND_HEADER, subject};
use crate::cluster::nats::Nats;
use crate::feeds::outbox::{Outbox, Waiting};
use crate::limits::{Bucket, Rate};
use crate::metrics::Engine;
use crate::tasks::Tasks;

/// Events on their way to the log at once. One alone would make each event wait for the round trips of all before it, and with
/// replicas a round trip takes some milliseconds.
const ON_THE_WAY_MAX: usize = 16;
/// The pause before the first repetition. Each pause is twice as long as the one before …
const PAUSE_MIN: Duration = Duration::from_millis(50);
/// … up to this one.
const PAUSE_MAX: Duration = Duration::from_secs(2);
/// How long a server that stops waits for an acknowledgement. What it then leaves unsaid, the steward says.
const LAST_WITHIN: Duration = Duration::from_millis(500);
/// The part of the time to stop that is kept for the steps after the last events.
const STOP_RESERVE: Duration = Duration::from_millis(500);

/// How fast a node may publish. `None`: as fast as the log takes it.
pub type Pace = Option<Rate>;

/// Publishes what is in the outbox, until the server has stopped and nothing is left that others believe to be there. A stop does
/// not wait for a NATS that is away. `boot` is like no other start of this node.
pub async fn publish(
    tasks: Tasks,
    nats: Nats,
    engine: Engine,
    name: &'static str,
    boot: u64,
    pace: Pace,
    outbox: Arc<Outbox>,
) {
    let bucket = Bucket::full(Instant::now().into_std());
    let (sending, heard_at) = (FuturesUnordered::new(), Instant::now());
    let mut publisher =
        Publisher { nats, engine, name, boot, count: 0, pace, bucket, outbox, sending, heard_at };
    let (mut overdue, mut is_stopping) = (std::pin::pin!(tasks.stop_overdue(STOP_RESERVE)), false);
    loop {
        let paced = publisher.send_next(is_stopping);
        if is_stopping && publisher.has_finished() {
            return;
        }
        let silent_at = publisher.heard_at + LAST_WITHIN;
        let (is_paced, is_sending) = (paced.is_some(), !publisher.sending.is_empty());
        tokio::select! {
            Some(key) = publisher.sending.next() => publisher.acknowledged(key),
            () = publisher.outbox.changed() => {}
            () = sleep(paced.unwrap_or_default()), if is_paced => {}
            () = tasks.stopping(), if !is_stopping => {
                is_stopping = true;
                publisher.heard_at = Instant::now();
            }
            () = sleep_until(silent_at), if is_stopping && is_sending => return,
            () = &mut overdue => return,
        }
    }
}

struct Publisher {
    nats: Nats,
    engine: Engine,
    name: &'static str,
    boot: u64,
    /// Events so far.
    count: u64,
    pace: Pace,
    bucket: Bucket,
    outbox: Arc<Outbox>,
    /// Events on their way; each becomes its key. At most [`ON_THE_WAY_MAX`]: others wait in the outbox, where newer ones take
    /// their places.
    sending: FuturesUnordered<Pin<Box<dyn Future<Output = u64> + Send>>>,
    /// When the log took an event last, or was given one after it had taken all.
    heard_at: Instant,
}

impl Publisher {
    /// Sends what waits, as far as that is allowed. Returns the time until the next event may go, if one waits for that.
    fn send_next(&mut self, is_stopping: bool) -> Option<Duration> {
        while self.sending.len() < ON_THE_WAY_MAX && self.outbox.has_next() {
            // A stop has no time for a pace.
            if let Some(rate) = self.pace.filter(|_| !is_stopping)
                && let Err(wait) = self.bucket.take(rate, Instant::now().into_std())
            {
                return Some(wait);
            }
            let Some((key, event)) = self.outbox.take() else { break };
            if self.sending.is_empty() {
                self.heard_at = Instant::now();
            }
            self.count += 1;
            let sending = self.sending_of(event);
            self.sending.push(Box::pin(async move {
                sending.insist().await;
                key
            }));
        }
        None
    }

    fn sending_of(&self, event: Waiting) -> Sending {
        Sending {
            nats: self.nats.clone(),
            engine: self.engine.clone(),
            name: self.name,
            id: format!("{}-{:x}-{}", self.nats.node(), self.boot, self.count),
            kind: event.kind,
            data: event.data.into(),
        }
    }

    fn acknowledged(&mut self, key: u64) {
        self.heard_at = Instant::now();
        self.outbox.arrived(key);
    }

    /// Whether a stop need not wait any longer: others know that the rooms of this node are over, or cannot be told.
    fn has_finished(&self) -> bool {
        let is_silent = self.nats.client().connection_state() != Connection::Connected;
        // While the server stops, its rooms still end.
        let has_said_all = self.sending.is_empty() && self.outbox.is_over();
        is_silent || has_said_all
    }
}

/// One event on its way.
struct Sending {
    nats: Nats,
    engine: Engine,
    name: &'static str,
    /// The log takes an event of this id once.
    id: String,
    kind: &'static str,
    data: Bytes,
}

impl Sending {
    /// Sends it, again until it is acknowledged: over a new connection at once, else after a pause.
    async fn insist(self) {
        let _waits = self.engine.wait();
        let mut connected = self.nats.connected();
        let mut pause = PAUSE_MIN;
        loop {
            connected.mark_unchanged();
            let attempt = async {
                let Err(error) = self.send().await else { return true };
                tracing::debug!(feed = self.name, %error, "an event could not be published yet");
                sleep(pause.mul_f64(0.5 + rand::random::<f64>() / 2.0)).await;
                false
            };
            tokio::select! {
                is_there = attempt => {
                    if is_there {
                        return;
                    }
                    pause = (pause * 2).min(PAUSE_MAX);
                }
                // What was on its way over the connection before may be lost.
                Ok(()) = connected.changed() => pause = PAUSE_MIN,
            }
        }
    }

    async fn send(&self) -> Result<(), PublishError> {
        let message = PublishMessage::build()
            .message_id(&self.id)
            .header(KIND_HEADER, self.kind)
            .payload(self.data.clone());
        let began = Instant::now();
        self.nats.jetstream().send_publish(subject(self.name), message).await?.await?;
        self.engine.answered(began.elapsed());
        Ok(())
    }
}
