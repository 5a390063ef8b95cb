//! The WebSocket handshake: its refusals, and the limits of every socket.

use std::sync::Arc;

use axum::BoxError;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{WebSocket, WebSocketUpgrade};
use axum::extract::{FromRef, FromRequestParts};
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

use super::error::{HttpResult, Refuse, Refused};
use super::problem::ProblemResponse;
use super::refusal::Refusal;
use super::state::HttpSettings;
use crate::room::Socket;
use crate::serve::HttpSocket;
use crate::socket;
use crate::tasks::Tasks;

/// A valid request for a WebSocket. As an argument of a handler, it refuses all other requests. The origin of the page was
/// checked before.
pub struct Upgrade {
    axum: WebSocketUpgrade,
    /// For the handshake without axum: the client's key, and the socket after the upgrade.
    bare: Option<(HeaderValue, OnUpgrade)>,
    /// Owns the task that the connection becomes.
    tasks: Tasks,
    has_unsent_limit: bool,
}

/// Whether a request asks for a WebSocket.
#[must_use]
pub fn is_wanted(headers: &HeaderMap) -> bool {
    headers.get(UPGRADE).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"websocket"))
}

impl Upgrade {
    /// Reads the handshake of a request.
    ///
    /// # Errors
    /// When something is missing from it.
    pub async fn of(
        parts: &mut Parts,
        tasks: &Tasks,
        settings: &HttpSettings,
    ) -> Result<Self, UpgradeError> {
        // Read before axum takes it.
        let bare = parts.headers.get(SEC_WEBSOCKET_KEY).cloned();
        let bare = bare.zip(parts.extensions.get::<OnUpgrade>().cloned());
        let axum = WebSocketUpgrade::from_request_parts(parts, &()).await.map_err(UpgradeError)?;
        let has_unsent_limit = settings.has_unsent_limit;
        Ok(Self { axum: socket::limited(axum), bare, tasks: tasks.clone(), has_unsent_limit })
    }

