//! Long-polling: the server holds the answer until an event comes, or until the wait ends (RFC 6202).
//!
//! A repeated request with the same cursor gets the same events: the log keeps them and not the waiter, so that a lost
//! answer costs nothing.

use std::sync::Arc;
use std::time::Duration;

use axum::response::Response;
use shared::api::{WAIT_SECONDS_MAX, WAIT_SECONDS_MIN};
use shared::feed::Cursor;
use tokio::time::timeout;

use super::feed::{Gone, Head, Source};
use super::poll::{self, CursorGone};
use crate::drain::Share;
use crate::metrics::Gauge;

/// The wait that a client asked for, within the bounds.
#[must_use]
pub fn clamp_wait(seconds: i64) -> Duration {
    let seconds = seconds.clamp(WAIT_SECONDS_MIN.into(), WAIT_SECONDS_MAX.into());
    Duration::from_secs(seconds.unsigned_abs())
}

/// Waits for the first event after a cursor, as one of the `waiters`. When the client disconnects, this future is dropped.
///
/// # Errors
/// [`CursorGone`] when events after the cursor are forgotten.
pub async fn answer(
    source: Arc<dyn Source>,
    after: Cursor,
    wait: Duration,
    waiters: &Gauge,
) -> Result<Response, CursorGone> {
    let _waiter = waiters.enter();
    // The end of the wait and the end of the server have the same answer: no event.
    timeout(wait, first_after(&*source, after)).await.unwrap_or_else(|_| Ok(poll::nothing(after)))
}

async fn first_after(source: &dyn Source, after: Cursor) -> Result<Response, CursorGone> {
    // Subscribed before the first read, so that an event between the two ends the wait.
    let mut changes = source.changes();
    let Head { ends, ended_shares, .. } = *changes.borrow();
    let share = Share::draw(ended_shares);
    loop {
        let head = *changes.borrow_and_update();
        let is_over = head.closed || head.ends != ends || share.has_ended(head.ended_shares);
        let events = source.after(after, poll::PAGE_EVENTS_MAX);
        let events = events.map_err(|Gone| CursorGone::of(source))?;
        if let Some(last) = events.last() {
            return Ok(poll::events(last.cursor, &events));
        }
        let waiting = source.fan_out().wait();
        if is_over || changes.changed().await.is_err() {
            return Ok(poll::nothing(after));
        }
        drop(waiting);
    }
}
