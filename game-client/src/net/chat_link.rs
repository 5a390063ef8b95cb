//! The link to the chat. It reconnects by itself and asks for the lines that it missed.

use std::time::{Duration, Instant};

use futures_util::{SinkExt as _, StreamExt as _};
use shared::id::{PlayerId, RoomId};
use shared::protocol::CHAT_SUBPROTOCOL;
use shared::protocol::chat::{ChatChannel, ChatClientMessage, ChatServerMessage};
use shared::protocol::close::NextStep;
use tokio::sync::{mpsc, watch};
use tokio::time::{sleep, sleep_until, timeout};
use tokio_tungstenite::tungstenite::Message;

use super::api::Api;
use super::backoff::Backoff;
use super::events::{ChatEvent, EventSender};
use super::socket::{self, DisconnectReason, Socket};

/// Lines that may wait for the socket. When full, the newest is dropped.
const LINES_MAX: usize = 64;
/// The longest message: the history of several channels in one.
const MESSAGE_BYTES_MAX: usize = 512 * 1024;
/// How long the server may take to open a socket, and a socket to take a message.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// The heartbeat: how often the client pings the server.
const PING_EVERY: Duration = Duration::from_secs(5);
/// A connection on which nothing arrives for two heartbeats is dead.
const SILENCE_MAX: Duration = Duration::from_secs(10);
/// After a connection that lasted this long the next delay is short again.
const STABLE_AFTER: Duration = Duration::from_secs(5);

/// The game's end of the chat. When it is dropped, the chat ends.
#[derive(Debug)]
pub(super) struct ChatHandle {
    lines: mpsc::Sender<ChatClientMessage>,
    room: watch::Sender<Option<RoomId>>,
    nonce: u32,
}

impl ChatHandle {
    /// Sends a line. It is dropped when too many wait for the socket.
    pub(super) fn send(&mut self, channel: ChatChannel, text: String) {
        self.nonce = self.nonce.wrapping_add(1);
        drop(self.lines.try_send(ChatClientMessage::Say { channel, text, nonce: self.nonce }));
    }

    /// Subscribes to the channels of a room and to no other room. `None`: to no room.
    pub(super) fn set_room(&self, room: Option<RoomId>) {
        self.room.send_if_modified(|now| core::mem::replace(now, room) != room);
    }
}

/// The chat of one session.
pub(super) struct ChatLink {
    api: Api,
    events: EventSender,
    lines: mpsc::Receiver<ChatClientMessage>,
    /// The room whose channels the game wants.
    room: watch::Receiver<Option<RoomId>>,
    /// The player that the server greeted last.
    player: Option<PlayerId>,
    /// The sequence number of the newest line.
    newest: Option<u64>,
}

/// The link and the game's end of it. The link does nothing until it runs.
pub(super) fn chat_link(api: Api, events: EventSender) -> (ChatHandle, ChatLink) {
    let (line_sender, lines) = mpsc::channel(LINES_MAX);
    let (room_sender, room) = watch::channel(None);
    let handle = ChatHandle { lines: line_sender, room: room_sender, nonce: fastrand::u32(..) };
    (handle, ChatLink { api, events, lines, room, player: None, newest: None })
}

impl ChatLink {
    /// Connects until the game ends the chat, or until the server's answer says that another attempt is pointless.
    pub(super) async fn run(mut self) {
        let mut backoff = Backoff::default();
        loop {
            let mut retry_after = Duration::ZERO;
            match self.open().await {
                Ok(socket) => {
                    let opened = Instant::now();
                    if !self.events.send(ChatEvent::Open(true)).await {
                        return;
                    }
                    let next = self.exchange(socket, SILENCE_MAX).await;
                    if !self.events.send(ChatEvent::Open(false)).await
                        || next.is_none_or(|next| next == NextStep::GiveUp)
                    {
                        return;
                    }
                    if opened.elapsed() > STABLE_AFTER {
                        backoff.reset();
                    }
                }
                Err(reason) if reason.next == NextStep::GiveUp => return,
                Err(reason) => retry_after = reason.retry_after,
            }
            if !self.wait(backoff.next().max(retry_after)).await {
                return;
            }
        }
    }

    async fn open(&self) -> Result<Socket, DisconnectReason> {
        let ticket =
            self.api.chat_ticket().await.map_err(|error| DisconnectReason::from_call(&error))?;
        let after = self.newest.map(|after| format!("&after={after}")).unwrap_or_default();
        let address = self.api.socket_address(&format!("{}{after}", ticket.url));
        let opening = socket::open(&address, CHAT_SUBPROTOCOL, MESSAGE_BYTES_MAX);
        match timeout(ANSWER_WITHIN, opening).await {
            Ok(opened) => opened.map_err(|error| DisconnectReason::from_handshake(&error)),
            Err(_) => Err(DisconnectReason::from_close(None)),
        }
    }

