//! The WebSocket handshake: refusals that help, and the limits of every socket.

use axum::BoxError;
use axum::extract::FromRequestParts;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{WebSocket, WebSocketUpgrade};
use axum::response::{IntoResponse as _, Response};
use http::header::{
    CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL,
    SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode};
use hyper::upgrade::OnUpgrade;
use shared::api::ProblemKind;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::error::{HttpError, HttpResult};
use crate::app::SharedApp;
use crate::room::Socket;
use crate::serve::HttpSocket;
use crate::socket;

/// A request that wants to become a WebSocket and may. As an argument of a route: refuses all others.
/// That the page asking is one of ours was checked before.
pub struct Upgrade {
    axum: WebSocketUpgrade,
    /// For the handshake without axum: the client's key, and the socket to come.
    bare: Option<(HeaderValue, OnUpgrade)>,
}

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
        let axum = self.axum.protocols([protocol]);
        if axum.selected_protocol().is_some() {
            return Ok(Self { axum, ..self });
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
        let token = app.tasks.token();
        self.axum
            .on_failed_upgrade(|error| tracing::debug!(%error, "an upgrade failed"))
            .on_upgrade(move |socket| async move {
                talk(socket).await;
                drop(token);
            })
    }
}

impl Upgrade {
    /// Answers 101 and gives the bare socket away: its new owner reads and writes it without the runtime.
    ///
    /// # Errors
    /// When the connection cannot be upgraded.
    pub fn hand_over(
        self,
        app: &SharedApp,
        take: impl FnOnce(Socket) + Send + 'static,
    ) -> HttpResult<Response> {
        let not_possible =
            || HttpError::new(ProblemKind::BadUpgrade, "This connection cannot be upgraded.");
        let (key, socket) = self.bare.ok_or_else(not_possible)?;
        let has_unsent_limit = !app.config.without_unsent_limit;
        app.tasks.spawn(async move {
            match bare_socket(socket, has_unsent_limit).await {
                Ok(socket) => take(socket),
                Err(error) => tracing::debug!(%error, "an upgrade failed"),
            }
        });
        // RFC 6455, section 4.2.2.
        let mut response = StatusCode::SWITCHING_PROTOCOLS.into_response();
        let accept = HeaderValue::try_from(derive_accept_key(key.as_bytes()));
        let headers = response.headers_mut();
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(SEC_WEBSOCKET_ACCEPT, accept.map_err(|_invalid| not_possible())?);
        if let Some(protocol) = self.axum.selected_protocol() {
            headers.insert(SEC_WEBSOCKET_PROTOCOL, protocol.clone());
        }
        Ok(response)
    }
}

/// The TCP socket under an upgraded connection.
async fn bare_socket(upgrade: OnUpgrade, has_unsent_limit: bool) -> Result<Socket, BoxError> {
    let upgraded = upgrade.await?;
    let parts = upgraded.downcast::<HttpSocket>().or(Err("another kind of connection"))?;
    let (socket, permit) = parts.io.into_inner().into_parts();
    Ok(Socket::new(socket, parts.read_buf, permit, has_unsent_limit)?)
}

impl FromRequestParts<SharedApp> for Upgrade {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, app: &SharedApp) -> Result<Self, HttpError> {
        // Before axum takes it.
        let bare = parts.headers.get(SEC_WEBSOCKET_KEY).cloned();
        let bare = bare.zip(parts.extensions.get::<OnUpgrade>().cloned());
        match WebSocketUpgrade::from_request_parts(parts, app).await {
            Ok(axum) => Ok(Self { axum: socket::limited(axum), bare }),
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
