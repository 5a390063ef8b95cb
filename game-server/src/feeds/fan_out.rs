//! Readers before newcomers: an event is on its way to all readers who wait for it before the next request is looked at.
//!
//! A thousand readers are a thousand tasks that one event wakes. What runs between them is felt by the last of them, so
//! requests that come meanwhile wait until all have been woken: some milliseconds on one core, nothing on many.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::timeout;

/// The longest time that a request waits.
const REQUEST_WAITS_MAX: Duration = Duration::from_millis(25);

/// The readers of one server's feeds who wait for events, and those of them whom an event has just woken. Counts, and no more
/// than that: a reader who leaves in between may count for another.
#[derive(Debug, Default)]
pub struct FanOut {
    waiting: AtomicUsize,
    woken: AtomicUsize,
    all_served: Notify,
}

/// A reader who waits for an event, until this is dropped.
#[derive(Debug)]
pub struct Waiting<'a>(&'a FanOut);

impl FanOut {
    /// A reader waits.
    pub(super) fn wait(&self) -> Waiting<'_> {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        Waiting(self)
    }

    /// An event wakes `readers`, of whom those count who wait.
    pub(super) fn wake(&self, readers: usize) {
        let waiting = self.waiting.load(Ordering::Relaxed);
        self.woken.fetch_max(readers.min(waiting), Ordering::Relaxed);
    }

    /// Waits until every reader whom an event has woken was served, or for [`REQUEST_WAITS_MAX`].
    pub async fn served(&self) {
        let served = self.all_served.notified();
        if self.woken.load(Ordering::Relaxed) > 0 {
            timeout(REQUEST_WAITS_MAX, served).await.ok();
        }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
        let one_less = |woken: usize| woken.checked_sub(1);
        if self.0.woken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less) == Ok(1) {
            self.0.all_served.notify_waiters();
        }
    }
}
