//! Writes results to the store: one after the other, with retries while the database fails.

use std::sync::Arc;
use std::time::Duration;

use shared::api::ReplaySummary;
use shared::id::ReplayId;
use tokio::sync::Semaphore;
use tokio::time::sleep;

use crate::storage::{RoundRecord, Rounds, SettledPlace, StoreError};
use crate::tasks::Tasks;

/// The pause after the first failure. Each pause is twice as long as the one before …
const PAUSE_MIN: Duration = Duration::from_millis(250);
/// … up to this one.
const PAUSE_MAX: Duration = Duration::from_secs(8);
/// A result that cannot be written for this long is given up: a thousand open files must not wait for a disk.
const TRY_FOR: Duration = Duration::from_secs(10 * 60);
/// The part of the time to stop that is kept for the steps after the results.
const STOP_RESERVE: Duration = Duration::from_secs(1);

/// Is told of each rated round that is settled, with its places in the order of the standings. Without places the round
/// will never be settled.
pub type OnSettled = Arc<dyn Fn(&RoundRecord, &[SettledPlace]) + Send + Sync>;

/// Writes the results of rounds.
pub(super) struct Settlement {
    tasks: Tasks,
    rounds: Arc<dyn Rounds>,
    /// One round at a time, in the order in which they came: a result that is retried is not overtaken, so that a curve of
    /// ratings is in the order of the rounds.
    turns: Semaphore,
}

impl Settlement {
    pub(super) fn new(tasks: &Tasks, rounds: Arc<dyn Rounds>) -> Self {
        Self { tasks: tasks.clone(), rounds, turns: Semaphore::new(1) }
    }

    /// Settles a round, with as many retries as it takes. `None` when it was given up; the log then says why.
    pub(super) async fn settle(&self, round: &RoundRecord) -> Option<Vec<SettledPlace>> {
        let id = round.replay.id;
        let write = async {
            let _turn = self.turns.acquire().await;
            retry(id, || self.rounds.settle(round.clone())).await
        };
        self.within_limits(id, write).await
    }

    /// Lists a recording without a result. Returns whether it is kept.
    pub(super) async fn put(&self, replay: &ReplaySummary) -> bool {
        let write = retry(replay.id, || self.rounds.put_replay(replay.clone()));
        self.within_limits(replay.id, write).await.is_some()
    }

    /// Removes the entry of a recording that has no file.
    pub(super) async fn remove(&self, id: ReplayId) -> bool {
        let write = retry(id, || self.rounds.remove_replay(id));
        self.within_limits(id, write).await.is_some()
    }

    async fn within_limits<T>(
        &self,
        id: ReplayId,
        write: impl Future<Output = Option<T>>,
    ) -> Option<T> {
        tokio::select! {
            biased;
            written = write => written,
            () = self.tasks.stop_overdue(STOP_RESERVE) => {
                tracing::error!(replay = %id, "the server stops before a result could be kept");
                None
            }
            () = sleep(TRY_FOR) => {
                tracing::error!(replay = %id, "a result is given up: it could not be kept for too long");
                None
            }
        }
    }
}

/// Retries until the write succeeds, or until a retry cannot help.
pub(super) async fn retry<T, F>(id: ReplayId, write: impl Fn() -> F) -> Option<T>
where
    F: Future<Output = Result<T, StoreError>>,
{
    let mut pause = PAUSE_MIN;
    loop {
        let error = match write().await {
            Ok(written) => return Some(written),
            Err(error) => error,
        };
        if !error.is_transient() {
            tracing::error!(replay = %id, error = as_source(&error), "a result cannot be kept");
            return None;
        }
        tracing::warn!(replay = %id, error = as_source(&error), "a result could not be kept yet");
        sleep(pause).await;
        pause = (pause * 2).min(PAUSE_MAX);
    }
}

/// The error with its causes, for the log.
fn as_source(error: &StoreError) -> &(dyn std::error::Error + 'static) {
    error
}
