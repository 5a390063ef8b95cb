//! What a node shares with others, as the upkeep uses it.

use std::collections::HashSet;

use shared::id::RoomId;

use crate::cluster::directory::Directory;
use crate::cluster::nodes::Nodes;
use crate::cluster::steward::Steward;
use crate::feeds::Feeds;
use crate::feeds::shared_bus::SharedBus;

/// What a node shares with others, and who they are. Cheap to clone.
#[derive(Clone)]
pub struct SharedState {
    /// The rooms of all nodes.
    pub directory: Directory,
    /// Who lives.
    pub nodes: Nodes,
    /// Whether this node is the steward.
    pub steward: Steward,
    /// What this node has to say in the shared feeds.
    pub bus: SharedBus,
}

/// The rooms that the feed lists.
pub(super) fn listed_rooms(feeds: &Feeds) -> HashSet<RoomId> {
    feeds.rooms.with_state(|list| list.rooms.iter().map(|room| room.id).collect())
}