    /// Sends and receives until the connection ends. Returns what to do then; `None` when the game has ended the chat. A
    /// connection without a frame for `silence_max` is closed; pings are frames too.
    async fn exchange(&mut self, mut socket: Socket, silence_max: Duration) -> Option<NextStep> {
        let mut entered = *self.room.borrow_and_update();
        if let Some(room) = entered
            && !send(&mut socket, &ChatClientMessage::Enter { room }).await
        {
            return Some(NextStep::Reconnect);
        }
        let mut dead_at = Instant::now() + silence_max;
        let mut ping_at = Instant::now() + PING_EVERY;
        loop {
            tokio::select! {
                () = sleep_until(ping_at.into()) => {
                    ping_at = Instant::now() + PING_EVERY;
                    if !transmit(&mut socket, Message::Ping(Vec::new().into())).await {
                        return Some(NextStep::Reconnect);
                    }
                }
                () = sleep_until(dead_at.into()) => return Some(NextStep::Reconnect),
                incoming = socket.next() => {
                    dead_at = Instant::now() + silence_max;
                    match incoming {
                        Some(Ok(Message::Text(text))) => {
                            if !self.receive(&text).await {
                                return None;
                            }
                        }
                        Some(Ok(Message::Close(frame))) => {
                            return Some(DisconnectReason::from_close(frame.as_ref()).next);
                        }
                        Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Binary(_) | Message::Frame(_))) => {}
                        Some(Err(_)) | None => return Some(NextStep::Reconnect),
                    }
                }
                Ok(()) = self.room.changed() => {
                    let wanted = *self.room.borrow_and_update();
                    let exit = entered.map(|room| ChatClientMessage::Exit { room });
                    let enter = wanted.map(|room| ChatClientMessage::Enter { room });
                    entered = wanted;
                    for message in exit.into_iter().chain(enter) {
                        if !send(&mut socket, &message).await {
                            return Some(NextStep::Reconnect);
                        }
                    }
                }
                line = self.lines.recv() => {
                    if !send(&mut socket, &line?).await {
                        return Some(NextStep::Reconnect);
                    }
                }
            }
        }
    }

    /// Passes a message on to the game. False when the game has ended.
    async fn receive(&mut self, text: &str) -> bool {
        // A message of a kind that this build does not know is ignored.
        let Ok(message) = serde_json::from_str::<ChatServerMessage>(text) else { return true };
        if let ChatServerMessage::Hello { player, gap, .. } = &message {
            // Another player: the server has lost its state, and numbers its lines from the start.
            let is_another = self.player.replace(*player) != Some(*player);
            if is_another || *gap {
                self.newest = None;
            }
        }
        let newest = match &message {
            ChatServerMessage::Hello { lines, .. } | ChatServerMessage::Entered { lines, .. } => {
                lines.iter().map(|line| line.sequence).max()
            }
            ChatServerMessage::Line(line) => Some(line.sequence),
            ChatServerMessage::Refused { .. } | ChatServerMessage::Heartbeat(_) => None,
        };
        self.newest = self.newest.max(newest);
        self.events.send(ChatEvent::Message(message)).await
    }

    /// Waits for the next attempt. Lines that are sent meanwhile are lost, and the player sees that the chat is not
    /// connected. False when the game has ended the chat.
    async fn wait(&mut self, delay: Duration) -> bool {
        let pause = sleep(delay);
        tokio::pin!(pause);
        loop {
            tokio::select! {
                () = &mut pause => return true,
                line = self.lines.recv() => if line.is_none() {
                    return false;
                },
            }
        }
    }
}

/// Sends a message. False when the connection does not take it.
async fn send(socket: &mut Socket, message: &ChatClientMessage) -> bool {
    let text = serde_json::to_string(message).expect("a message of plain data encodes");
    transmit(socket, Message::text(text)).await
}

async fn transmit(socket: &mut Socket, message: Message) -> bool {
    matches!(timeout(ANSWER_WITHIN, socket.send(message)).await, Ok(Ok(())))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use shared::protocol::CHAT_SUBPROTOCOL;
    use shared::protocol::close::NextStep;
    use tokio::net::TcpListener;
    use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};

    use super::{MESSAGE_BYTES_MAX, chat_link};
    use crate::net::api::Api;
    use crate::net::events::EventSender;
    use crate::net::socket;

    #[expect(clippy::result_large_err, reason = "tungstenite's callback")]
    fn accept(_: &Request, mut answer: Response) -> Result<Response, ErrorResponse> {
        let protocol = CHAT_SUBPROTOCOL.parse().expect("a header");
        answer.headers_mut().insert("sec-websocket-protocol", protocol);
        Ok(answer)
    }

    #[tokio::test]
    async fn a_dead_connection_is_closed() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = format!("ws://{}", listener.local_addr().expect("an address"));
        // The server opens the socket, and never sends anything.
        let silent = tokio::spawn(async move {
            let (stream, _) = listener.accept().await.expect("a connection");
            tokio_tungstenite::accept_hdr_async(stream, accept).await.expect("a socket")
        });
        let (events, _game) = EventSender::channel(8);
        let api = Api::new("http://127.0.0.1:1").expect("an address");
        let (_handle, mut link) = chat_link(api, events);

        let opening = socket::open(&address, CHAT_SUBPROTOCOL, MESSAGE_BYTES_MAX);
        let socket = opening.await.expect("it opens");
        let _server = silent.await.expect("a server");
        let next = link.exchange(socket, Duration::from_millis(50)).await;

        assert_eq!(next, Some(NextStep::Reconnect));
    }
}
