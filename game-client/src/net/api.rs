//! The HTTP calls to one server.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use shared::api::{
    CreateRoom, MatchRequest, MatchTicket, Problem, ProblemKind, Role, RoomDetails, RoomList,
    Session, SessionRequest, TicketRequest, WebSocketTicket,
};
use shared::id::{PlayerName, RoomId};
use shared::sim::Mode;

use super::error::UserError;
use crate::invite::DeviceLinkCode;

/// A call that is not a long-poll fails after this time.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);
/// How long the server may hold a long-poll before it answers.
const WAIT_SECONDS: u32 = 25;
/// A longer `Retry-After` counts as this.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(120);
/// A longer body is not read.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum CallError {
    /// The server refused the call with a problem document.
    #[error("{}", .problem.detail)]
    Refused {
        /// The problem document.
        problem: Problem,
        /// The shortest time that the server asks to wait before the next attempt.
        retry_after: Duration,
    },
    /// Nothing answers at the address, or the connection broke.
    #[error("the server cannot be reached")]
    Unreachable(#[source] reqwest::Error),
    /// A server error without a problem document: the server is broken, or a proxy answers in its place.
    #[error("the server cannot answer at the moment (HTTP {status})")]
    ServerFault {
        /// The HTTP status, 500 or more.
        status: u16,
        /// The shortest time that the server asks to wait before the next attempt.
        retry_after: Duration,
    },
    /// Nothing arrived for too long.
    #[error("the server stopped responding")]
    TimedOut,
    /// The answer does not follow Pushback's API.
    #[error("this is no Pushback server, or it has another version")]
    NotPushback,
}

impl CallError {
    /// The kind of refusal. `None` for other errors, and for a kind that this build does not know.
    pub(super) fn kind(&self) -> Option<ProblemKind> {
        match self {
            Self::Refused { problem, .. } => problem.known_kind(),
            Self::ServerFault { .. }
            | Self::Unreachable(_)
            | Self::TimedOut
            | Self::NotPushback => None,
        }
    }

    /// Whether the session is not valid, or no longer.
    pub(super) fn needs_sign_in(&self) -> bool {
        self.kind() == Some(ProblemKind::SignIn)
    }

    /// Whether the same call can succeed later.
    pub(super) fn is_transient(&self) -> bool {
        match self {
            Self::Refused { problem, .. } => problem.status >= 500 || problem.status == 429,
            Self::ServerFault { .. } | Self::Unreachable(_) | Self::TimedOut => true,
            Self::NotPushback => false,
        }
    }

    /// The shortest time that the server asks to wait before the next attempt. Zero when it does not ask.
    pub(super) fn retry_after(&self) -> Duration {
        match self {
            Self::Refused { retry_after, .. } | Self::ServerFault { retry_after, .. } => {
                *retry_after
            }
            Self::Unreachable(_) | Self::TimedOut | Self::NotPushback => Duration::ZERO,
        }
    }

    /// The error in words for a person.
    pub(super) fn user_error(&self) -> UserError {
        let text = presentation::words::sentence(&self.to_string());
        UserError { text, is_transient: self.is_transient() }
    }
}

/// One server, and the session there.
#[derive(Debug, Clone)]
pub(super) struct Api {
    http: Client,
    server: String,
    /// Shared by all clones: when one of them signs in again, the others use the new token.
    token: Arc<Mutex<Option<String>>>,
}

impl Api {
    /// Calls to the server at this address, such as `http://127.0.0.1:7777`.
    pub(super) fn new(server: &str) -> Result<Self, reqwest::Error> {
        let http = Client::builder().tcp_nodelay(true).connect_timeout(CALL_TIMEOUT).build()?;
        let token = Arc::default();
        Ok(Self { http, server: server.trim_end_matches('/').to_owned(), token })
    }

    /// The server's address.
    pub(super) fn server(&self) -> &str {
        &self.server
    }

    /// The WebSocket address of a path on the server.
    pub(super) fn socket_address(&self, path: &str) -> String {
        let swapped = self.server.strip_prefix("http").unwrap_or(&self.server);
        format!("ws{swapped}{path}")
    }

    /// Signs in under a name. When the token is refused, the server makes a new guest.
    pub(super) async fn sign_in(
        &self,
        name: &PlayerName,
        token: Option<String>,
    ) -> Result<Session, CallError> {
        self.set_token(token);
        let body = SessionRequest::Name { name: name.as_str().to_owned(), wants_token: true };
        let session: Session = match self.post("/api/session", &body).await {
            Err(error) if error.needs_sign_in() && self.token().is_some() => {
                self.set_token(None);
                self.post("/api/session", &body).await?
            }
            other => other?,
        };
        Ok(self.keep_token(session))
    }

    /// Keeps the token of a new session. The server sends no token of a session that goes on: it is known.
    fn keep_token(&self, session: Session) -> Session {
        if session.token.is_empty() {
            return Session { token: self.token().unwrap_or_default(), ..session };
        }
        self.set_token(Some(session.token.clone()));
        session
    }

