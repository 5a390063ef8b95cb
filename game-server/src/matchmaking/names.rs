//! The names of tickets. Where there are many nodes, a name begins with the node that has the ticket.

use crate::node::NodeName;
use crate::token::random_token;

/// What separates the name of a node from the rest. It is a letter of neither.
const NODE_ENDS: char = '.';

/// A name that nobody can guess. `own` is this node, when there are others.
pub(super) fn new_name(own: Option<&NodeName>) -> String {
    match own {
        Some(node) => format!("{node}{NODE_ENDS}{}", random_token()),
        None => random_token(),
    }
}

/// The other node that made a ticket.
pub(super) fn elsewhere(name: &str, own: Option<&NodeName>) -> Option<NodeName> {
    let (node, _) = name.split_once(NODE_ENDS)?;
    let node = node.parse().ok()?;
    own.filter(|own| **own != node).map(|_| node)
}
