//! The WebSocket handshake: refusals that help, and the limits of every socket.

use axum::extract::FromRequestParts;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{WebSocket, WebSocketUpgrade};
use axum::response::Response;
use http::header::{SEC_WEBSOCKET_VERSION, UPGRADE};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode};
use shared::api::ProblemKind;

use super::error::{HttpError, HttpResult};
use crate::app::SharedApp;
use crate::socket;

/// A request that wants to become a WebSocket and may. As an argument of a route: refuses all others.
/// That the page asking is one of ours was checked before.
pub struct Upgrade(WebSocketUpgrade);

/// Whether a request asks for a WebSocket.
#[must_use]
pub fn is_wanted(headers: &HeaderMap) -> bool {
    headers.get(UPGRADE).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"websocket"))
}

impl Upgrade {
    /// Demands that the client offered this subprotocol, and picks it.
    ///
    /// # Errors
    /// When it did not: it speaks another version.
    pub fn speaking(self, protocol: &'static str) -> HttpResult<Self> {
        let upgrade = self.0.protocols([protocol]);
        if upgrade.selected_protocol().is_some() {
            return Ok(Self(upgrade));
        }
        let detail = format!("This server speaks the subprotocol {protocol}. Update the client.");
        Err(HttpError::new(ProblemKind::ProtocolVersion, detail))
    }

    /// Answers 101 and runs `talk` with the socket as a task of the server.
    pub fn run<F>(
        self,
        app: &SharedApp,
        talk: impl FnOnce(WebSocket) -> F + Send + 'static,
    ) -> Response
    where
        F: Future<Output = ()> + Send + 'static,
    {
        // axum spawns the task; the token makes the server wait for it all the same.
        let token = app.services.tasks.token();
        self.0.on_failed_upgrade(|error| tracing::debug!(%error, "an upgrade failed")).on_upgrade(
            move |socket| async move {
                talk(socket).await;
                drop(token);
            },
        )
    }
}

impl FromRequestParts<SharedApp> for Upgrade {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, app: &SharedApp) -> Result<Self, HttpError> {
        match WebSocketUpgrade::from_request_parts(parts, app).await {
            Ok(upgrade) => Ok(Self(socket::limited(upgrade))),
            Err(rejection) => Err(refusal(&rejection)),
        }
    }
}

fn refusal(rejection: &WebSocketUpgradeRejection) -> HttpError {
    let detail = match rejection {
        WebSocketUpgradeRejection::InvalidWebSocketVersionHeader(_) => {
            return HttpError::new(ProblemKind::BadUpgrade, "Only version 13 is spoken here.")
                .with_status(StatusCode::UPGRADE_REQUIRED)
                .with_header(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        }
        WebSocketUpgradeRejection::WebSocketKeyHeaderMissing(_) => "Sec-WebSocket-Key is missing.",
        _ => {
            "This address is for WebSockets: ask with HTTP/1.1, Connection: Upgrade and Upgrade: websocket."
        }
    };
    HttpError::new(ProblemKind::BadUpgrade, detail)
}
