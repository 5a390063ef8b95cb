//! The link to the chat. It comes back by itself and asks for what it missed.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use futures_util::{SinkExt as _, StreamExt as _};
use shared::id::{PlayerId, RoomId};
use shared::protocol::CHAT_SUBPROTOCOL;
use shared::protocol::chat::{ChatClientMessage, ChatServerMessage};
use shared::protocol::close::NextStep;
use tokio::sync::mpsc;
use tokio::time::{sleep, sleep_until, timeout};
use tokio_tungstenite::tungstenite::Message;

use super::Report;
use super::api::Api;
use super::backoff::Backoff;
use super::socket::{self, Ending, Socket};

/// The history of several channels in one message.
const MESSAGE_BYTES_MAX: usize = 512 * 1024;
/// No server takes longer to open a socket, or to take a line.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// The server pings every 20 s at most: a connection that is silent for longer is dead.
const SILENCE_MAX: Duration = Duration::from_secs(30);
/// An open connection that lasted so long was a good one: the next delay is short again.
const GOOD_AFTER: Duration = Duration::from_secs(5);

/// The chat of one session.
pub(super) struct ChatLink {
    api: Api,
    reports: mpsc::Sender<Report>,
    outbox: mpsc::Receiver<ChatClientMessage>,
    /// Rooms to enter again after a break.
    rooms: BTreeSet<RoomId>,
    /// As whom, as the server said last.
    player: Option<PlayerId>,
    /// The newest line that was seen.
    after: Option<u64>,
}

impl ChatLink {
    /// A chat that has not begun. `outbox`: what to say; when it closes, the chat ends.
    pub(super) fn new(
        api: Api,
        reports: mpsc::Sender<Report>,
        outbox: mpsc::Receiver<ChatClientMessage>,
    ) -> Self {
        Self { api, reports, outbox, rooms: BTreeSet::new(), player: None, after: None }
    }

    /// Talks until the game is gone, or the server wants it no more.
    pub(super) async fn run(mut self) {
        let mut backoff = Backoff::default();
        loop {
            let mut pause = Duration::ZERO;
            match self.open().await {
                Ok(socket) => {
                    let opened = Instant::now();
                    if self.reports.send(Report::ChatOpen(true)).await.is_err() {
                        return;
                    }
                    let next = self.talk(socket, SILENCE_MAX).await;
                    if self.reports.send(Report::ChatOpen(false)).await.is_err()
                        || next.is_none_or(|next| next == NextStep::GiveUp)
                    {
                        return;
                    }
                    if opened.elapsed() > GOOD_AFTER {
                        backoff.reset();
                    }
                }
                Err(ending) if ending.next == NextStep::GiveUp => return,
                Err(ending) => pause = ending.pause,
            }
            if !self.wait(backoff.next().max(pause)).await {
                return;
            }
        }
    }

    async fn open(&self) -> Result<Socket, Ending> {
        let ticket = self.api.chat_ticket().await.map_err(|error| Ending::refused(&error))?;
        let after = self.after.map(|after| format!("&after={after}")).unwrap_or_default();
        let address = self.api.socket_address(&format!("{}{after}", ticket.url));
        let opening = socket::open(&address, CHAT_SUBPROTOCOL, MESSAGE_BYTES_MAX);
        match timeout(ANSWER_WITHIN, opening).await {
            Ok(opened) => opened.map_err(|error| Ending::unopened(&error)),
            Err(_) => Err(Ending::of(None)),
        }
    }

    /// What to do after the connection. Nothing: the game is gone. A connection without a frame for `silence_max` is
    /// given up: pings are frames too.
    async fn talk(&mut self, mut socket: Socket, silence_max: Duration) -> Option<NextStep> {
        for room in self.rooms.clone() {
            if !send(&mut socket, &ChatClientMessage::Enter { room }).await {
                return Some(NextStep::Reconnect);
            }
        }
        let mut dead_at = Instant::now() + silence_max;
        loop {
            tokio::select! {
                () = sleep_until(dead_at.into()) => return Some(NextStep::Reconnect),
                incoming = socket.next() => {
                    dead_at = Instant::now() + silence_max;
                    match incoming {
                        Some(Ok(Message::Text(text))) => self.take(&text).await?,
                        Some(Ok(Message::Close(frame))) => {
                            return Some(Ending::of(frame.as_ref()).next);
                        }
                        Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Binary(_) | Message::Frame(_))) => {}
                        Some(Err(_)) | None => return Some(NextStep::Reconnect),
                    }
                }
                message = self.outbox.recv() => {
                    let message = message?;
                    self.remember(&message);
                    if !send(&mut socket, &message).await {
                        return Some(NextStep::Reconnect);
                    }
                }
            }
        }
    }

    async fn take(&mut self, text: &str) -> Option<()> {
        // A kind of message that this build does not know is left aside.
        let Ok(message) = serde_json::from_str::<ChatServerMessage>(text) else { return Some(()) };
        if let ChatServerMessage::Hello { player, .. } = &message
            && self.player.replace(*player) != Some(*player)
        {
            // Another guest: the server has forgotten everybody, and counts its lines anew.
            self.after = None;
        }
        if matches!(message, ChatServerMessage::Hello { gap: true, .. }) {
            self.after = None;
        }
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

/// Sends a message. False: the connection does not take it.
async fn send(socket: &mut Socket, message: &ChatClientMessage) -> bool {
    let text = serde_json::to_string(message).expect("a message of plain data encodes");
    matches!(timeout(ANSWER_WITHIN, socket.send(Message::text(text))).await, Ok(Ok(())))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use shared::protocol::CHAT_SUBPROTOCOL;
    use shared::protocol::close::NextStep;
    use tokio::net::TcpListener;
    use tokio::sync::mpsc;
    use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};

    use super::{ChatLink, MESSAGE_BYTES_MAX};
    use crate::net::api::Api;
    use crate::net::socket;

    #[expect(clippy::result_large_err, reason = "tungstenite's callback")]
    fn accept(_: &Request, mut answer: Response) -> Result<Response, ErrorResponse> {
        let protocol = CHAT_SUBPROTOCOL.parse().expect("a header");
        answer.headers_mut().insert("sec-websocket-protocol", protocol);
        Ok(answer)
    }

    #[tokio::test]
    async fn a_line_that_went_dead_is_given_up() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = format!("ws://{}", listener.local_addr().expect("an address"));
        // It opens the socket, then says nothing for ever.
        let silent = tokio::spawn(async move {
            let (stream, _) = listener.accept().await.expect("a connection");
            tokio_tungstenite::accept_hdr_async(stream, accept).await.expect("a socket")
        });
        let (reports, _game) = mpsc::channel(8);
        let (_to_say, outbox) = mpsc::channel(8);
        let api = Api::new("http://127.0.0.1:1").expect("an address");
        let mut link = ChatLink::new(api, reports, outbox);

        let opening = socket::open(&address, CHAT_SUBPROTOCOL, MESSAGE_BYTES_MAX);
        let socket = opening.await.expect("it opens");
        let _server = silent.await.expect("a server");
        let next = link.talk(socket, Duration::from_millis(50)).await;

        assert_eq!(next, Some(NextStep::Reconnect));
    }
}
