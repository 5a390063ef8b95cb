//! Draining: the time before a stop in which a server takes nobody new, plays its rounds to their end, and sends those who read
//! and chat elsewhere, a few at a time.

use std::sync::Arc;

use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, WaitForCancellationFuture};

/// All streams are this many shares. They are ended share by share, so that not all of them come to other nodes at once.
pub const SHARES: u16 = 1_000;

/// Whether this server drains. Cheap to clone. It never stops draining again.
#[derive(Debug, Clone, Default)]
pub struct Drain {
    begun: CancellationToken,
    /// How many shares have been ended.
    ended: Arc<watch::Sender<u16>>,
}

impl Drain {
    /// Begins.
    pub fn begin(&self) {
        self.begun.cancel();
    }

    /// Whether it has begun.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.begun.is_cancelled()
    }

    /// Waits until it begins.
    pub fn draining(&self) -> WaitForCancellationFuture<'_> {
        self.begun.cancelled()
    }

    /// Ends connections until so many shares of them are ended.
    pub fn end_shares(&self, ended: u16) {
        self.ended.send_if_modified(|before| std::mem::replace(before, ended) != ended);
    }

    /// When a new connection is to end.
    #[must_use]
    pub fn turn(&self) -> Turn {
        let ended = self.ended.subscribe();
        let share = Share::draw(*ended.borrow());
        Turn { share, ended }
    }
}

/// The share that a stream is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share(u16);

impl Share {
    /// One of those that have not been ended. A stream that begins after all of them were stays until the server stops:
    /// its client has found no other server.
    #[must_use]
    pub fn draw(ended: u16) -> Self {
        let left = SHARES.saturating_sub(ended);
        let place = if left == 0 { 0 } else { rand::random_range(0..left) };
        Self(ended.saturating_add(1).saturating_add(place))
    }

    /// Whether it is one of those that have been ended.
    #[must_use]
    pub fn has_ended(self, ended: u16) -> bool {
        self.0 <= ended.min(SHARES)
    }
}

/// Says when one connection is to end.
#[derive(Debug)]
pub struct Turn {
    share: Share,
    ended: watch::Receiver<u16>,
}

impl Turn {
    /// Waits until it is to end. Cancel-safe.
    pub async fn comes(&mut self) {
        let share = self.share;
        if self.ended.wait_for(|ended| share.has_ended(*ended)).await.is_err() {
            // The server is gone, and its connections end with it.
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::{Drain, SHARES, Share};

    #[test]
    fn every_stream_ends_in_its_turn_and_none_before_the_server_drains() {
        let mut shares: Vec<_> = (0..10_000).map(|_| Share::draw(0)).collect();
        assert!(shares.iter().all(|share| !share.has_ended(0)));

        shares.retain(|share| !share.has_ended(SHARES / 2));
        assert!((4_000..6_000).contains(&shares.len()), "{} are left", shares.len());

        shares.retain(|share| !share.has_ended(SHARES));
        assert_eq!(shares, []);
    }

    #[test]
    fn a_stream_that_begins_meanwhile_is_in_a_later_share_and_in_none_after_the_last() {
        for _ in 0..1_000 {
            assert!(!Share::draw(SHARES - 1).has_ended(SHARES - 1));
            assert!(Share::draw(SHARES - 1).has_ended(SHARES));
            assert!(!Share::draw(SHARES).has_ended(SHARES));
        }
    }

    #[tokio::test]
    async fn the_turn_of_a_connection_comes_once_its_share_is_ended() {
        let drain = Drain::default();
        assert!(!drain.is_draining());
        let mut turn = drain.turn();

        drain.begin();
        assert!(drain.is_draining());
        assert_eq!(turn.comes().now_or_never(), None);
        drain.end_shares(SHARES);

        assert_eq!(turn.comes().now_or_never(), Some(()));
        assert_eq!(drain.turn().comes().now_or_never(), None);
    }
}
