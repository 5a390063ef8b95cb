//! Opening a WebSocket, and what its end means.

use std::time::Duration;

use shared::api::ProblemKind;
use shared::protocol::close::{self, NextStep};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::http::header::SEC_WEBSOCKET_PROTOCOL;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};

use super::Trouble;
use super::api::{CallError, refusal, retry_after};

/// Client and server are not made for each other.
const OTHER_VERSION: &str =
    "The server has another version of the game. Update the one that is older.";

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
    let nodelay = std::env::var_os(WITHOUT_NODELAY).is_none();
    connect_async_with_config(request, Some(config), nodelay).await.map(|(socket, _)| socket)
}

/// Set for measuring what TCP_NODELAY is worth: `cargo xtask bench link --without nodelay`.
const WITHOUT_NODELAY: &str = "PUSHBACK_WITHOUT_NODELAY";

/// Why a connection ended, and what to do now.
#[derive(Debug)]
pub(super) struct Ending {
    pub(super) next: NextStep,
    pub(super) why: Trouble,
    /// There is no such room (any more).
    pub(super) is_missing: bool,
    /// The server asks not to come back sooner.
    pub(super) pause: Duration,
}

impl Ending {
    /// By a close frame, or without one.
    pub(super) fn of(frame: Option<&CloseFrame>) -> Self {
        let code = frame.map(|frame| u16::from(frame.code));
        let next = close::next_step(code);
        let text = match code {
            Some(close::RESTART | close::GOING_AWAY) => "The server restarts.",
            Some(close::TOO_SLOW) => "The connection was too slow for the game.",
            Some(close::NO_PONG) => "The server heard nothing from here.",
            Some(close::MALFORMED | close::PROTOCOL_ERROR) => {
                "Server and client do not understand each other: one of them is outdated."
            }
            Some(close::REPLACED) => "You joined this room from somewhere else.",
            Some(close::ROOM_ENDED) => "The room has ended.",
            Some(close::NORMAL) => "The server closed the room.",
            Some(_) | None => "The connection broke.",
        };
        Self::new(next, text)
    }

    /// Because coming back leads nowhere.
    pub(super) fn stay(text: &str) -> Self {
        Self::new(NextStep::GiveUp, text)
    }

    /// By the own wish: what came could not be followed.
    pub(super) fn astray() -> Self {
        Self::new(NextStep::Reconnect, "The match could not be followed any more.")
    }

    /// By an answer that is a refusal, or by none.
    pub(super) fn refused(error: &CallError) -> Self {
        let kind = error.kind();
        if kind == Some(ProblemKind::ProtocolVersion) {
            return Self::stay(OTHER_VERSION);
        }
        let next = match kind {
            Some(ProblemKind::SignIn) => NextStep::SignIn,
            // It has expired on the way: the next try takes another.
            Some(ProblemKind::BadTicket) => NextStep::Reconnect,
            _ if error.may_pass() => NextStep::Reconnect,
            _ => NextStep::GiveUp,
        };
        let gone = [ProblemKind::NotFound, ProblemKind::RoomEnded, ProblemKind::Gone];
        let is_missing = kind.is_some_and(|kind| gone.contains(&kind));
        Self { next, why: error.trouble(), is_missing, pause: error.pause() }
    }

    /// Because the socket could not be opened.
    pub(super) fn unopened(error: &Error) -> Self {
        match error {
            Error::Http(answer) => {
                let (status, pause) = (answer.status().as_u16(), retry_after(answer.headers()));
                // Only what came with the head of the answer is there.
                match answer.body().as_deref() {
                    Some(body) if !body.is_empty() => Self::refused(&refusal(status, body, pause)),
                    Some(_) | None => {
                        let text = format!("The server did not let us in (HTTP {status}).");
                        Self { pause, ..Self::new(NextStep::Reconnect, &text) }
                    }
                }
            }
            Error::Protocol(ProtocolError::SecWebSocketSubProtocolError(_)) => {
                Self::stay(OTHER_VERSION)
            }
            _ => Self::of(None),
        }
    }

    fn new(next: NextStep, text: &str) -> Self {
        let why = Trouble { text: text.to_owned(), may_pass: next != NextStep::GiveUp };
        Self { next, why, is_missing: false, pause: Duration::ZERO }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use shared::api::{Problem, ProblemKind};
    use shared::protocol::close::NextStep;
    use tokio_tungstenite::tungstenite::Error;
    use tokio_tungstenite::tungstenite::http::Response;

    use super::Ending;

    fn refusal(status: u16, body: Vec<u8>) -> Error {
        let answer = Response::builder().status(status).header("retry-after", "7");
        Error::Http(answer.body(Some(body)).expect("an answer").into())
    }

    fn ending(kind: ProblemKind) -> Ending {
        let problem = Problem::new(kind, "the room is full.");
        let body = serde_json::to_vec(&problem).expect("plain data");
        Ending::unopened(&refusal(kind.status(), body))
    }

    #[test]
    fn a_refused_handshake_says_why_and_whether_to_come_back() {
        let full = ending(ProblemKind::RoomFull);

        assert_eq!(full.why.text, "The room is full.");
        assert_eq!(full.next, NextStep::GiveUp);
        let other = ending(ProblemKind::ProtocolVersion);
        assert!(other.next == NextStep::GiveUp && other.why.text.contains("another version"));
        let ended = ending(ProblemKind::RoomEnded);
        assert!(ended.next == NextStep::GiveUp && ended.is_missing);
        assert_eq!(ending(ProblemKind::BadTicket).next, NextStep::Reconnect);
        assert_eq!(ending(ProblemKind::SignIn).next, NextStep::SignIn);
    }

    #[test]
    fn a_busy_server_says_when_to_come_back() {
        let busy = ending(ProblemKind::Overloaded);
        let stranger = Ending::unopened(&refusal(502, b"<html>".to_vec()));

        assert_eq!((busy.next, busy.pause), (NextStep::Reconnect, Duration::from_secs(7)));
        assert_eq!((stranger.next, stranger.pause), (NextStep::Reconnect, Duration::from_secs(7)));
        assert!(stranger.why.text.contains("502"), "{}", stranger.why.text);
        let other = Ending::unopened(&refusal(404, b"<html>".to_vec()));
        assert_eq!(other.next, NextStep::GiveUp);
    }
}
