//! Readers before newcomers: an event is on its way to all readers who wait for it before the next request is looked at.
//!
//! A thousand readers are a thousand tasks that one event wakes. What runs between them is felt by the last of them, so
//! requests that come meanwhile wait until all have run: some milliseconds on one core, nothing on many.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

/// Counts the readers of one feed who wait for an event, and those of them whom the last event has woken and who have not run
/// yet. A reader who writes to its socket is not counted, so requests do not wait for it.
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

    /// An event wakes all who wait.
    pub(super) fn wake(&self) {
        self.woken.store(self.waiting.load(Ordering::Relaxed), Ordering::Relaxed);
    }

    /// Whether all whom the last event has woken have run.
    pub(super) fn is_served(&self) -> bool {
        self.woken.load(Ordering::Relaxed) == 0
    }

    /// Waits until they have.
    pub(super) async fn served(&self) {
        // Made before the look, so that an end between the two is not missed.
        let served = self.all_served.notified();
        if !self.is_served() {
            served.await;
        }
    }

    /// Nobody waits for them any longer.
    pub(super) fn give_up(&self) {
        self.woken.store(0, Ordering::Relaxed);
        self.all_served.notify_waiters();
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
        // One who came after the event may count for one who was there: a request then comes a little early.
        let one_less = |woken: usize| woken.checked_sub(1);
        if self.0.woken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less) == Ok(1) {
            self.0.all_served.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::FanOut;

    #[test]
    fn a_request_waits_until_every_woken_reader_has_run() {
        let readers = FanOut::default();
        let (one, other) = (readers.wait(), readers.wait());
        assert_eq!(readers.served().now_or_never(), Some(()), "nobody was woken");

        readers.wake();
        let mut request = std::pin::pin!(readers.served());
        assert_eq!(request.as_mut().now_or_never(), None);
        drop(one);
        assert_eq!(request.as_mut().now_or_never(), None);
        drop(other);

        assert_eq!(request.now_or_never(), Some(()));
        assert!(readers.is_served());
    }

    #[test]
    fn readers_who_are_busy_with_their_sockets_hold_nobody_up() {
        let readers = FanOut::default();
        drop(readers.wait());

        readers.wake();

        assert_eq!(readers.served().now_or_never(), Some(()));
    }

    #[test]
    fn a_reader_who_does_not_run_is_given_up() {
        let readers = FanOut::default();
        let _stuck = readers.wait();
        readers.wake();
        let mut request = std::pin::pin!(readers.served());
        assert_eq!(request.as_mut().now_or_never(), None);

        readers.give_up();

        assert_eq!(request.now_or_never(), Some(()));
        assert_eq!(readers.served().now_or_never(), Some(()));
    }
}
