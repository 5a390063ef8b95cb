//! One chat connection: JSON text messages in both directions.

use std::time::{Duration, Instant};

use axum::extract::ws::{Message, WebSocket};
use shared::protocol::chat::{ChatClientMessage, ChatServerMessage};
use shared::protocol::close;

use super::ChatHandle;
use super::request::Joined;
use crate::drain::Turn;
use crate::keepalive::{KeepaliveAction, heartbeat_now};
use crate::limits::{Bucket, Rate};
use crate::metrics::Counted;
use crate::player::Player;
use crate::sessions::life::SessionLife;
use crate::socket::{self, Closing, Incoming, KeepaliveTimer, RateLimitedReceiver};

/// Messages of any kind. Lines have a limit of their own, which is answered with a refusal and not with a close.
const MESSAGES: Rate = Rate { burst: 30, refill: Duration::from_millis(200) };

/// A connection before it joins.
pub struct Newcomer {
    /// Whose it is.
    pub player: Player,
    /// The session that it came from: it ends with it.
    pub session: SessionLife,
    /// The last line that the client has, by its sequence number. `None` for a client that has none.
    pub after: Option<u64>,
    /// How often the client is pinged.
    pub ping: Duration,
    /// When it ends while the server drains.
    pub turn: Turn,
    /// Counts the connection while it is open.
    pub counted: Counted,
}

/// Serves one connection until the client or the server leaves.
pub async fn serve(mut socket: WebSocket, newcomer: Newcomer, chat: &ChatHandle) {
    let Newcomer { player, session, after, ping, turn, counted: _counted } = newcomer;
    let Some(joined) = chat.join(player.clone(), after).await else {
        return socket::close(socket, Some((close::RESTART, "the server stops"))).await;
    };
    let connection = joined.connection;
    let heartbeat = KeepaliveTimer::new(ping);
    let mut conversation = Conversation {
        chat,
        player,
        joined,
        session,
        messages: Bucket::full(Instant::now()),
        receiver: RateLimitedReceiver::new(),
        heartbeat,
        turn,
        ping,
        greeted: false,
    };
    let end = conversation.run(&mut socket).await;
    chat.leave(connection).await;
    socket::close(socket, end).await;
}

struct Conversation<'a> {
    chat: &'a ChatHandle,
    player: Player,
    joined: Joined,
    session: SessionLife,
    messages: Bucket,
    receiver: RateLimitedReceiver,
    heartbeat: KeepaliveTimer,
    turn: Turn,
    /// The interval between pings, and so the longest silence.
    ping: Duration,
    /// Whether the first heartbeat was sent, which follows `hello`.
    greeted: bool,
}

impl Conversation<'_> {
    async fn run(&mut self, socket: &mut WebSocket) -> Option<Closing> {
        loop {
            tokio::select! {
                message = self.joined.messages.next() => match message {
                    Some(text) => {
                        socket.send(Message::Text(text)).await.ok()?;
                        if !std::mem::replace(&mut self.greeted, true) {
                            socket.send(self.beat()).await.ok()?;
                        }
                    }
                    None => return Some(self.closing()),
                },
                incoming = self.receiver.receive(socket) => {
                    if let Err(end) = self.receive(incoming).await {
                        return end;
                    }
                }
                () = self.session.ended() => return Some(socket::SESSION_ENDED),
                () = self.turn.comes() => return Some((close::RESTART, "the server is about to stop")),
                action = self.heartbeat.next() => match action {
                    KeepaliveAction::Ping => {
                        socket.send(socket::ping()).await.ok()?;
                        socket.send(self.beat()).await.ok()?;
                    }
                    KeepaliveAction::Dead => return Some((close::NO_PONG, "no pong came")),
                },
            }
        }
    }

    async fn receive(&mut self, incoming: Incoming) -> Result<(), Option<Closing>> {
        match incoming {
            Incoming::Text(text) => {
                if self.messages.take(MESSAGES, Instant::now()).is_err() {
                    return Err(Some((close::POLICY, "too many messages")));
                }
                let message: ChatClientMessage = serde_json::from_str(&text)
                    .or(Err((close::MALFORMED, "that is no message of the chat")))?;
                self.chat.send(self.joined.connection, &self.player, message).await;
                Ok(())
            }
            Incoming::Binary(_) => Err(Some((close::MALFORMED, "the chat is text"))),
            Incoming::Pong => {
                self.heartbeat.pong();
                Ok(())
            }
            Incoming::Ping => Ok(()),
            Incoming::Ended(end) => Err(end),
        }
    }

    /// A heartbeat that a page can see.
    fn beat(&self) -> Message {
        let beat = ChatServerMessage::Heartbeat(heartbeat_now(self.ping));
        Message::Text(serde_json::to_string(&beat).unwrap_or_default().into())
    }

    fn closing(&self) -> Closing {
        if self.chat.tasks.is_stopping() {
            (close::RESTART, "the server stops")
        } else {
            (close::TOO_SLOW, "lines came faster than they were read")
        }
    }
}