    /// Selects the first of these subprotocols that the client has offered. They are in the order in which the server prefers
    /// them, the newest first.
    ///
    /// # Errors
    /// [`OtherProtocol`] when the client offered none of them.
    pub fn with_protocol(self, protocols: &'static [&'static str]) -> Result<Self, OtherProtocol> {
        let axum = self.axum.protocols(protocols.iter().copied());
        if axum.selected_protocol().is_some() {
            return Ok(Self { axum, ..self });
        }
        Err(OtherProtocol { spoken: protocols })
    }

    /// Answers 101 and runs `serve` with the socket as a task of the server.
    pub fn run<F>(self, serve: impl FnOnce(WebSocket) -> F + Send + 'static) -> Response
    where
        F: Future<Output = ()> + Send + 'static,
    {
        // axum spawns the task. The token makes the server wait for it. A panic ends this connection alone.
        let (tasks, token) = (self.tasks.clone(), self.tasks.token());
        self.axum
            .on_failed_upgrade(|error| tracing::debug!(%error, "an upgrade failed"))
            .on_upgrade(move |socket| async move {
                tasks.contain("websocket", serve(socket)).await;
                drop(token);
            })
    }

    /// Answers 101 and gives the TCP socket to `take`: its new owner reads and writes it without the runtime.
    ///
    /// # Errors
    /// [`NotUpgradable`] when the connection cannot be upgraded.
    pub fn detach(
        self,
        take: impl FnOnce(Socket) + Send + 'static,
    ) -> Result<Response, NotUpgradable> {
        let (key, socket) = self.bare.ok_or(NotUpgradable)?;
        let has_unsent_limit = self.has_unsent_limit;
        self.tasks.spawn("upgrade", async move {
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
        headers.insert(SEC_WEBSOCKET_ACCEPT, accept.map_err(|_invalid| NotUpgradable)?);
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

impl<S> FromRequestParts<S> for Upgrade
where
    S: Send + Sync,
    Tasks: FromRef<S>,
    Arc<HttpSettings>: FromRef<S>,
{
    type Rejection = Refused<UpgradeError>;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> HttpResult<Self, UpgradeError> {
        let settings = Arc::from_ref(state);
        Ok(Self::of(parts, &Tasks::from_ref(state), &settings).await?)
    }
}

const BAD_UPGRADE: Refusal = Refusal::new(ProblemKind::BadUpgrade);
const OTHER_VERSION: Refusal =
    BAD_UPGRADE.with_status(426).when("another version of WebSockets than 13");

/// The request does not become a WebSocket.
#[derive(Debug)]
pub struct UpgradeError(WebSocketUpgradeRejection);

impl Refuse for UpgradeError {
    fn refusals() -> Vec<Refusal> {
        vec![BAD_UPGRADE, OTHER_VERSION]
    }

    fn into_problem(self) -> ProblemResponse {
        let detail = match self.0 {
            WebSocketUpgradeRejection::InvalidWebSocketVersionHeader(_) => {
                return ProblemResponse::new(OTHER_VERSION, "This server speaks version 13 only.")
                    .with_header(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
            }
            WebSocketUpgradeRejection::WebSocketKeyHeaderMissing(_) => {
                "Sec-WebSocket-Key is missing."
            }
            _ => {
                "This address is for WebSockets: ask with HTTP/1.1, Connection: Upgrade and Upgrade: websocket."
            }
        };
        ProblemResponse::new(BAD_UPGRADE, detail)
    }
}

/// The client offered no subprotocol of this server.
#[derive(Debug)]
pub struct OtherProtocol {
    /// The subprotocols of this server.
    spoken: &'static [&'static str],
}

impl OtherProtocol {
    const REFUSAL: Refusal =
        Refusal::new(ProblemKind::ProtocolVersion).when("the subprotocol was not offered");
}

impl Refuse for OtherProtocol {
    fn refusals() -> Vec<Refusal> {
        vec![Self::REFUSAL]
    }

    fn into_problem(self) -> ProblemResponse {
        let Self { spoken } = self;
        let spoken = spoken.join(" and ");
        let detail = format!("This server speaks the subprotocol {spoken}. Update the client.");
        ProblemResponse::new(Self::REFUSAL, detail)
    }
}

/// The connection cannot be given away.
#[derive(Debug)]
pub struct NotUpgradable;

impl Refuse for NotUpgradable {
    fn refusals() -> Vec<Refusal> {
        vec![BAD_UPGRADE]
    }

    fn into_problem(self) -> ProblemResponse {
        ProblemResponse::new(BAD_UPGRADE, "This connection cannot be upgraded.")
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::Request;
    use http::header::{
        CONNECTION, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
    };
    use tokio_util::sync::CancellationToken;

    use super::Upgrade;
    use crate::config::Config;
    use crate::http::state::HttpSettings;
    use crate::tasks::Tasks;

    /// The subprotocol that a server of two versions selects.
    async fn selected(offered: &str) -> Option<String> {
        let mut request = Request::get("/ws")
            .header(CONNECTION, "upgrade")
            .header(UPGRADE, "websocket")
            .header(SEC_WEBSOCKET_VERSION, "13")
            .header(SEC_WEBSOCKET_KEY, "dGhlIHNhbXBsZSBub25jZQ==")
            .header(SEC_WEBSOCKET_PROTOCOL, offered)
            .body(())
            .unwrap();
        let on_upgrade = hyper::upgrade::on(&mut request);
        request.extensions_mut().insert(on_upgrade);
        let (mut parts, ()) = request.into_parts();
        let tasks = Tasks::new(CancellationToken::new(), Duration::ZERO);
        let settings = HttpSettings::from(&Config::default());
        let upgrade = Upgrade::of(&mut parts, &tasks, &settings).await.unwrap();
        let upgrade = upgrade.with_protocol(&["game.v2", "game.v1"]).ok()?;
        Some(upgrade.axum.selected_protocol()?.to_str().unwrap().to_owned())
    }

    #[tokio::test]
    async fn the_newest_subprotocol_that_both_speak_is_selected() {
        for (offered, wanted) in [
            ("game.v2", Some("game.v2")),
            ("game.v1", Some("game.v1")),
            ("game.v1, game.v2", Some("game.v2")),
            ("game.v3, game.v1", Some("game.v1")),
            ("game.v3", None),
        ] {
            assert_eq!(selected(offered).await.as_deref(), wanted, "{offered}");
        }
    }
}
