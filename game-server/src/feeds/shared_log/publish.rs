//! Brings the events of this node to the log: one after the other, each again until the log has it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_nats::jetstream::context::PublishError;
use async_nats::jetstream::message::PublishMessage;
use tokio::time::sleep;

use super::{KIND_HEADER, subject};
use crate::cluster::nats::Nats;
use crate::feeds::outbox::{Outbox, Waiting};
use crate::limits::{Bucket, Rate};
use crate::metrics::Engine;
use crate::tasks::Tasks;

/// The pause before the first repetition. Each pause is twice as long as the one before …
const PAUSE_MIN: Duration = Duration::from_millis(50);
/// … up to this one.
const PAUSE_MAX: Duration = Duration::from_secs(2);

/// The part of the time to stop that is kept for the steps after the last events.
const STOP_RESERVE: Duration = Duration::from_millis(500);

/// How fast a node may publish. `None`: as fast as the log takes it.
pub type Pace = Option<Rate>;

/// Publishes what is in the outbox, until the server has stopped and nothing is left that others believe to be there. `boot` is like no other start of this node.
pub async fn publish(
    tasks: Tasks,
    nats: Nats,
    engine: Engine,
    name: &'static str,
    boot: u64,
    pace: Pace,
    outbox: Arc<Outbox>,
) {
    let mut publisher = Publisher { nats, engine, name, boot, count: 0 };
    let mut bucket = Bucket::full(Instant::now());
    loop {
        let Some((_, event)) = outbox.take() else {
            // While the server stops, its rooms still end.
            if tasks.is_stopping() && outbox.is_over() {
                return;
            }
            tokio::select! {
                () = tasks.stop_overdue(STOP_RESERVE) => return,
                () = tasks.stopping(), if !tasks.is_stopping() => {}
                () = outbox.changed() => {}
            }
            continue;
        };
        tokio::select! {
            () = tasks.stop_overdue(STOP_RESERVE) => return,
            () = publisher.insist(&event) => {}
        }
        let wait = pace.and_then(|rate| bucket.take(rate, Instant::now()).err());
        if let Some(wait) = wait {
            // What changes meanwhile is told once, with the newest values.
            tokio::select! {
                () = tasks.stopping() => {}
                () = sleep(wait) => {}
            }
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
}

impl Publisher {
    /// Publishes an event, again until it is acknowledged. The log takes it once: it has an id.
    async fn insist(&mut self, event: &Waiting) {
        self.count += 1;
        let _waits = self.engine.wait();
        let mut pause = PAUSE_MIN;
        while let Err(error) = self.send(event).await {
            tracing::debug!(feed = self.name, %error, "an event could not be published yet");
            sleep(pause.mul_f64(0.5 + rand::random::<f64>() / 2.0)).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    async fn send(&self, event: &Waiting) -> Result<(), PublishError> {
        let id = format!("{}-{:x}-{}", self.nats.node(), self.boot, self.count);
        let message = PublishMessage::build()
            .message_id(id)
            .header(KIND_HEADER, event.kind)
            .payload(event.data.clone().into());
        let began = Instant::now();
        self.nats.jetstream().send_publish(subject(self.name), message).await?.await?;
        self.engine.answered(began.elapsed());
        Ok(())
    }
}
