//! Long-polling: the server holds the answer until there is one, or until the time to live ends (RFC 6202).
//!
//! Asking again with the same cursor gives the same events again: the log keeps them, not the waiter, so
//! an answer that was lost on the way costs nothing.

use std::sync::Arc;
use std::time::Duration;

use axum::response::Response;
use shared::api::{WAIT_SECONDS_MAX, WAIT_SECONDS_MIN};
use shared::feed::Cursor;
use tokio::time::timeout;

use super::feed::Source;
use super::poll;
use crate::metrics::Gauges;

/// The time to live that a client asked for, within the bounds.
#[must_use]
pub fn clamp_wait(seconds: i64) -> Duration {
    let seconds = seconds.clamp(WAIT_SECONDS_MIN.into(), WAIT_SECONDS_MAX.into());
    Duration::from_secs(seconds.unsigned_abs())
}

/// Waits for the first event after a cursor. The client going away drops this future, and the waiter
/// with it.
pub async fn answer(
    source: Arc<dyn Source>,
    after: Cursor,
    wait: Duration,
    gauges: &Gauges,
) -> Response {
    let _waiter = gauges.long_polls.enter();
    // The end of the wait (an error) and the end of the server both answer: nothing yet.
    timeout(wait, first_after(&*source, after)).await.unwrap_or_else(|_| poll::nothing(after))
}

async fn first_after(source: &dyn Source, after: Cursor) -> Response {
    // Subscribed before the first look: an event between the two wakes the wait.
    let mut changes = source.changes();
    loop {
        let closed = changes.borrow_and_update().closed;
        match source.after(after, poll::PAGE_EVENTS_MAX) {
            Err(_) => return poll::gone(source),
            Ok(events) => {
                if let Some(last) = events.last() {
                    return poll::events(last.cursor, &events);
                }
            }
        }
        if closed || changes.changed().await.is_err() {
            return poll::nothing(after);
        }
    }
}
