//! Writes results to the store: one after the other, with retries while the database fails.

use std::sync::Arc;
use std::time::Duration;

use shared::api::ReplaySummary;
use shared::id::ReplayId;
use tokio::sync::Semaphore;
use tokio::time::sleep;

use crate::storage::{RoundRecord, Rounds, StoreError};
use crate::tasks::Tasks;

/// The pause after the first failure. Each pause is twice as long as the one before …
const PAUSE_MIN: Duration = Duration::from_millis(250);
/// … up to this one.
const PAUSE_MAX: Duration = Duration::from_secs(8);
/// A result that cannot be written for this long is given up: a thousand open files must not wait for a disk.
const TRY_FOR: Duration = Duration::from_secs(10 * 60);
/// The part of the time to stop that is kept for the steps after the results.
const STOP_RESERVE: Duration = Duration::from_millis(500);

/// What is written about a recording.
#[derive(Debug, Clone)]
pub(super) enum Entry {
    /// A round with its result.
    Round(RoundRecord),
    /// A recording alone.
    Replay(ReplaySummary),
}

/// Writes the results of rounds.
pub(super) struct Settlement {
    tasks: Tasks,
    rounds: Arc<dyn Rounds>,
    /// One round at a time, in the order of the calls: a rating is an absolute value, so that an older one must not
    /// overwrite a newer one.
    turns: Semaphore,
}

impl Settlement {
    pub(super) fn new(tasks: &Tasks, rounds: Arc<dyn Rounds>) -> Self {
        Self { tasks: tasks.clone(), rounds, turns: Semaphore::new(1) }
    }

    /// Writes an entry, with as many retries as it takes. Returns false when it was given up; the log then says why.
    pub(super) async fn keep(&self, entry: &Entry) -> bool {
        let id = entry.id();
        let rounds = &self.rounds;
        let write = async {
            match entry {
                Entry::Replay(replay) => retry(id, || rounds.put_replay(replay.clone())).await,
                Entry::Round(round) => {
                    let _turn = self.turns.acquire().await;
                    retry(id, || rounds.record_round(round.clone())).await
                }
            }
        };
        self.within_limits(id, write).await
    }

    /// Removes the entry of a recording that has no file.
    pub(super) async fn remove(&self, id: ReplayId) -> bool {
        let write = retry(id, || self.rounds.remove_replay(id));
        self.within_limits(id, write).await
    }

    async fn within_limits(&self, id: ReplayId, write: impl Future<Output = bool>) -> bool {
        tokio::select! {
            biased;
            written = write => written,
            () = self.tasks.stop_overdue(STOP_RESERVE) => {
                tracing::error!(replay = %id, "the server stops before a result could be kept");
                false
            }
            () = sleep(TRY_FOR) => {
                tracing::error!(replay = %id, "a result is given up: it could not be kept for too long");
                false
            }
        }
    }
}

impl Entry {
    fn id(&self) -> ReplayId {
        match self {
            Self::Round(round) => round.replay.id,
            Self::Replay(replay) => replay.id,
        }
    }
}

/// Retries until the write succeeds, or until a retry cannot help.
pub(super) async fn retry<F>(id: ReplayId, write: impl Fn() -> F) -> bool
where
    F: Future<Output = Result<(), StoreError>>,
{
    let mut pause = PAUSE_MIN;
    loop {
        let error = match write().await {
            Ok(()) => return true,
            // An earlier attempt wrote it, and its answer was lost.
            Err(error) if error.is_duplicate() => return true,
            Err(error) => error,
        };
        if !error.is_transient() {
            tracing::error!(replay = %id, error = as_source(&error), "a result cannot be kept");
            return false;
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
