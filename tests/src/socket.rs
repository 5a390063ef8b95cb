//! WebSockets as a client sees them: handshake, messages and close.

use std::net::SocketAddr;

use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use shared::protocol::{ClientMessage, GAME_SUBPROTOCOL, ServerMessage};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use crate::site::Site;

/// A WebSocket over TCP.
pub type Stream = WebSocketStream<TcpStream>;

/// How a connection ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closed {
    /// The close code. `None` when the connection broke without a close frame.
    pub code: Option<u16>,
    /// The reason in the close frame, or the error that broke the connection.
    pub reason: String,
}

/// An incoming message, or the end.
#[derive(Debug)]
pub enum Incoming {
    /// A text message.
    Text(String),
    /// A binary message.
    Binary(Bytes),
    /// The connection has ended.
    Closed(Closed),
}

/// Opens a WebSocket.
///
/// # Errors
/// When the server does not listen, or refuses the handshake.
pub async fn open(address: SocketAddr, path: &str, protocol: Option<&str>) -> Result<Stream> {
    let tcp = TcpStream::connect(address).await.context("connecting")?;
    tcp.set_nodelay(true).context("setting TCP_NODELAY")?;
    over(tcp, address, path, protocol).await
}

/// Opens a WebSocket over an existing TCP connection.
///
/// # Errors
/// When the handshake is refused.
pub async fn over(
    tcp: TcpStream,
    address: SocketAddr,
    path: &str,
    protocol: Option<&str>,
) -> Result<Stream> {
    let mut request = format!("ws://{address}{path}").into_client_request()?;
    if let Some(protocol) = protocol {
        let value = HeaderValue::from_str(protocol).context("a subprotocol is a word")?;
        request.headers_mut().insert("sec-websocket-protocol", value);
    }
    let small = WebSocketConfig::default().read_buffer_size(4 * 1024).write_buffer_size(0);
    match client_async_with_config(request, tcp, Some(small)).await {
        Ok((stream, _)) => Ok(stream),
        Err(Error::Http(response)) => {
            let body = response.body().as_deref().unwrap_or_default();
            bail!("refused: {} {}", response.status(), String::from_utf8_lossy(body));
        }
        Err(error) => Err(error).context("the handshake"),
    }
}

/// Waits for the next message and answers pings.
pub async fn receive(stream: &mut Stream) -> Incoming {
    loop {
        let message = stream.next().await;
        if let Some(incoming) = read_incoming(stream, message).await {
            return incoming;
        }
    }
}

/// The message or the end; `None` for pings and pongs. `message` is `None` when the stream has ended.
pub(crate) async fn read_incoming(
    stream: &mut Stream,
    message: Option<Result<Message, Error>>,
) -> Option<Incoming> {
    let ended = |reason: String| Some(Incoming::Closed(Closed { code: None, reason }));
    match message {
        Some(Ok(Message::Text(text))) => Some(Incoming::Text(text.as_str().to_owned())),
        Some(Ok(Message::Binary(bytes))) => Some(Incoming::Binary(bytes)),
        Some(Ok(Message::Close(frame))) => {
            let code = frame.as_ref().map(|frame| frame.code.into());
            let reason = frame.map(|frame| frame.reason.as_str().to_owned()).unwrap_or_default();
            // Reading on sends the answer to the close frame.
            while let Some(Ok(_)) = stream.next().await {}
            Some(Incoming::Closed(Closed { code, reason }))
        }
        Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => None,
        Some(Err(error)) => ended(error.to_string()),
        None => ended("ended".to_owned()),
    }
}

/// A connection to a room: messages of the game's protocol.
#[derive(Debug)]
pub struct GameSocket {
    stream: Stream,
}

impl GameSocket {
    /// Opens the address that a ticket names.
    ///
    /// # Errors
    /// When the server does not listen, or refuses the handshake.
    pub async fn open(address: SocketAddr, path: &str) -> Result<Self> {
        Ok(Self { stream: open(address, path, Some(GAME_SUBPROTOCOL)).await? })
    }

    /// The same for a server as it is seen from some address.
    ///
    /// # Errors
    /// When the server does not listen, or refuses the handshake.
    pub async fn open_at(site: &Site, path: &str) -> Result<Self> {
        let (tcp, address) = (site.tcp().await?, site.address());
        Ok(Self { stream: over(tcp, address, path, Some(GAME_SUBPROTOCOL)).await? })
    }

    /// Uses a WebSocket that is open already.
    #[must_use]
    pub fn over(stream: Stream) -> Self {
        Self { stream }
    }

    /// Sends a message.
    ///
    /// # Errors
    /// When the connection is gone.
    pub async fn send(&mut self, message: &ClientMessage) -> Result<()> {
        self.send_bytes(message.encode()).await
    }

    /// Sends bytes that may be no valid message.
    ///
    /// # Errors
    /// When the connection is gone.
    pub async fn send_bytes(&mut self, bytes: Vec<u8>) -> Result<()> {
        self.stream.send(Message::Binary(bytes.into())).await.context("sending")
    }

    /// Sends a text message, which the protocol forbids.
    ///
    /// # Errors
    /// When the connection is gone.
    pub async fn send_text(&mut self, text: &str) -> Result<()> {
        self.stream.send(Message::Text(text.into())).await.context("sending")
    }

    /// The next message.
    ///
    /// # Errors
    /// How the connection ended.
    ///
    /// # Panics
    /// When the server breaks the protocol.
    pub async fn next(&mut self) -> Result<ServerMessage, Closed> {
        match receive(&mut self.stream).await {
            Incoming::Binary(bytes) => {
                Ok(ServerMessage::decode(&bytes).expect("a message of the protocol"))
            }
            Incoming::Text(text) => {
                panic!("a room sends binary messages, and this is text: {text}")
            }
            Incoming::Closed(closed) => Err(closed),
        }
    }

    /// Sends a close frame and waits for the answer.
    pub async fn close(mut self) {
        // A connection that has ended needs no close frame.
        self.stream.close(None).await.ok();
        self.closed().await;
    }

    /// Resets the connection, as a crashed program does: the server notices at once.
    pub fn reset(self) {
        // Without the option, the connection ends with FIN instead of RST.
        self.stream.get_ref().set_zero_linger().ok();
    }

    /// Reads on until the connection ends.
    pub async fn closed(&mut self) -> Closed {
        loop {
            if let Err(closed) = self.next().await {
                return closed;
            }
        }
    }
}
