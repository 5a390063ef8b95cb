//! The link to the chat. It comes back by itself and asks for what it missed.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use shared::id::RoomId;
use shared::protocol::CHAT_SUBPROTOCOL;
use shared::protocol::chat::{ChatClientMessage, ChatServerMessage};
use shared::protocol::close::NextStep;
use tokio::sync::mpsc;
use tokio::time::sleep;
use tokio_tungstenite::tungstenite::Message;

use super::Report;
use super::api::Api;
use super::backoff::Backoff;
use super::socket::{self, Ending, Socket};

/// The history of several channels in one message.
const MESSAGE_BYTES_MAX: usize = 512 * 1024;

/// The chat of one session.
pub(super) struct ChatLink {
    pub(super) api: Api,
    pub(super) reports: mpsc::Sender<Report>,
    /// What to say. When it closes, the chat ends.
    pub(super) outbox: mpsc::Receiver<ChatClientMessage>,
    /// Rooms to enter again after a break.
    pub(super) rooms: BTreeSet<RoomId>,
    /// The newest line that was seen.
    pub(super) after: Option<u64>,
}

impl ChatLink {
    /// Talks until the game is gone, or the server wants it no more.
    pub(super) async fn run(mut self) {
        let mut backoff = Backoff::default();
        loop {
            if let Some(socket) = self.open().await {
                backoff.reset();
                if self.reports.send(Report::ChatOpen(true)).await.is_err() {
                    return;
                }
                let next = self.talk(socket).await;
                if self.reports.send(Report::ChatOpen(false)).await.is_err()
                    || next.is_none_or(|next| next == NextStep::Stay)
                {
                    return;
                }
            }
            if !self.wait(backoff.next()).await {
                return;
            }
        }
    }

    async fn open(&self) -> Option<Socket> {
        let ticket = self.api.chat_ticket().await.ok()?;
        let after = self.after.map(|after| format!("&after={after}")).unwrap_or_default();
        let address = self.api.socket_address(&format!("{}{after}", ticket.url));
        socket::open(&address, CHAT_SUBPROTOCOL, MESSAGE_BYTES_MAX).await.ok()
    }

    /// What to do after the connection. Nothing: the game is gone.
    async fn talk(&mut self, mut socket: Socket) -> Option<NextStep> {
        for room in self.rooms.clone() {
            if send(&mut socket, &ChatClientMessage::Enter { room }).await.is_err() {
                return Some(NextStep::Reconnect);
            }
        }
        loop {
            tokio::select! {
                incoming = socket.next() => match incoming {
                    Some(Ok(Message::Text(text))) => self.take(&text).await?,
                    Some(Ok(Message::Close(frame))) => return Some(Ending::of(frame.as_ref()).next),
                    Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Binary(_) | Message::Frame(_))) => {}
                    Some(Err(_)) | None => return Some(NextStep::Reconnect),
                },
                message = self.outbox.recv() => {
                    let message = message?;
                    self.remember(&message);
                    if send(&mut socket, &message).await.is_err() {
                        return Some(NextStep::Reconnect);
                    }
                }
            }
        }
    }

    async fn take(&mut self, text: &str) -> Option<()> {
        // A kind of message that this build does not know is left aside.
        let Ok(message) = serde_json::from_str::<ChatServerMessage>(text) else { return Some(()) };
        let newest = match &message {
            ChatServerMessage::Hello { lines, .. } | ChatServerMessage::Entered { lines, .. } => {
                lines.iter().map(|line| line.sequence).max()
            }
            ChatServerMessage::Line(line) => Some(line.sequence),
            ChatServerMessage::Refused { .. } => None,
        };
        self.after = self.after.max(newest);
        self.reports.send(Report::Chat(message)).await.ok()
    }

    /// Waits for the next try. Lines said meanwhile are lost, and the player sees that the chat is away.
    async fn wait(&mut self, delay: Duration) -> bool {
        let pause = sleep(delay);
        tokio::pin!(pause);
        loop {
            tokio::select! {
                () = &mut pause => return true,
                message = self.outbox.recv() => match message {
                    Some(message) => self.remember(&message),
                    None => return false,
                },
            }
        }
    }

    fn remember(&mut self, message: &ChatClientMessage) {
        match message {
            ChatClientMessage::Enter { room } => {
                self.rooms.insert(*room);
            }
            ChatClientMessage::Exit { room } => {
                self.rooms.remove(room);
            }
            ChatClientMessage::Say { .. } => {}
        }
    }
}

async fn send(
    socket: &mut Socket,
    message: &ChatClientMessage,
) -> Result<(), tokio_tungstenite::tungstenite::Error> {
    let text = serde_json::to_string(message).expect("a message of plain data encodes");
    socket.send(Message::text(text)).await
}
