//! Hints and requests between the nodes of one lobby.
//!
//! A hint may be lost, late or doubled. It says nothing that is not in the database or in a table, too: it makes others look
//! sooner than they would.

use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream};
use serde::{Deserialize, Serialize};

use super::request::{Answer, Answerer, Answers, AskError, Request};
use crate::node::NodeName;
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

/// Hints to and from the other nodes, and requests to one of them.
pub trait Post: Send + Sync {
    /// Tells all other nodes. Never waits.
    fn tell(&self, hint: Hint);
    /// What other nodes tell from now on. A listener that falls behind misses the oldest.
    fn heard(&self) -> BoxStream<'static, Hint>;
    /// Asks one node. This node itself is asked directly.
    ///
    /// # Errors
    /// See [`AskError`].
    fn ask(&self, node: &NodeName, request: Request) -> BoxFuture<'_, Result<Answer, AskError>>;
    /// From now on, requests to this node are answered.
    fn answer_with(&self, answerer: Arc<dyn Answerer>);
    /// Whether there is no other node: nothing changes then but by this one.
    fn is_alone(&self) -> bool {
        false
    }
}

/// There is no other node.
#[derive(Default)]
pub struct Alone {
    answers: Answers,
}

impl Post for Alone {
    fn tell(&self, _hint: Hint) {}

    fn heard(&self) -> BoxStream<'static, Hint> {
        stream::pending().boxed()
    }

    fn ask(&self, _node: &NodeName, request: Request) -> BoxFuture<'_, Result<Answer, AskError>> {
        Box::pin(async { Ok(self.answers.answer(request).await?) })
    }

    fn answer_with(&self, answerer: Arc<dyn Answerer>) {
        self.answers.begin(answerer);
    }

    fn is_alone(&self) -> bool {
        true
    }
}
