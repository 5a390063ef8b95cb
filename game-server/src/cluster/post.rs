//! Hints between the nodes of one lobby.
//!
//! A hint may be lost, late or doubled. It says nothing that is not in the database or in a table, too: it makes others look
//! sooner than they would.

use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use serde::{Deserialize, Serialize};

use crate::player::Player;
use crate::token::TokenHash;

/// Something that has happened on a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "hint", rename_all = "snake_case")]
pub enum Hint {
    /// The chat's log has a line of this number.
    ChatLine {
        /// The number.
        sequence: u64,
    },
    /// A session has ended.
    SessionEnded {
        /// The hash of its token.
        token: TokenHash,
    },
    /// A player has another name.
    Renamed {
        /// The player, under the new name.
        player: Player,
    },
}

/// Hints to and from the other nodes.
pub trait Post: Send + Sync {
    /// Tells all other nodes. Never waits.
    fn tell(&self, hint: Hint);
    /// What other nodes tell from now on. A listener that falls behind misses the oldest.
    fn heard(&self) -> BoxStream<'static, Hint>;
    /// Whether there is no other node: nothing changes then but by this one.
    fn is_alone(&self) -> bool {
        false
    }
}

/// There is no other node.
#[derive(Debug, Default)]
pub struct Alone;

impl Post for Alone {
    fn tell(&self, _hint: Hint) {}

    fn heard(&self) -> BoxStream<'static, Hint> {
        stream::pending().boxed()
    }

    fn is_alone(&self) -> bool {
        true
    }
}
