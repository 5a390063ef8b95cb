//! A result that waits for the store, until it is settled or the players have waited long enough.

use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tokio::sync::oneshot::error::TryRecvError;

use crate::storage::SettledPlace;

/// A room shows a result without ratings when the store takes longer. The result is kept all the same.
const SETTLED_WITHIN: Duration = Duration::from_secs(3);

/// A result that the recorder settles.
pub(super) struct Settlement {
    began: Instant,
    answer: oneshot::Receiver<Vec<SettledPlace>>,
}

/// How a round was settled. The places are in the order of the standings.
pub(super) enum Settled {
    Places(Vec<SettledPlace>),
    /// The store takes too long, or has refused.
    Later,
}

impl Settlement {
    pub(super) fn new(answer: oneshot::Receiver<Vec<SettledPlace>>, now: Instant) -> Self {
        Self { began: now, answer }
    }

    /// Returns the outcome if it is known, or the settlement to ask again later.
    pub(super) fn poll(mut self, now: Instant) -> Result<Settled, Self> {
        match self.answer.try_recv() {
            Ok(places) => Ok(Settled::Places(places)),
            Err(TryRecvError::Empty) if now < self.began + SETTLED_WITHIN => Err(self),
            Err(TryRecvError::Empty | TryRecvError::Closed) => Ok(Settled::Later),
        }
    }
}
