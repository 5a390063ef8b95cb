//! Whether the server can serve as it should, and what is in the way: the answer of `/readyz`.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::sync::watch;

/// What keeps a running server from being ready. The first in this order is what `/readyz` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unready {
    /// It takes nobody new and will stop.
    Draining,
    /// Recordings that the last run left unfinished are being saved.
    Recovering,
    /// The disk of the data directory is full.
    DiskFull,
    /// Results have waited for the database for a while.
    ResultsLate,
}

/// The reasons why the server is not ready. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Readiness(Arc<watch::Sender<BTreeSet<Unready>>>);

impl Readiness {
    /// Adds a reason.
    pub fn add(&self, reason: Unready) {
        self.0.send_if_modified(|reasons| reasons.insert(reason));
    }

    /// A reason is gone.
    pub fn remove(&self, reason: Unready) {
        self.0.send_if_modified(|reasons| reasons.remove(&reason));
    }

    /// Whether this is a reason now.
    #[must_use]
    pub fn is(&self, reason: Unready) -> bool {
        self.0.borrow().contains(&reason)
    }

    /// The first reason. `None`: nothing is in the way.
    #[must_use]
    pub fn reason(&self) -> Option<Unready> {
        self.0.borrow().first().copied()
    }

    /// Waits until this is a reason.
    #[cfg(test)]
    pub async fn with(&self, reason: Unready) {
        self.0.subscribe().wait_for(|reasons| reasons.contains(&reason)).await.ok();
    }

    /// Waits until this is no reason.
    pub async fn without(&self, reason: Unready) {
        // The sender is here, so that the wait does not fail.
        self.0.subscribe().wait_for(|reasons| !reasons.contains(&reason)).await.ok();
    }
}
