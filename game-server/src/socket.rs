//! What all WebSockets of this server have in common: sizes, how often, heartbeat, the way they end.

use std::pin::Pin;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use bytes::Bytes;
use shared::protocol::{CLIENT_MESSAGE_BYTES_MAX, SERVER_MESSAGE_BYTES_MAX, close};
use tokio::time::{Instant, Sleep, sleep_until, timeout};
use tokio_tungstenite::tungstenite::Error as WsError;
use tokio_tungstenite::tungstenite::error::ProtocolError;

use crate::limits::{Bucket, Rate};
use crate::pulse::{Beat, Pulse};

/// Read at once, and kept for each socket. The library's default is 128 KiB.
const READ_BUFFER_BYTES: usize = 4 * 1024;
/// Collected before a write. The library's default is 128 KiB.
const WRITE_BUFFER_BYTES: usize = 4 * 1024;
/// Waiting to be written before a sender has to wait. The library's default has no bound.
const WRITE_BUFFER_BYTES_MAX: usize = 4 * SERVER_MESSAGE_BYTES_MAX;
/// Frames of any kind that a client may send. No client needs a tenth of that; pings and pongs count, which no other
/// limit sees.
const FRAMES: Rate = Rate { burst: 100, refill: Duration::from_millis(20) };
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

/// What a client sends, as often as it may.
pub struct Ear {
    frames: Bucket,
}

impl Ear {
    /// For a new socket.
    #[must_use]
    pub fn new() -> Self {
        Self { frames: Bucket::full(Instant::now().into_std()) }
    }

    /// Waits for what the client sends. May be dropped while it waits without losing anything.
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

impl Default for Ear {
    fn default() -> Self {
        Self::new()
    }
}

/// What to tell a client whose bytes could not be read. Nothing when the connection is gone anyway.
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

/// Finds dead connections: a [`Pulse`] that can be waited for.
pub struct Heartbeat {
    pulse: Pulse,
    due: Pin<Box<Sleep>>,
}

impl Heartbeat {
    /// A heartbeat whose first ping falls anywhere within the period.
    #[must_use]
    pub fn new(period: Duration) -> Self {
        let pulse = Pulse::new(period, Instant::now().into_std());
        Self { pulse, due: Box::pin(sleep_until(pulse.due().into())) }
    }

    /// Waits until something is due. May be dropped while it waits.
    pub async fn next(&mut self) -> Beat {
        loop {
            self.due.as_mut().await;
            let beat = self.pulse.beat(Instant::now().into_std());
            self.due.as_mut().reset(self.pulse.due().into());
            if let Some(beat) = beat {
                return beat;
            }
        }
    }

    /// A pong came.
    pub fn pong(&mut self) {
        self.pulse.pong();
        self.due.as_mut().reset(self.pulse.due().into());
    }
}
