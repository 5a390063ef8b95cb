//! What connections ask of the chat task.

use shared::id::RoomId;
use shared::protocol::chat::{ChatChannel, ChatRefusal};
use tokio::sync::oneshot;

use super::archive::Read;
use super::send_queue::QueuedMessages;
use crate::player::Player;

/// Names a connection to the chat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct ConnectionId(pub(super) u64);

/// A request to the chat task.
pub(super) enum Request {
    Join {
        player: Player,
        history: Read,
        reply: oneshot::Sender<Joined>,
    },
    Say {
        from: ConnectionId,
        channel: ChatChannel,
        text: String,
        nonce: u32,
        /// Whether the player at the other end of a direct line is known. `Ok` for the other channels.
        receiver: Result<(), ChatRefusal>,
    },
    /// Follows a room. `None` for a player who is not there.
    Enter {
        from: ConnectionId,
        room: RoomId,
        history: Option<Read>,
    },
    Exit {
        from: ConnectionId,
        room: RoomId,
    },
    /// A player has another name.
    Rename {
        player: Player,
    },
    Leave {
        connection: ConnectionId,
    },
    /// A client has a line of this number, which another node sent.
    ReadOn {
        sequence: u64,
    },
}

/// A connection that has joined.
pub(super) struct Joined {
    pub(super) connection: ConnectionId,
    /// The messages to send, `Hello` first. They end when the client reads too slowly, or the chat stops.
    pub(super) messages: QueuedMessages,
}