    /// Signs in as the player of another program, by its code. When the token already is that player's, it stays in use.
    ///
    /// # Errors
    /// In words for a person, because a person copied the code.
    pub(super) async fn redeem(
        &self,
        code: &DeviceLinkCode,
        token: Option<String>,
    ) -> Result<Session, UserError> {
        self.set_token(token);
        let body = SessionRequest::DeviceLink { code: code.as_str().to_owned(), wants_token: true };
        let session: Session =
            self.post("/api/session", &body).await.map_err(|error: CallError| {
                match error.kind() {
                    Some(ProblemKind::BadTicket) => UserError {
                        text: "The browser's code works once and for a minute, and this one does not any more. \
                               Press \u{201c}Open the game\u{201d} there again."
                            .to_owned(),
                        is_transient: false,
                    },
                    _ => error.user_error(),
                }
            })?;
        Ok(self.keep_token(session))
    }

    /// The token in use.
    pub(super) fn token(&self) -> Option<String> {
        self.token.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set_token(&self, token: Option<String>) {
        *self.token.lock().unwrap_or_else(PoisonError::into_inner) = token;
    }

    pub(super) async fn rooms(&self) -> Result<RoomList, CallError> {
        self.get("/api/rooms").await
    }

    /// One room. `None` when there is no such room, or no longer.
    pub(super) async fn room(&self, room: RoomId) -> Result<Option<RoomDetails>, CallError> {
        match self.get(&format!("/api/rooms/{room}")).await {
            Ok(details) => Ok(Some(details)),
            Err(error) => match error.kind() {
                Some(ProblemKind::NotFound | ProblemKind::RoomEnded) => Ok(None),
                _ => Err(error),
            },
        }
    }

    pub(super) async fn create(&self, room: &CreateRoom) -> Result<RoomDetails, CallError> {
        self.post("/api/rooms", room).await
    }

    pub(super) async fn seat_ticket(
        &self,
        room: RoomId,
        role: Role,
    ) -> Result<WebSocketTicket, CallError> {
        self.post(&format!("/api/rooms/{room}/tickets"), &TicketRequest { role }).await
    }

    pub(super) async fn chat_ticket(&self) -> Result<WebSocketTicket, CallError> {
        self.post("/api/chat/tickets", &serde_json::json!({})).await
    }

    pub(super) async fn queue(&self, mode: Mode) -> Result<MatchTicket, CallError> {
        self.post("/api/matchmaking", &MatchRequest { mode }).await
    }

    /// The next change of a matchmaking ticket. `None` when the wait ended without one.
    pub(super) async fn queue_after(
        &self,
        ticket: &MatchTicket,
    ) -> Result<Option<MatchTicket>, CallError> {
        let path = format!(
            "/api/matchmaking/{}?after={}&wait={WAIT_SECONDS}",
            ticket.ticket, ticket.version
        );
        let longest = CALL_TIMEOUT + Duration::from_secs(u64::from(WAIT_SECONDS));
        let answer = send(self.call(Method::GET, &path).timeout(longest)).await?;
        if answer.status() == StatusCode::NO_CONTENT {
            return Ok(None);
        }
        read(answer).await.map(Some)
    }

    pub(super) async fn leave_queue(&self, ticket: &str) -> Result<(), CallError> {
        let call = self.call(Method::DELETE, &format!("/api/matchmaking/{ticket}"));
        send(call.timeout(CALL_TIMEOUT)).await.map(drop)
    }

    /// A call whose body is read while it arrives. It has no timeout as a whole.
    pub(super) fn download(&self, path: &str) -> RequestBuilder {
        self.call(Method::GET, path)
    }

    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, CallError> {
        read(send(self.call(Method::GET, path).timeout(CALL_TIMEOUT)).await?).await
    }

    async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, CallError> {
        let call = self.call(Method::POST, path).timeout(CALL_TIMEOUT).json(body);
        read(send(call).await?).await
    }

    fn call(&self, method: Method, path: &str) -> RequestBuilder {
        let call = self.http.request(method, format!("{}{path}", self.server));
        match self.token() {
            Some(token) => call.bearer_auth(token),
            None => call,
        }
    }
}

/// Sends a call. A status other than 2xx becomes an error.
pub(super) async fn send(call: RequestBuilder) -> Result<Response, CallError> {
    let answer = call.send().await.map_err(CallError::Unreachable)?;
    if answer.status().is_success() {
        return Ok(answer);
    }
    let (status, retry_after) = (answer.status().as_u16(), retry_after(answer.headers()));
    Err(refusal(status, &body(answer).await?, retry_after))
}

/// The error that an answer with a status other than 2xx stands for.
pub(super) fn refusal(status: u16, body: &[u8], retry_after: Duration) -> CallError {
    match serde_json::from_slice(body) {
        Ok(problem) => CallError::Refused { problem, retry_after },
        Err(_) if status >= 500 => CallError::ServerFault { status, retry_after },
        Err(_) => CallError::NotPushback,
    }
}

/// The `Retry-After` of an answer (RFC 9110 §10.2.3), at most [`RETRY_AFTER_MAX`]. A date counts as zero: no Pushback
/// server sends one.
pub(super) fn retry_after(headers: &HeaderMap) -> Duration {
    let seconds = headers.get(RETRY_AFTER).and_then(|text| text.to_str().ok()?.parse().ok());
    Duration::from_secs(seconds.unwrap_or(0)).min(RETRY_AFTER_MAX)
}

async fn read<T: DeserializeOwned>(answer: Response) -> Result<T, CallError> {
    serde_json::from_slice(&body(answer).await?).map_err(|_reason| CallError::NotPushback)
}

async fn body(mut answer: Response) -> Result<Vec<u8>, CallError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(CallError::Unreachable)? {
        if bytes.len() + chunk.len() > ANSWER_BYTES_MAX {
            return Err(CallError::NotPushback);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}
