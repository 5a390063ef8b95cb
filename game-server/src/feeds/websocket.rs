//! A feed over a WebSocket: a text frame for each envelope. The client sends nothing but pongs and its close. A page in a
//! browser sees no pings, so a heartbeat goes with each of them, and one when the reader is up to date.

use std::time::Duration;

use axum::extract::ws::{Message, WebSocket};
use futures_util::SinkExt as _;
use shared::protocol::close;

use super::feed::Event;
use super::reader::{Next, Reader};
use crate::keepalive::KeepaliveAction;
use crate::metrics::Counted;
use crate::socket::{self, Incoming, KeepaliveTimer, RateLimitedReceiver};

/// Sends events until the client or the server closes the socket.
pub async fn serve(mut socket: WebSocket, mut reader: Reader, ping: Duration, _counted: Counted) {
    let (mut heartbeat, mut receiver) = (KeepaliveTimer::new(ping), RateLimitedReceiver::new());
    if greet(&mut socket, &mut reader, ping).await.is_err() {
        return;
    }
    let end = loop {
        tokio::select! {
            next = reader.next() => match next {
                Some(Next::Event(event)) => {
                    if send(&mut socket, &mut reader, Message::Text(event.text())).await.is_err() {
                        return;
                    }
                }
                Some(Next::Lateness) => {
                    if socket.send(heartbeat_message(&mut reader, ping)).await.is_err() {
                        return;
                    }
                }
                None => break Some((close::RESTART, "the server stops")),
            },
            incoming = receiver.receive(&mut socket) => match incoming {
                Incoming::Pong => heartbeat.pong(),
                Incoming::Ping => {}
                Incoming::Text(_) | Incoming::Binary(_) => {
                    break Some((close::POLICY, "a feed takes no messages"));
                }
                Incoming::Ended(end) => break end,
            },
            action = heartbeat.next() => match action {
                KeepaliveAction::Ping => {
                    if socket.feed(socket::ping()).await.is_err()
                        || socket.send(heartbeat_message(&mut reader, ping)).await.is_err()
                    {
                        return;
                    }
                }
                KeepaliveAction::Dead => break Some((close::NO_PONG, "no pong came")),
            },
        }
    };
    socket::close(socket, end).await;
}

/// Events written before the socket is read again.
const BURST_EVENTS_MAX: usize = 64;

/// Writes what is ready, and then the first heartbeat.
async fn greet(
    socket: &mut WebSocket,
    reader: &mut Reader,
    ping: Duration,
) -> Result<(), axum::Error> {
    if let Some(first) = reader.next_ready() {
        send(socket, reader, Message::Text(first.text())).await?;
    }
    socket.send(heartbeat_message(reader, ping)).await
}

fn heartbeat_message(reader: &mut Reader, ping: Duration) -> Message {
    let late_since_ms = reader.late_since_ms();
    Message::Text(Event::heartbeat(reader.cursor(), late_since_ms, ping).text())
}

/// Writes the events that are ready, and flushes once.
async fn send(
    socket: &mut WebSocket,
    reader: &mut Reader,
    first: Message,
) -> Result<(), axum::Error> {
    socket.feed(first).await?;
    for _ in 1..BURST_EVENTS_MAX {
        let Some(event) = reader.next_ready() else { break };
        socket.feed(Message::Text(event.text())).await?;
    }
    socket.flush().await
}
