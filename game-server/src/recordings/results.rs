//! Keeping results: one after the other, and again and again while the database cannot.

use std::sync::Arc;
use std::time::Duration;

use shared::api::ReplaySummary;
use shared::id::ReplayId;
use tokio::sync::Semaphore;
use tokio::time::sleep;

use crate::storage::{RoundRecord, Rounds, StoreError};
use crate::tasks::Tasks;

/// The pause after a failure. Each is twice as long as the one before …
const PAUSE_MIN: Duration = Duration::from_millis(250);
/// … up to this.
const PAUSE_MAX: Duration = Duration::from_secs(8);
/// A result that could not be kept for so long is given up: a thousand open files must not wait for a disk.
const TRY_FOR: Duration = Duration::from_secs(10 * 60);
/// Left of the time to stop for what comes after results.
const STOP_RESERVE: Duration = Duration::from_millis(500);

/// What is to be kept of a recording.
#[derive(Debug, Clone)]
pub(super) enum Entry {
    /// A round with its result.
    Round(RoundRecord),
    /// A recording alone.
    Replay(ReplaySummary),
}

/// Writes what rounds did to the store.
pub(super) struct Results {
    tasks: Tasks,
    rounds: Arc<dyn Rounds>,
    /// One round at a time, the first that asks first: a rating is kept as the round left it, so an older one must not
    /// come after a newer.
    turns: Semaphore,
}

impl Results {
    pub(super) fn new(tasks: &Tasks, rounds: Arc<dyn Rounds>) -> Self {
        Self { tasks: tasks.clone(), rounds, turns: Semaphore::new(1) }
    }

    /// Writes an entry, however often it takes. False when it was given up; the log then says why.
    pub(super) async fn keep(&self, entry: &Entry) -> bool {
        let id = entry.id();
        let rounds = &self.rounds;
        let write = async {
            match entry {
                Entry::Replay(replay) => insist(id, || rounds.put_replay(replay.clone())).await,
                Entry::Round(round) => {
                    let _turn = self.turns.acquire().await;
                    insist(id, || rounds.record_round(round.clone())).await
                }
            }
        };
        self.as_long_as_may_be(id, write).await
    }

    /// Removes the entry of a recording that has no file.
    pub(super) async fn remove(&self, id: ReplayId) -> bool {
        let write = insist(id, || self.rounds.remove_replay(id));
        self.as_long_as_may_be(id, write).await
    }

    async fn as_long_as_may_be(&self, id: ReplayId, write: impl Future<Output = bool>) -> bool {
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

/// Tries until it succeeds, or until trying again cannot help.
pub(super) async fn insist<F>(id: ReplayId, write: impl Fn() -> F) -> bool
where
    F: Future<Output = Result<(), StoreError>>,
{
    let mut pause = PAUSE_MIN;
    loop {
        let error = match write().await {
            Ok(()) => return true,
            // It was kept before, and the answer was lost.
            Err(error) if error.is_double() => return true,
            Err(error) => error,
        };
        if !error.may_pass() {
            tracing::error!(replay = %id, error = as_source(&error), "a result cannot be kept");
            return false;
        }
        tracing::warn!(replay = %id, error = as_source(&error), "a result could not be kept yet");
        sleep(pause).await;
        pause = (pause * 2).min(PAUSE_MAX);
    }
}

/// With everything that caused it, for the log.
fn as_source(error: &StoreError) -> &(dyn std::error::Error + 'static) {
    error
}
