//! The commands from the game to its link to a room, from entering the room to leaving it.

use shared::protocol::ClientMessage;
use tokio::sync::{mpsc, oneshot, watch};

use super::requests::LeaveMode;

/// Game messages that may wait for a socket. When full, the newest is dropped: an input is worthless when it is late.
const MESSAGES_MAX: usize = 64;

/// A command to an open link.
#[derive(Debug)]
pub(super) enum LinkCommand {
    /// Send this to the server.
    Send(ClientMessage),
    /// Close the connection and open a new one, which begins with a keyframe.
    Reconnect,
}

/// The game's end of a link. Dropping it leaves the room and keeps the seat.
#[derive(Debug)]
pub(super) struct LinkHandle {
    messages: mpsc::Sender<ClientMessage>,
    reconnect: watch::Sender<()>,
    give_up_seat: oneshot::Sender<()>,
}

impl LinkHandle {
    /// Sends a game message. It is dropped when the link is stuck or not open.
    pub(super) fn send(&self, message: ClientMessage) {
        drop(self.messages.try_send(message));
    }

    /// Opens a new connection. While the link is connecting anyway, this changes nothing.
    pub(super) fn reconnect(&self) {
        self.reconnect.send_replace(());
    }

    /// Leaves the room and gives the seat up.
    pub(super) fn give_up_seat(self) {
        // A link that has ended has no seat to give up.
        self.give_up_seat.send(()).ok();
    }
}

/// The link's end.
#[derive(Debug)]
pub(super) struct LinkCommands {
    messages: mpsc::Receiver<ClientMessage>,
    reconnect: watch::Receiver<()>,
    give_up_seat: oneshot::Receiver<()>,
    /// How the game left. `None` while it is in the room.
    left: Option<LeaveMode>,
}

/// Both ends of a link.
pub(super) fn link_commands() -> (LinkHandle, LinkCommands) {
    let (messages, message_queue) = mpsc::channel(MESSAGES_MAX);
    let (reconnect, reconnects) = watch::channel(());
    let (give_up_seat, given_up) = oneshot::channel();
    let handle = LinkHandle { messages, reconnect, give_up_seat };
    let commands = LinkCommands {
        messages: message_queue,
        reconnect: reconnects,
        give_up_seat: given_up,
        left: None,
    };
    (handle, commands)
}

impl LinkCommands {
    /// The next command, or how the game left. After it has left, every call says the same.
    pub(super) async fn next(&mut self) -> Result<LinkCommand, LeaveMode> {
        tokio::select! {
            Ok(()) = self.reconnect.changed() => return Ok(LinkCommand::Reconnect),
            message = self.messages.recv() => if let Some(message) = message {
                return Ok(LinkCommand::Send(message));
            },
        }
        Err(*self.left.get_or_insert_with(|| match self.give_up_seat.try_recv() {
            Ok(()) => LeaveMode::GiveUpSeat,
            Err(_) => LeaveMode::KeepSeat,
        }))
    }

    /// A new connection is open: an earlier request for one is fulfilled.
    pub(super) fn connected(&mut self) {
        self.reconnect.mark_unchanged();
    }

    /// Waits until the game has left. Commands that come meanwhile are dropped.
    pub(super) async fn left(&mut self) -> LeaveMode {
        loop {
            if let Err(mode) = self.next().await {
                return mode;
            }
        }
    }

    /// Waits until the game has left and keeps its seat. Never ends when it gives the seat up: the link has to tell the
    /// server first.
    pub(super) async fn left_and_kept_seat(&mut self) {
        if self.left().await == LeaveMode::GiveUpSeat {
            std::future::pending::<()>().await;
        }
    }
}
