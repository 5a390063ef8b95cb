//! Opens WebSockets, and says what the end of one means.

use std::time::Duration;

use shared::api::ProblemKind;
use shared::protocol::close::{self, NextStep};
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::error::{ProtocolError, UrlError};
use tokio_tungstenite::tungstenite::http::header::{CONTENT_TYPE, SEC_WEBSOCKET_PROTOCOL};
use tokio_tungstenite::tungstenite::http::{HeaderValue, Response};
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tokio_tungstenite::{Connector, MaybeTlsStream, WebSocketStream, client_async_tls_with_config};
use url::Url;

use super::api::{CallError, refusal, retry_after};
use super::dial::{Io, dial};
use super::error::UserError;
use super::trust;

/// Client and server speak different versions of the protocol.
const OTHER_VERSION: &str = "The server has another version of the game. Update the older one.";

const NO_UPGRADE: &str = "A proxy on the way seems to refuse WebSockets, which the game needs";

/// An open WebSocket.
pub(super) type Socket = WebSocketStream<MaybeTlsStream<Box<dyn Io>>>;

/// Opens a WebSocket with TCP_NODELAY, so that a small message is not held back.
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
    let nodelay = std::env::var_os(WITHOUT_NODELAY).is_none();
    let url: Url = address.parse().map_err(|_reason| UrlError::NoPathOrQuery)?;
    let stream = dial(&url, nodelay).await?;
    let tls = Connector::Rustls(trust::tls());
    let opened = client_async_tls_with_config(request, stream, Some(config), Some(tls)).await;
    opened.map(|(socket, _)| socket)
}

/// The environment variable that leaves TCP_NODELAY off: `cargo xtask bench link --without nodelay` measures what it is
/// worth.
const WITHOUT_NODELAY: &str = "PUSHBACK_WITHOUT_NODELAY";

/// Why a connection ended or was refused, and what to do next.
#[derive(Debug)]
pub(super) struct DisconnectReason {
    pub(super) next: NextStep,
    pub(super) error: UserError,
    /// Whether the server says that there is no such room, or no longer.
    pub(super) room_is_gone: bool,
    /// The shortest time that the server asks to wait before the next attempt.
    pub(super) retry_after: Duration,
}

impl DisconnectReason {
    /// From a close frame. `None`: the connection broke without one.
    pub(super) fn from_close(frame: Option<&CloseFrame>) -> Self {
        let code = frame.map(|frame| u16::from(frame.code));
        let next = close::next_step(code);
        let text = match code {
            Some(close::RESTART | close::GOING_AWAY) => "The server restarts.",
            Some(close::TOO_SLOW) => "The connection was too slow for the game.",
            Some(close::NO_PONG) => "The server received nothing from this client.",
            Some(close::MALFORMED | close::PROTOCOL_ERROR) => {
                "Server and client do not understand each other: one of them is outdated."
            }
            Some(close::REPLACED) => "You joined this room from somewhere else.",
            Some(close::ROOM_ENDED) => "The room has ended.",
            Some(close::ROOM_FAULT) => {
                "A fault of the server ended the room. The round does not count."
            }
            Some(close::NORMAL) => "The server closed the room.",
            Some(_) | None => "The connection broke.",
        };
        Self::new(next, text)
    }

    /// A reason after which another attempt is pointless.
    pub(super) fn permanent(text: &str) -> Self {
        Self::new(NextStep::GiveUp, text)
    }

    /// The client closes the connection itself, because it is desynced.
    pub(super) fn desynced() -> Self {
        Self::new(NextStep::Reconnect, "The client lost sync with the match.")
    }

    /// From a call for a ticket that failed.
    pub(super) fn from_call(error: &CallError) -> Self {
        let kind = error.kind();
        if kind == Some(ProblemKind::ProtocolVersion) {
            return Self::permanent(OTHER_VERSION);
        }
        let next = match kind {
            Some(ProblemKind::SignIn) => NextStep::SignIn,
            // The ticket has expired. The next attempt gets another.
            Some(ProblemKind::BadTicket) => NextStep::Reconnect,
            _ if error.is_transient() => NextStep::Reconnect,
            _ => NextStep::GiveUp,
        };
        let gone = [ProblemKind::NotFound, ProblemKind::RoomEnded, ProblemKind::Gone];
        let room_is_gone = kind.is_some_and(|kind| gone.contains(&kind));
        Self { next, error: error.user_error(), room_is_gone, retry_after: error.retry_after() }
    }

