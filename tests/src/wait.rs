//! Waiting: for a condition, with a deadline, and with the name of the condition in the failure.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

/// The deadline for what should happen at once. Two slow cores under load need a part of it.
pub const DEADLINE: Duration = Duration::from_secs(30);
/// How often a condition is checked that cannot be awaited: a page in a browser, a file.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Waits for a future that must be ready within [`DEADLINE`].
///
/// # Panics
/// When it is not.
pub async fn within<T>(what: &str, coming: impl Future<Output = T>) -> T {
    within_time(DEADLINE, what, coming).await
}

/// Waits for a future that must be ready within `deadline`.
///
/// # Panics
/// When it is not.
pub async fn within_time<T>(deadline: Duration, what: &str, coming: impl Future<Output = T>) -> T {
    match timeout(deadline, coming).await {
        Ok(came) => came,
        Err(_) => panic!("{what} did not come within {deadline:?}"),
    }
}

/// Calls `look` at intervals until it returns a value. Only for conditions that cannot be awaited.
///
/// # Panics
/// When `deadline` passes.
pub async fn eventually<T>(
    deadline: Duration,
    what: &str,
    mut look: impl AsyncFnMut() -> Option<T>,
) -> T {
    let began = Instant::now();
    loop {
        if let Some(seen) = look().await {
            return seen;
        }
        assert!(began.elapsed() < deadline, "{what} did not come within {deadline:?}");
        sleep(LOOK_EVERY).await;
    }
}
