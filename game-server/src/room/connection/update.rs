//! What is new for a room's connections at the end of a tick.

use crate::room::broadcast::Batch;
use crate::room::interest::CrowdSnapshot;

/// The same for every connection; each takes from it what it has not been sent.
#[derive(Clone, Copy)]
pub(in crate::room) struct Update<'a> {
    /// Where the broadcast log ends.
    pub(in crate::room) log_end: u64,
    /// The newest part of the log, read once for all connections that are up to date.
    pub(in crate::room) batch: Batch<'a>,
    /// Counts the room's ticks. Wraps.
    pub(in crate::room) tick: u32,
    /// `None` outside a crowd's round.
    pub(in crate::room) crowd: Option<CrowdSnapshot<'a>>,
}

impl Update<'_> {
    /// Only the log up to here.
    pub(in crate::room) const fn of_log(log_end: u64, tick: u32) -> Self {
        Self { log_end, batch: Batch::EMPTY, tick, crowd: None }
    }
}
