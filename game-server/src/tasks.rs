//! The tasks of one server: who owns them, and how they are asked to stop.

use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_util::sync::{CancellationToken, WaitForCancellationFuture};
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

/// Spawns tasks and stops them together. Cheap to clone.
///
/// **Invariant:** every task of the server is spawned through one of these clones, so that
/// [`Tasks::finish`] can wait for all of them. The one exception listens for signals.
#[derive(Debug, Clone)]
pub struct Tasks {
    tracker: TaskTracker,
    stop: CancellationToken,
    stop_within: Duration,
}

impl Tasks {
    /// No tasks yet. They stop when `stop` is cancelled, and have `stop_within` to do so.
    #[must_use]
    pub fn new(stop: CancellationToken, stop_within: Duration) -> Self {
        Self { tracker: TaskTracker::new(), stop, stop_within }
    }

    /// Runs a task that the server waits for when it stops. The task must end soon after
    /// [`Tasks::stopping`] does.
    pub fn spawn<F>(&self, task: F) -> JoinHandle<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        self.tracker.spawn(task)
    }

    /// Makes the server wait for a task that a library spawns, for as long as the token lives.
    pub fn token(&self) -> TaskTrackerToken {
        self.tracker.token()
    }

    /// Waits until the server stops.
    pub fn stopping(&self) -> WaitForCancellationFuture<'_> {
        self.stop.cancelled()
    }

    /// Whether the server stops.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.stop.is_cancelled()
    }

    /// How long a task may go on after the stop when `reserve` is kept for what comes after it.
    #[must_use]
    pub fn stop_within(&self, reserve: Duration) -> Duration {
        self.stop_within.saturating_sub(reserve)
    }

    /// Waits until the server stops, and then as long as a task may still go on (see [`Tasks::stop_within`]).
    pub async fn stop_overdue(&self, reserve: Duration) {
        self.stopping().await;
        sleep(self.stop_within(reserve)).await;
    }

    /// Asks every task to stop.
    pub fn stop(&self) {
        self.stop.cancel();
    }

    /// Waits for every task, at most as long as a stop may take.
    pub async fn finish(&self) {
        self.tracker.close();
        if timeout(self.stop_within, self.tracker.wait()).await.is_err() {
            tracing::warn!(left = self.tracker.len(), "some tasks did not stop in time");
        }
    }
}
