//! What the load of a chaos run works with.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::findings::Findings;
use crate::site::Site;

/// The nodes.
pub(super) const NODES: [&str; 3] = ["a", "b", "c"];

/// The nodes as the load sees them, and what it finds out.
#[derive(Debug, Clone)]
pub(super) struct World {
    /// All nodes through the balancer.
    pub(super) lobby: Site,
    /// Each node alone, in the order of [`NODES`].
    pub(super) nodes: Vec<Site>,
    pub(super) findings: Arc<Findings>,
    /// Nothing is broken any more: what runs is to come to its end.
    pub(super) ending: CancellationToken,
}
