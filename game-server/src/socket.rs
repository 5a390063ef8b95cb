//! What the WebSockets of chat and feeds share: buffer sizes, message rates, keepalive and closing.

use std::pin::Pin;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use bytes::Bytes;
use shared::protocol::{CLIENT_MESSAGE_BYTES_MAX, SERVER_MESSAGE_BYTES_MAX, close};
use tokio::time::{Instant, Sleep, sleep_until, timeout};
use tokio_tungstenite::tungstenite::Error as WsError;
use tokio_tungstenite::tungstenite::error::ProtocolError;

use crate::keepalive::{Keepalive, KeepaliveAction};
use crate::limits::{Bucket, Rate};

/// The read buffer of each socket. The library's default is 128 KiB.
const READ_BUFFER_BYTES: usize = 4 * 1024;
/// Bytes that are collected before a write. The library's default is 128 KiB.
const WRITE_BUFFER_BYTES: usize = 4 * 1024;
/// Bytes that wait to be written before a sender has to wait. The library's default has no bound.
const WRITE_BUFFER_BYTES_MAX: usize = 4 * SERVER_MESSAGE_BYTES_MAX;
/// Frames of any kind that a client may send: ten times what any client needs. Pings and pongs count here and in no
/// other limit.
const FRAMES: Rate = Rate { burst: 100, refill: Duration::from_millis(20) };
/// How long a client has to answer a close.
const CLOSE_WITHIN: Duration = Duration::from_secs(2);

const _: () = assert!(WRITE_BUFFER_BYTES_MAX > WRITE_BUFFER_BYTES + SERVER_MESSAGE_BYTES_MAX);

/// A close code and its reason.
pub type Closing = (u16, &'static str);

/// The session that a socket came from has ended.
pub const SESSION_ENDED: Closing = (close::SESSION_ENDED, "the session has ended: sign in again");

/// Sets the buffer sizes and the longest message.
pub fn limited(upgrade: WebSocketUpgrade) -> WebSocketUpgrade {
    upgrade
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(WRITE_BUFFER_BYTES)
        .max_write_buffer_size(WRITE_BUFFER_BYTES_MAX)
        .max_message_size(CLIENT_MESSAGE_BYTES_MAX)
        .max_frame_size(CLIENT_MESSAGE_BYTES_MAX)
}

/// What a client sent.
#[derive(Debug)]
pub enum Incoming {
    /// A text message.
    Text(Utf8Bytes),
    /// A binary message.
    Binary(Bytes),
    /// A ping. The library answers it.
    Ping,
    /// The answer to our ping, for [`Keepalive::pong`](crate::keepalive::Keepalive::pong).
    Pong,
    /// The end of the messages, with the close to send unless the client has sent one.
    Ended(Option<Closing>),
}

/// Receives messages up to a rate.
pub struct RateLimitedReceiver {
    frames: Bucket,
}

impl RateLimitedReceiver {
    /// For a new socket.
    #[must_use]
    pub fn new() -> Self {
        Self { frames: Bucket::full(Instant::now().into_std()) }
    }

    /// Waits for the next message. Cancel-safe.
    pub async fn receive(&mut self, socket: &mut WebSocket) -> Incoming {
        let incoming = match socket.recv().await {
            Some(Ok(Message::Text(text))) => Incoming::Text(text),
            Some(Ok(Message::Binary(bytes))) => Incoming::Binary(bytes),
            Some(Ok(Message::Ping(_))) => Incoming::Ping,
            Some(Ok(Message::Pong(_))) => Incoming::Pong,
            Some(Ok(Message::Close(_))) | None => Incoming::Ended(None),
            Some(Err(error)) => {
                let error = error.into_inner().downcast::<WsError>();
                Incoming::Ended(error.ok().and_then(|error| closing_for(*error)))
            }
        };
        let has_ended = matches!(incoming, Incoming::Ended(_));
        if has_ended || self.frames.take(FRAMES, Instant::now().into_std()).is_ok() {
            return incoming;
        }
        Incoming::Ended(Some((close::POLICY, "too many messages")))
    }
}

impl Default for RateLimitedReceiver {
    fn default() -> Self {
        Self::new()
    }
}

/// The close for a client whose bytes could not be read. `None` when the connection is gone.
fn closing_for(error: WsError) -> Option<Closing> {
    match error {
        WsError::Capacity(_) => Some((close::TOO_LARGE, "the message is too long")),
        WsError::Protocol(ProtocolError::ResetWithoutClosingHandshake) => None,
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

/// Sends a close, if there is one to send, waits for the client's close, and drops the socket.
pub async fn close(mut socket: WebSocket, closing: Option<Closing>) {
    let handshake = async {
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
    timeout(CLOSE_WITHIN, handshake).await.ok();
}

/// A ping, to be sent when [`KeepaliveTimer::next`] asks for it.
#[must_use]
pub fn ping() -> Message {
    Message::Ping(Bytes::new())
}

/// A [`Keepalive`] that can be awaited.
pub struct KeepaliveTimer {
    keepalive: Keepalive,
    due: Pin<Box<Sleep>>,
}

impl KeepaliveTimer {
    /// The first ping falls at a random moment within the period.
    #[must_use]
    pub fn new(period: Duration) -> Self {
        let keepalive = Keepalive::new(period, Instant::now().into_std());
        Self { keepalive, due: Box::pin(sleep_until(keepalive.due().into())) }
    }

    /// Waits until an action is due. Cancel-safe.
    pub async fn next(&mut self) -> KeepaliveAction {
        loop {
            self.due.as_mut().await;
            let action = self.keepalive.poll(Instant::now().into_std());
            self.due.as_mut().reset(self.keepalive.due().into());
            if let Some(action) = action {
                return action;
            }
        }
    }

    /// A pong came.
    pub fn pong(&mut self) {
        self.keepalive.pong();
        self.due.as_mut().reset(self.keepalive.due().into());
    }
}
