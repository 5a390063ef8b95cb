//! What all WebSockets of this server have in common: sizes, heartbeat, the way they end.

use std::pin::Pin;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use bytes::Bytes;
use shared::protocol::{CLIENT_MESSAGE_BYTES_MAX, SERVER_MESSAGE_BYTES_MAX, close};
use tokio::time::{Instant, Sleep, sleep, timeout};
use tokio_tungstenite::tungstenite::Error as WsError;

/// Read at once, and kept for each socket. The library's default is 128 KiB.
const READ_BUFFER_BYTES: usize = 4 * 1024;
/// Collected before a write. The library's default is 128 KiB.
const WRITE_BUFFER_BYTES: usize = 4 * 1024;
/// Waiting to be written before a sender has to wait. The library's default has no bound.
const WRITE_BUFFER_BYTES_MAX: usize = 4 * SERVER_MESSAGE_BYTES_MAX;
/// How long a client has to answer a ping.
pub const PONG_WITHIN: Duration = Duration::from_secs(10);
/// How long a client has to answer a close.
const CLOSE_WITHIN: Duration = Duration::from_secs(2);

const _: () = assert!(WRITE_BUFFER_BYTES_MAX > WRITE_BUFFER_BYTES + SERVER_MESSAGE_BYTES_MAX);

/// The close code and what to say with it.
pub type Closing = (u16, &'static str);

/// Sets the buffers and the longest message.
pub fn limited(upgrade: WebSocketUpgrade) -> WebSocketUpgrade {
    upgrade
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(WRITE_BUFFER_BYTES)
        .max_write_buffer_size(WRITE_BUFFER_BYTES_MAX)
        .max_message_size(CLIENT_MESSAGE_BYTES_MAX)
        .max_frame_size(CLIENT_MESSAGE_BYTES_MAX)
}

/// What came in.
#[derive(Debug)]
pub enum Incoming {
    /// A text message.
    Text(Utf8Bytes),
    /// A binary message.
    Binary(Bytes),
    /// The client lives; the answer is on its way already.
    Ping,
    /// The answer to a ping of ours: tell the [`Heartbeat`].
    Pong,
    /// Nothing more comes. With the close to send, when the client has not sent one.
    Ended(Option<Closing>),
}

/// Waits for what the client sends. May be dropped while it waits without losing anything.
pub async fn receive(socket: &mut WebSocket) -> Incoming {
    match socket.recv().await {
        Some(Ok(Message::Text(text))) => Incoming::Text(text),
        Some(Ok(Message::Binary(bytes))) => Incoming::Binary(bytes),
        Some(Ok(Message::Ping(_))) => Incoming::Ping,
        Some(Ok(Message::Pong(_))) => Incoming::Pong,
        Some(Ok(Message::Close(_))) | None => Incoming::Ended(None),
        Some(Err(error)) => Incoming::Ended(closing_for(error)),
    }
}

/// What to tell a client whose bytes could not be read. Nothing when the connection is gone anyway.
fn closing_for(error: axum::Error) -> Option<Closing> {
    let error = error.into_inner().downcast::<WsError>().ok()?;
    match *error {
        WsError::Capacity(_) => Some((close::TOO_LARGE, "the message is too long")),
        WsError::Protocol(_) => Some((close::PROTOCOL_ERROR, "the WebSocket protocol was broken")),
        WsError::Utf8(_) => Some((close::INVALID_UTF8, "the text is not UTF-8")),
        WsError::ConnectionClosed
        | WsError::AlreadyClosed
        | WsError::Io(_)
        | WsError::Tls(_)
        | WsError::WriteBufferFull(_)
        | WsError::AttackAttempt
        | WsError::Url(_)
        | WsError::Http(_)
        | WsError::HttpFormat(_) => None,
    }
}

/// Says goodbye (when there is something to say), waits for the client's goodbye, and drops the socket.
pub async fn close(mut socket: WebSocket, closing: Option<Closing>) {
    let goodbye = async {
        if let Some((code, reason)) = closing {
            let frame = CloseFrame { code, reason: Utf8Bytes::from_static(reason) };
            if socket.send(Message::Close(Some(frame))).await.is_err() {
                return;
            }
        }
        // Reading on also sends the echo of a close that came first.
        while let Some(Ok(_)) = socket.recv().await {}
    };
    // A client that does not answer is dropped all the same.
    timeout(CLOSE_WITHIN, goodbye).await.ok();
}

/// A ping, to be sent when the [`Heartbeat`] says so.
#[must_use]
pub fn ping() -> Message {
    Message::Ping(Bytes::new())
}

/// What is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beat {
    /// Send a ping.
    Ping,
    /// The last ping was not answered in time.
    Dead,
}

/// Finds dead connections: pings on a beat, and wants each answered within [`PONG_WITHIN`].
pub struct Heartbeat {
    due: Pin<Box<Sleep>>,
    period: Duration,
    pong_within: Duration,
    asked: bool,
}

impl Heartbeat {
    /// A heartbeat whose first ping falls anywhere within the period, so that sockets opened together
    /// beat apart.
    #[must_use]
    pub fn new(period: Duration) -> Self {
        Self::with(period, PONG_WITHIN)
    }

    fn with(period: Duration, pong_within: Duration) -> Self {
        let first = period.mul_f64(rand::random());
        Self { due: Box::pin(sleep(first)), period, pong_within, asked: false }
    }

    /// Waits until something is due. May be dropped while it waits.
    pub async fn next(&mut self) -> Beat {
        self.due.as_mut().await;
        if self.asked {
            return Beat::Dead;
        }
        self.asked = true;
        self.due.as_mut().reset(Instant::now() + self.pong_within);
        Beat::Ping
    }

    /// A pong came.
    pub fn pong(&mut self) {
        if self.asked {
            self.asked = false;
            self.due.as_mut().reset(Instant::now() + self.period);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Beat, Heartbeat};

    #[tokio::test]
    async fn a_client_that_does_not_answer_is_dead() {
        let short = Duration::from_millis(5);
        let mut heartbeat = Heartbeat::with(short, short);

        assert_eq!(heartbeat.next().await, Beat::Ping);
        heartbeat.pong();
        assert_eq!(heartbeat.next().await, Beat::Ping);
        assert_eq!(heartbeat.next().await, Beat::Dead);
    }
}
