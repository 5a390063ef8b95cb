//! What all players of a crowd together receive and send.

use std::ops::Sub;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counters that all players add to.
#[derive(Debug, Default)]
pub(super) struct Totals {
    pub(super) snapshots: AtomicU64,
    pub(super) bytes: AtomicU64,
    pub(super) inputs: AtomicU64,
    pub(super) late: AtomicU64,
    pub(super) received: AtomicU64,
    pub(super) stalls: AtomicU64,
    pub(super) seen: AtomicU64,
    pub(super) looks: AtomicU64,
    pub(super) diverged: AtomicU64,
    pub(super) lost: AtomicU64,
}

/// The [`Totals`] at one moment, or between two moments.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Counts {
    pub(super) snapshots: u64,
    pub(super) bytes: u64,
    pub(super) inputs: u64,
    /// Inputs that the server got too late, and all that it got, as it counts them.
    pub(super) late: u64,
    pub(super) received: u64,
    /// Gaps between two snapshots that a player would feel.
    pub(super) stalls: u64,
    /// Discs that fighters saw, summed over their snapshots; and the number of those snapshots.
    pub(super) seen: u64,
    pub(super) looks: u64,
    /// Records that could not be read, or that contradicted their checksum.
    pub(super) diverged: u64,
    /// Connections that ended.
    pub(super) lost: u64,
}

impl Totals {
    pub(super) fn now(&self) -> Counts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            snapshots: read(&self.snapshots),
            bytes: read(&self.bytes),
            inputs: read(&self.inputs),
            late: read(&self.late),
            received: read(&self.received),
            stalls: read(&self.stalls),
            seen: read(&self.seen),
            looks: read(&self.looks),
            diverged: read(&self.diverged),
            lost: read(&self.lost),
        }
    }
}

impl Sub for Counts {
    type Output = Self;

    /// What was counted after an earlier moment.
    fn sub(self, earlier: Self) -> Self {
        Self {
            snapshots: self.snapshots - earlier.snapshots,
            bytes: self.bytes - earlier.bytes,
            inputs: self.inputs - earlier.inputs,
            late: self.late - earlier.late,
            received: self.received - earlier.received,
            stalls: self.stalls - earlier.stalls,
            seen: self.seen - earlier.seen,
            looks: self.looks - earlier.looks,
            diverged: self.diverged - earlier.diverged,
            lost: self.lost - earlier.lost,
        }
    }
}
