//! Waiting: always for something, always with a deadline that names what did not come.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

/// How long anything may take that should come at once. Two slow cores under load need a part of it.
pub const DEADLINE: Duration = Duration::from_secs(30);
/// How often a condition is looked at that cannot wake anybody: a page in a browser, a file.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Waits for what must come within [`DEADLINE`].
///
/// # Panics
/// When it does not.
pub async fn within<T>(what: &str, coming: impl Future<Output = T>) -> T {
    within_time(DEADLINE, what, coming).await
}

/// Waits for what must come within `deadline`.
///
/// # Panics
/// When it does not.
pub async fn within_time<T>(deadline: Duration, what: &str, coming: impl Future<Output = T>) -> T {
    match timeout(deadline, coming).await {
        Ok(came) => came,
        Err(_) => panic!("{what} did not come within {deadline:?}"),
    }
}

/// Looks again and again until there is something to see. Only for what cannot be awaited.
///
/// # Panics
/// When it does not come within `deadline`.
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
