//! The tasks of one server: who owns them, how they are asked to stop, and what a panic or a failure of one of them means.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::time::{sleep, timeout};
use tokio_util::sync::{CancellationToken, WaitForCancellationFuture};
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

use crate::metrics::TaskMetrics;

/// Spawns tasks and stops them together. Cheap to clone.
///
/// **Invariant:** every task of the server is spawned through one of these clones, so that
/// [`Tasks::finish`] can wait for all of them. The one exception listens for signals.
///
/// Each task has a name, under which its panics are counted in `/metrics` and logged. A panic of a task from
/// [`Tasks::spawn`] ends what that task served and nothing else: one connection, one room. A panic of one from
/// [`Tasks::spawn_vital`] ends the server: a server that lacks its chat or its ladder must not call itself ready.
#[derive(Debug, Clone)]
pub struct Tasks {
    tracker: TaskTracker,
    stop: CancellationToken,
    stop_within: Duration,
    panics: Arc<Panics>,
}

/// The panics of one server's tasks, and what else ended it.
#[derive(Debug, Default)]
struct Panics {
    metrics: TaskMetrics,
    /// What ended the server, if it was no request: the first of such.
    fatal: OnceLock<Fatal>,
    /// The name of the task that is to panic, to see what that does.
    wanted: Option<String>,
}

/// Why the server ended without having been asked to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fatal {
    /// A task that it cannot do without panicked.
    #[error("the server ends because its task \"{task}\" panicked: {what}")]
    Panic {
        /// The task.
        task: &'static str,
        /// The message of the panic.
        what: String,
    },
    /// Something is so that it must not go on.
    #[error("the server ends: {0}")]
    Failure(String),
}

impl Tasks {
    /// No tasks yet. They stop when `stop` is cancelled, and have `stop_within` to do so.
    #[must_use]
    pub fn new(stop: CancellationToken, stop_within: Duration) -> Self {
        Self { tracker: TaskTracker::new(), stop, stop_within, panics: Arc::default() }
    }

    /// The same, but a task of this name panics.
    #[must_use]
    pub fn with_panic_in(self, task: Option<String>) -> Self {
        let panics = Panics { wanted: task, ..Panics::default() };
        Self { panics: Arc::new(panics), ..self }
    }

    /// Runs a task that the server waits for when it stops. The task must end soon after
    /// [`Tasks::stopping`] does. A panic ends this task alone.
    pub fn spawn<F>(&self, name: &'static str, task: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.tracker.spawn(self.contain(name, task));
    }

    /// The same for a task that the server cannot do without: a panic stops the server, which then ends with an error.
    pub fn spawn_vital<F>(&self, name: &'static str, task: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let tasks = self.clone();
        self.tracker.spawn(async move {
            let checked = async {
                tasks.panic_if_wanted(name);
                task.await;
            };
            if let Err(panic) = AssertUnwindSafe(checked).catch_unwind().await {
                let what = tasks.note_panic(name, &*panic);
                tracing::error!(task = name, "the server cannot go on without this task and ends");
                tasks.end_with(Fatal::Panic { task: name, what });
            }
        });
    }

    /// Stops the server, which then ends with this error: it must not go on.
    pub fn fail(&self, error: &(dyn std::error::Error + 'static)) {
        tracing::error!(error, "the server must not go on and ends");
        self.end_with(Fatal::Failure(error.to_string()));
    }

    fn end_with(&self, fatal: Fatal) {
        // The first one counts.
        self.panics.fatal.set(fatal).ok();
        self.stop();
    }

    /// Counts and logs a panic of `work`, which then ends without a value.
    pub fn contain<F: Future>(
        &self,
        name: &'static str,
        work: F,
    ) -> impl Future<Output = Option<F::Output>> + use<F> {
        let tasks = self.clone();
        AssertUnwindSafe(work)
            .catch_unwind()
            .map(move |ended| ended.map_err(|panic| tasks.note_panic(name, &*panic)).ok())
    }

    /// Counts and logs a panic that was caught. Returns its message.
    pub fn note_panic(&self, name: &'static str, panic: &(dyn Any + Send)) -> String {
        let what = message_of(panic);
        self.panics.metrics.panics.of(name).add(1);
        tracing::error!(task = name, what, "a task panicked");
        what.to_owned()
    }

    /// Panics if a panic in the task of this name was asked for.
    ///
    /// # Panics
    /// Then.
    pub fn panic_if_wanted(&self, name: &str) {
        assert!(self.panics.wanted.as_deref() != Some(name), "this panic was asked for");
    }

    /// What `/metrics` shows of the tasks.
    #[must_use]
    pub fn metrics(&self) -> TaskMetrics {
        self.panics.metrics.clone()
    }

    /// Whether the tasks ended well.
    ///
    /// # Errors
    /// What ended the server.
    pub fn outcome(&self) -> Result<(), Fatal> {
        self.panics.fatal.get().cloned().map_or(Ok(()), Err)
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

/// The message of a panic.
fn message_of(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::sync::oneshot;
    use tokio_util::sync::CancellationToken;

    use super::Tasks;
    use crate::metrics::Metrics;

    fn tasks() -> Tasks {
        Tasks::new(CancellationToken::new(), Duration::from_secs(5))
    }

    fn metrics_of(tasks: &Tasks) -> String {
        Metrics { tasks: tasks.metrics(), ..Metrics::new(false) }.render()
    }

    #[tokio::test]
    async fn a_panic_of_one_task_is_counted_and_ends_nothing_else() {
        let (tasks, (go_on, goes_on)) = (tasks(), oneshot::channel::<()>());
        let (ended, end) = oneshot::channel();
        tasks.spawn("other", async move {
            goes_on.await.ok();
            ended.send(()).ok();
        });

        tasks.spawn("room", async { panic!("the dice fell off the table") });
        while !metrics_of(&tasks).contains("pushback_task_panics_total{task=\"room\"} 1\n") {
            tokio::task::yield_now().await;
        }

        assert!(!tasks.is_stopping());
        go_on.send(()).unwrap();
        assert_eq!(end.await, Ok(()));
        tasks.stop();
        tasks.finish().await;
        assert_eq!(tasks.outcome(), Ok(()));
    }

    #[tokio::test]
    async fn a_panic_of_a_vital_task_stops_the_server_with_an_error() {
        let tasks = tasks();

        tasks.spawn_vital("ladder", async { panic!("no rung {}", 7) });
        tasks.stopping().await;
        tasks.finish().await;

        let error = tasks.outcome().unwrap_err().to_string();
        assert!(error.contains("\"ladder\"") && error.contains("no rung 7"), "{error}");
        let counted = "pushback_task_panics_total{task=\"ladder\"} 1\n";
        assert!(metrics_of(&tasks).contains(counted));
    }

    #[tokio::test]
    async fn a_failure_stops_the_server_with_its_error() {
        let tasks = tasks();
        tasks.fail(&std::io::Error::other("somebody else is me"));
        tasks.fail(&std::io::Error::other("later"));
        assert!(tasks.is_stopping());
        let error = tasks.outcome().unwrap_err().to_string();
        assert!(error.contains("somebody else is me"), "{error}");
    }

    #[tokio::test]
    async fn a_panic_that_was_asked_for_comes() {
        let tasks = tasks().with_panic_in(Some("chat".to_owned()));

        tasks.spawn_vital("ladder", async {});
        tasks.spawn_vital("chat", async {});
        tasks.stopping().await;

        assert!(tasks.outcome().unwrap_err().to_string().contains("\"chat\""));
    }
}