    /// From a WebSocket handshake that failed.
    pub(super) fn from_handshake(error: &Error) -> Self {
        match error {
            Error::Http(answer) => {
                let status = answer.status().as_u16();
                let retry_after = retry_after(answer.headers());
                // Tungstenite keeps only the part of the body that arrived with the head.
                let body = answer.body().as_deref().unwrap_or_default();
                match refusal(status, body, retry_after) {
                    // Something on the way answered: the server is there, as the ticket shows.
                    CallError::NotPushback if status != 404 => {
                        let text = if is_a_problem(answer) {
                            format!("The server did not let us in (HTTP {status}).")
                        } else {
                            format!("{NO_UPGRADE} (HTTP {status}).")
                        };
                        Self { retry_after, ..Self::new(NextStep::Reconnect, &text) }
                    }
                    refused => Self::from_call(&refused),
                }
            }
            Error::Protocol(ProtocolError::SecWebSocketSubProtocolError(_)) => {
                Self::permanent(OTHER_VERSION)
            }
            Error::Io(cause) if cause.to_string().starts_with("the proxy ") => {
                Self::new(NextStep::Reconnect, &presentation::words::sentence(&cause.to_string()))
            }
            _ => match trust::certificate_fault(error) {
                Some(fault) => Self::permanent(&format!("The server's certificate {fault}.")),
                None => Self::from_close(None),
            },
        }
    }

    fn new(next: NextStep, text: &str) -> Self {
        let error = UserError { text: text.to_owned(), is_transient: next != NextStep::GiveUp };
        Self { next, error, room_is_gone: false, retry_after: Duration::ZERO }
    }
}

/// Whether an answer says that it is a problem document, as each refusal of the server does (RFC 9457).
fn is_a_problem(answer: &Response<Option<Vec<u8>>>) -> bool {
    answer.headers().get(CONTENT_TYPE).is_some_and(|kind| kind == "application/problem+json")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use shared::api::{Problem, ProblemKind};
    use shared::protocol::close::NextStep;
    use tokio_tungstenite::tungstenite::Error;
    use tokio_tungstenite::tungstenite::http::Response;

    use super::DisconnectReason;

    fn refusal(status: u16, body: Vec<u8>) -> Error {
        let answer = Response::builder().status(status).header("retry-after", "7");
        Error::Http(answer.body(Some(body)).expect("an answer").into())
    }

    fn reason(kind: ProblemKind) -> DisconnectReason {
        let problem = Problem::new(kind, "the room is full.");
        let body = serde_json::to_vec(&problem).expect("plain data");
        DisconnectReason::from_handshake(&refusal(kind.status(), body))
    }

    #[test]
    fn a_refused_handshake_says_why_and_whether_to_come_back() {
        let full = reason(ProblemKind::RoomFull);

        assert_eq!(full.error.text, "The room is full.");
        assert_eq!(full.next, NextStep::GiveUp);
        let other = reason(ProblemKind::ProtocolVersion);
        assert!(other.next == NextStep::GiveUp && other.error.text.contains("another version"));
        let ended = reason(ProblemKind::RoomEnded);
        assert!(ended.next == NextStep::GiveUp && ended.room_is_gone);
        assert_eq!(reason(ProblemKind::BadTicket).next, NextStep::Reconnect);
        assert_eq!(reason(ProblemKind::SignIn).next, NextStep::SignIn);
    }

    #[test]
    fn a_proxy_that_refuses_upgrades_is_named() {
        for body in [&b""[..], b"<html>Forbidden"] {
            let refused = DisconnectReason::from_handshake(&refusal(403, body.to_vec()));
            assert_eq!(refused.next, NextStep::Reconnect);
            assert!(refused.error.text.contains("proxy"), "{}", refused.error.text);
        }
    }

    #[test]
    fn a_busy_server_says_when_to_come_back() {
        let busy = reason(ProblemKind::Overloaded);
        let stranger = DisconnectReason::from_handshake(&refusal(502, b"<html>".to_vec()));

        assert_eq!((busy.next, busy.retry_after), (NextStep::Reconnect, Duration::from_secs(7)));
        assert_eq!(
            (stranger.next, stranger.retry_after),
            (NextStep::Reconnect, Duration::from_secs(7))
        );
        assert!(stranger.error.text.contains("502"), "{}", stranger.error.text);
        let other = DisconnectReason::from_handshake(&refusal(404, b"<html>".to_vec()));
        assert_eq!(other.next, NextStep::GiveUp);
    }
}
