//! What connections ask of the chat task.

use shared::protocol::chat::ChatClientMessage;
use tokio::sync::oneshot;

use super::send_queue::QueuedMessages;
use crate::player::Player;

/// Names a connection to the chat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct ConnectionId(pub(super) u64);

/// A request to the chat task.
pub(super) enum Request {
    Join { player: Player, after: Option<u64>, reply: oneshot::Sender<Joined> },
    Message { from: ConnectionId, message: ChatClientMessage },
    Rename { player: Player },
    Leave { connection: ConnectionId },
}

/// A connection that has joined.
pub(super) struct Joined {
    pub(super) connection: ConnectionId,
    /// The messages to send, `Hello` first. They end when the client reads too slowly, or the chat stops.
    pub(super) messages: QueuedMessages,
}
