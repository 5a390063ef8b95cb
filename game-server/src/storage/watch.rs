//! Whether the database answers, for `/metrics` and the log: it is asked every five seconds, because a server without guests asks
//! nothing else of it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::time::{MissedTickBehavior, interval, timeout};

use super::{Store, StoreError};
use crate::metrics::Engine;
use crate::tasks::Tasks;

/// The interval between two questions.
const ASK_EVERY: Duration = Duration::from_secs(5);
/// The longest time for an answer: a connection to a database that is gone may seem open for a quarter of an hour.
const ANSWER_WITHIN: Duration = Duration::from_secs(3);

/// Starts the task.
pub fn start(tasks: &Tasks, store: Arc<dyn Store>, engine: Engine) {
    tasks.spawn_vital("database watch", run(tasks.clone(), store, engine));
}

async fn run(tasks: Tasks, store: Arc<dyn Store>, engine: Engine) {
    let mut asking = interval(ASK_EVERY);
    asking.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = tasks.stopping() => return,
            _ = asking.tick() => {}
        }
        let began = Instant::now();
        tokio::select! {
            () = tasks.stopping() => return,
            answer = timeout(ANSWER_WITHIN, store.ping()) => match answer {
                Ok(Ok(())) => engine.answered(began.elapsed()),
                Ok(Err(error)) => engine.failed(&error),
                Err(_late) => engine.failed(&StoreError::timed_out()),
            }
        }
    }
}
