//! What a room says to its sockets at the end of a tick.

use shared::sim::{Slot, World};
use shared::snapshot::crowd::{CrowdEncoder, Viewer};

/// What is new for everybody, and for each player of a crowd.
#[derive(Clone, Copy)]
pub(super) struct News<'a> {
    /// Where the outbox ends.
    pub(super) end: u64,
    /// A crowd's snapshot, if this tick has one.
    pub(super) snapshot: Option<Snapshot<'a>>,
}

/// A crowd, ready to be told to each of its players.
#[derive(Clone, Copy)]
pub(super) struct Snapshot<'a> {
    pub(super) crowd: &'a CrowdEncoder,
    pub(super) world: &'a World,
    /// Of one player's frame.
    pub(super) bytes_max: usize,
}

/// What one player of a crowd has been told of it.
pub(super) struct Sight {
    you: Slot,
    viewer: Viewer,
}

impl News<'_> {
    /// Nothing but what is in the outbox up to here.
    pub(super) const fn until(end: u64) -> Self {
        Self { end, snapshot: None }
    }
}

impl Sight {
    pub(super) fn new(you: Slot) -> Self {
        Self { you, viewer: Viewer::new() }
    }

    /// The player's part of a snapshot, as a record.
    pub(super) fn look(&mut self, snapshot: Snapshot<'_>) -> Vec<u8> {
        self.viewer.look(snapshot.crowd, snapshot.world, self.you, snapshot.bytes_max)
    }

    /// Begins anew: a new world, or a client that has lost the thread.
    pub(super) fn restart(&mut self) {
        self.viewer = Viewer::new();
    }
}
