//! A connection to the chat. A task of its own owns it and answers pings while the story waits for something else, as a
//! browser does.

use std::net::SocketAddr;

use anyhow::{Result, bail};
use futures_util::{SinkExt as _, StreamExt as _};
use shared::protocol::CHAT_SUBPROTOCOL;
use shared::protocol::chat::{
    ChatChannel, ChatClientMessage, ChatLine, ChatRefusal, ChatServerMessage,
};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::Message;

use crate::socket::{self, Closed, Incoming, Stream, read_incoming};
use crate::wait::within;

/// Length of the queues to and from a story. When a queue is full, its sender waits.
const WAITING_MAX: usize = 4_096;

/// A connection to the chat, after its greeting. It ends when it is dropped.
#[derive(Debug)]
pub struct ChatSocket {
    outgoing: mpsc::Sender<String>,
    incoming: mpsc::Receiver<Incoming>,
    _keeper: JoinSet<()>,
    /// The lines in the greeting: the history, or the lines after the cursor.
    pub greeting: Vec<ChatLine>,
    /// Whether lines are missing between the cursor and these.
    pub has_gap: bool,
    nonce: u32,
}

impl ChatSocket {
    /// Opens the address that a ticket names, and waits for the greeting.
    ///
    /// # Errors
    /// When the server does not listen, refuses the handshake, or sends no greeting first.
    pub async fn open(address: SocketAddr, path: &str) -> Result<Self> {
        let stream = socket::open(address, path, Some(CHAT_SUBPROTOCOL)).await?;
        let (outgoing, to_send) = mpsc::channel(WAITING_MAX);
        let (received, incoming) = mpsc::channel(WAITING_MAX);
        let mut keeper = JoinSet::new();
        keeper.spawn(keep(stream, to_send, received));
        let greeting = Vec::new();
        let mut chat =
            Self { outgoing, incoming, _keeper: keeper, greeting, has_gap: false, nonce: 0 };
        match chat.next().await {
            Ok(ChatServerMessage::Hello { lines, gap, .. }) => {
                (chat.greeting, chat.has_gap) = (lines, gap);
            }
            other => bail!("not a greeting: {other:?}"),
        }
        Ok(chat)
    }

    /// Sends a line and waits until it comes back. Returns its sequence number.
    ///
    /// # Errors
    /// The refusal.
    ///
    /// # Panics
    /// When the connection ends.
    pub async fn say(&mut self, channel: ChatChannel, text: &str) -> Result<u64, ChatRefusal> {
        self.nonce += 1;
        let own = self.nonce;
        self.send(&ChatClientMessage::Say { channel, text: text.to_owned(), nonce: own }).await;
        let echo = async {
            loop {
                match self.next().await.expect("the chat goes on") {
                    ChatServerMessage::Line(line) if line.nonce == Some(own) => {
                        return Ok(line.sequence);
                    }
                    ChatServerMessage::Refused { nonce, reason, .. } if nonce == own => {
                        return Err(reason);
                    }
                    ChatServerMessage::Hello { .. }
                    | ChatServerMessage::Entered { .. }
                    | ChatServerMessage::Line(_)
                    | ChatServerMessage::Heartbeat(_)
                    | ChatServerMessage::Refused { .. } => {}
                }
            }
        };
        within("the own line", echo).await
    }

    /// Enters a room's chat. Returns its history.
    ///
    /// # Panics
    /// When the connection ends.
    pub async fn enter(&mut self, room: shared::id::RoomId) -> Vec<ChatLine> {
        self.send(&ChatClientMessage::Enter { room }).await;
        let entered = async {
            loop {
                match self.next().await.expect("the chat goes on") {
                    ChatServerMessage::Entered { room: entered, lines, .. } if entered == room => {
                        return lines;
                    }
                    _ => {}
                }
            }
        };
        within("the room's history", entered).await
    }

    /// The next line.
    ///
    /// # Panics
    /// When the connection ends.
    pub async fn next_line(&mut self) -> ChatLine {
        let line = async {
            loop {
                if let ChatServerMessage::Line(line) = self.next().await.expect("the chat goes on")
                {
                    return line;
                }
            }
        };
        within("a line of chat", line).await
    }

    /// Sends a message.
    ///
    /// # Panics
    /// Never: every message can be encoded.
    pub async fn send(&mut self, message: &ChatClientMessage) {
        self.send_text(&serde_json::to_string(message).expect("plain data encodes")).await;
    }

    /// Sends any text.
    pub async fn send_text(&mut self, text: &str) {
        // A connection that has ended is noticed when it is read.
        self.outgoing.send(text.to_owned()).await.ok();
    }

    /// The next message that is no heartbeat.
    ///
    /// # Errors
    /// How the connection ended.
    ///
    /// # Panics
    /// When the server breaks the protocol.
    pub async fn next(&mut self) -> Result<ChatServerMessage, Closed> {
        loop {
            let message = self.any_message().await?;
            if !matches!(message, ChatServerMessage::Heartbeat(_)) {
                return Ok(message);
            }
        }
    }

    /// The next message, which may be a heartbeat.
    ///
    /// # Errors
    /// How the connection ended.
    ///
    /// # Panics
    /// When the server breaks the protocol.
    pub async fn any_message(&mut self) -> Result<ChatServerMessage, Closed> {
        let ended = || Incoming::Closed(Closed { code: None, reason: "ended".to_owned() });
        match self.incoming.recv().await.unwrap_or_else(ended) {
            Incoming::Text(text) => {
                Ok(serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in {text}")))
            }
            Incoming::Binary(_) => panic!("the chat sends text messages only"),
            Incoming::Closed(closed) => Err(closed),
        }
    }

    /// Reads on until the connection ends.
    pub async fn closed(&mut self) -> Closed {
        let end = async {
            loop {
                if let Err(closed) = self.next().await {
                    return closed;
                }
            }
        };
        within("the end of the chat", end).await
    }
}

/// Reads and writes until the connection or its handle is gone.
async fn keep(
    mut stream: Stream,
    mut outgoing: mpsc::Receiver<String>,
    incoming: mpsc::Sender<Incoming>,
) {
    loop {
        tokio::select! {
            message = stream.next() => {
                let Some(message) = read_incoming(&mut stream, message).await else { continue };
                let is_last = matches!(message, Incoming::Closed(_));
                if incoming.send(message).await.is_err() || is_last {
                    return;
                }
            }
            // A connection that has ended is noticed when it is read.
            Some(text) = outgoing.recv() => drop(stream.send(Message::Text(text.into())).await),
        }
    }
}
