//! The address of a connection within its room.

/// Where a connection lies in its room's table. Once the connection is gone, the address leads nowhere: the
/// next one at the same place has another generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::room) struct ConnectionId {
    /// The place in the table.
    pub(in crate::room) index: u32,
    /// Counts the room's connections. Wraps.
    pub(in crate::room) generation: u32,
}
