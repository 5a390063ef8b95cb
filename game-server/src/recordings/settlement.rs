//! Writes results to the store: one after the other, with retries while the database fails.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use shared::api::ReplaySummary;
use shared::id::ReplayId;
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use crate::metrics::Engine;
use crate::readiness::{Readiness, Unready};
use crate::storage::{RoundRecord, Rounds, SettledPlace, StoreError};
use crate::tasks::Tasks;

/// The pause after the first failure. Each pause is twice as long as the one before …
const PAUSE_MIN: Duration = Duration::from_millis(250);
/// … up to this one.
const PAUSE_MAX: Duration = Duration::from_secs(8);
/// A result that cannot be written for this long is given up: a thousand open files must not wait for a disk.
const TRY_FOR: Duration = Duration::from_secs(10 * 60);
/// When a result has waited for this long, the server is not ready: a database that another program holds for a moment is no
/// reason to send people away.
const LATE_AFTER: Duration = Duration::from_secs(30);
/// The part of the time to stop that is kept for the steps after the results.
pub(super) const STOP_RESERVE: Duration = Duration::from_secs(1);

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
    /// The database, for which results wait.
    database: Engine,
    late: Late,
    pub(super) late_after: Duration,
    pub(super) try_for: Duration,
}

/// Counts the results that have waited for too long.
struct Late {
    count: AtomicUsize,
    readiness: Readiness,
}

impl Late {
    /// One more, until the guard is dropped.
    fn one(&self) -> impl Drop {
        self.count.fetch_add(1, Ordering::SeqCst);
        self.readiness.add(Unready::ResultsLate);
        LateOne(self)
    }
}

struct LateOne<'a>(&'a Late);

impl Drop for LateOne<'_> {
    fn drop(&mut self) {
        if self.0.count.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.0.readiness.remove(Unready::ResultsLate);
        }
    }
}

impl Settlement {
    pub(super) fn new(
        tasks: &Tasks,
        readiness: Readiness,
        rounds: Arc<dyn Rounds>,
        database: Engine,
    ) -> Self {
        let late = Late { count: AtomicUsize::new(0), readiness };
        let (tasks, turns) = (tasks.clone(), Semaphore::new(1));
        let (late_after, try_for) = (LATE_AFTER, TRY_FOR);
        Self { tasks, rounds, turns, database, late, late_after, try_for }
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
        let _waits = self.database.wait();
        let mut write = pin!(write);
        let write = async {
            if let Ok(written) = timeout(self.late_after, write.as_mut()).await {
                return written;
            }
            tracing::warn!(replay = %id, "a result waits for the database: the server is not ready");
            let _late = self.late.one();
            write.await
        };
        tokio::select! {
            biased;
            written = write => written,
            () = self.tasks.stop_overdue(STOP_RESERVE) => {
                tracing::error!(replay = %id, "the server stops before a result could be kept");
                None
            }
            () = sleep(self.try_for) => {
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
