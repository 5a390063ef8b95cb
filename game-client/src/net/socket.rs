//! Opening a WebSocket, and what its end means.

use shared::protocol::close::{self, NextStep};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::http::header::SEC_WEBSOCKET_PROTOCOL;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};

use super::Trouble;

/// An open WebSocket.
pub(super) type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Opens a WebSocket without Nagle's delay.
pub(super) async fn open(
    address: &str,
    subprotocol: &'static str,
    message_bytes_max: usize,
) -> Result<Socket, Error> {
    let mut request = address.into_client_request()?;
    let protocol = HeaderValue::from_static(subprotocol);
    request.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, protocol);
    let config = WebSocketConfig::default()
        .max_message_size(Some(message_bytes_max))
        .max_frame_size(Some(message_bytes_max))
        .write_buffer_size(0);
    connect_async_with_config(request, Some(config), true).await.map(|(socket, _)| socket)
}

/// Whether the server refused the handshake itself (a ticket that is no longer good, another version).
pub(super) fn is_refusal(error: &Error) -> bool {
    matches!(error, Error::Http(answer) if answer.status().is_client_error())
}

/// Why a connection ended, and what to do now.
#[derive(Debug)]
pub(super) struct Ending {
    pub(super) next: NextStep,
    pub(super) why: Trouble,
    /// There is no such room (any more).
    pub(super) is_missing: bool,
}

impl Ending {
    /// By a close frame, or without one.
    pub(super) fn of(frame: Option<&CloseFrame>) -> Self {
        let code = frame.map(|frame| u16::from(frame.code));
        let next = close::next_step(code);
        let text = match code {
            Some(close::RESTART | close::GOING_AWAY) => "The server restarts.",
            Some(close::OVERLOAD) => "The server is overloaded.",
            Some(close::TOO_SLOW) => "The connection was too slow for the game.",
            Some(close::NO_PONG) => "The server heard nothing from here.",
            Some(close::SIGN_IN) => "The session has ended.",
            Some(close::MALFORMED | close::PROTOCOL_ERROR) => {
                "Server and client do not understand each other: one of them is outdated."
            }
            Some(close::REPLACED) => "You joined this room from somewhere else.",
            Some(close::ROOM_ENDED) => "The room has ended.",
            Some(close::REMOVED) => "You were removed from the room.",
            Some(close::NORMAL) => "The server closed the room.",
            Some(_) | None => "The connection broke.",
        };
        let why = Trouble { text: text.to_owned(), may_pass: next != NextStep::Stay };
        Self { next, why, is_missing: false }
    }
}
