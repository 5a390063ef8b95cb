//! The HTTP calls.

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

use super::Trouble;
use crate::invite::HandoverCode;

/// A call that is not a long-poll takes no longer.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);
/// How long the server may hold a long-poll.
const WAIT_SECONDS: u32 = 25;
/// No server makes us wait longer.
const PAUSE_MAX: Duration = Duration::from_secs(120);
/// The longest answer that is read.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;

/// Why a call has no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum CallError {
    /// The server refused, and said why.
    #[error("{}", .problem.detail)]
    Refused {
        /// Why.
        problem: Problem,
        /// How long the server asks to wait before the next try.
        pause: Duration,
    },
    /// Nobody there, or the connection broke.
    #[error("the server cannot be reached")]
    Unreachable(#[source] reqwest::Error),
    /// Something between here and the server answers for it, or it is in a bad way.
    #[error("the server cannot answer at the moment (HTTP {status})")]
    Faulty {
        /// 500 or more.
        status: u16,
        /// How long it asks to wait before the next try.
        pause: Duration,
    },
    /// It has stopped in the middle of an answer, or before it.
    #[error("the server has stopped answering")]
    Silent,
    /// It answered something else than Pushback's API.
    #[error("this is not a Pushback server, or one of another version")]
    Foreign,
}

impl CallError {
    /// The kind of refusal, when this build knows it.
    pub(super) fn kind(&self) -> Option<ProblemKind> {
        match self {
            Self::Refused { problem, .. } => problem.known_kind(),
            Self::Faulty { .. } | Self::Unreachable(_) | Self::Silent | Self::Foreign => None,
        }
    }

    /// Whether the session is worth nothing (any more).
    pub(super) fn wants_sign_in(&self) -> bool {
        self.kind() == Some(ProblemKind::SignIn)
    }

    /// Whether the same call can succeed later.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            Self::Refused { problem, .. } => problem.status >= 500 || problem.status == 429,
            Self::Faulty { .. } | Self::Unreachable(_) | Self::Silent => true,
            Self::Foreign => false,
        }
    }

    /// The next try makes no sense sooner.
    pub(super) fn pause(&self) -> Duration {
        match self {
            Self::Refused { pause, .. } | Self::Faulty { pause, .. } => *pause,
            Self::Unreachable(_) | Self::Silent | Self::Foreign => Duration::ZERO,
        }
    }

    /// In words for a person.
    pub(super) fn trouble(&self) -> Trouble {
        Trouble {
            text: presentation::words::sentence(&self.to_string()),
            may_pass: self.may_pass(),
        }
    }
}

/// One server, and who one is there.
#[derive(Debug, Clone)]
pub(super) struct Api {
    http: Client,
    server: String,
    /// Shared by all clones: when one has to sign in again, the others go on as the same guest.
    token: Arc<Mutex<Option<String>>>,
}

impl Api {
    /// Calls to a server such as `http://127.0.0.1:7777`.
    pub(super) fn new(server: &str) -> Result<Self, reqwest::Error> {
        let http = Client::builder().tcp_nodelay(true).connect_timeout(CALL_TIMEOUT).build()?;
        let token = Arc::default();
        Ok(Self { http, server: server.trim_end_matches('/').to_owned(), token })
    }

    /// The server's address.
    pub(super) fn server(&self) -> &str {
        &self.server
    }

    /// The WebSocket address for a path on the server.
    pub(super) fn socket_address(&self, path: &str) -> String {
        let swapped = self.server.strip_prefix("http").unwrap_or(&self.server);
        format!("ws{swapped}{path}")
    }

    /// Becomes somebody. A token that is refused is forgotten, and a new guest made.
    pub(super) async fn sign_in(
        &self,
        name: &PlayerName,
        token: Option<String>,
    ) -> Result<Session, CallError> {
        self.keep(token);
        let body = SessionRequest::Name { name: name.as_str().to_owned() };
        let session: Session = match self.post("/api/session", &body).await {
            Err(error) if error.wants_sign_in() && self.token().is_some() => {
                self.keep(None);
                self.post("/api/session", &body).await?
            }
            other => other?,
        };
        if !session.token.is_empty() {
            self.keep(Some(session.token.clone()));
        }
        Ok(session)
    }

    /// Becomes the player of another program. The token of that very player stays in use.
    ///
    /// # Errors
    /// In words for a person: the code comes from one.
    pub(super) async fn redeem(
        &self,
        code: &HandoverCode,
        token: Option<String>,
    ) -> Result<Session, Trouble> {
        self.keep(token);
        let body = SessionRequest::DeviceLink { code: code.as_str().to_owned() };
        let session: Session =
            self.post("/api/session", &body).await.map_err(|error: CallError| {
                match error.kind() {
                    Some(ProblemKind::BadTicket) => Trouble {
                        text: "The browser's code works once and for a minute, and this one does not any more. \
                               Press \u{201c}Open the game\u{201d} there again."
                            .to_owned(),
                        may_pass: false,
                    },
                    _ => error.trouble(),
                }
            })?;
        self.keep(Some(session.token.clone()));
        Ok(session)
    }

    /// The token in use.
    pub(super) fn token(&self) -> Option<String> {
        self.token.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn keep(&self, token: Option<String>) {
        *self.token.lock().unwrap_or_else(PoisonError::into_inner) = token;
    }

    pub(super) async fn rooms(&self) -> Result<RoomList, CallError> {
        self.get("/api/rooms").await
    }

    /// One room; nothing when there is none, or it has ended.
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

    /// The next change of a matchmaking ticket; nothing when the wait ended without one.
    pub(super) async fn queue_after(
        &self,
        ticket: &MatchTicket,
    ) -> Result<Option<MatchTicket>, CallError> {
        let path = format!(
            "/api/matchmaking/{}?after={}&wait={WAIT_SECONDS}",
            ticket.ticket, ticket.version
        );
        let patience = CALL_TIMEOUT + Duration::from_secs(u64::from(WAIT_SECONDS));
        let answer = send(self.call(Method::GET, &path).timeout(patience)).await?;
        if answer.status() == StatusCode::NO_CONTENT {
            return Ok(None);
        }
        read(answer).await.map(Some)
    }

    pub(super) async fn leave_queue(&self, ticket: &str) -> Result<(), CallError> {
        let call = self.call(Method::DELETE, &format!("/api/matchmaking/{ticket}"));
        send(call.timeout(CALL_TIMEOUT)).await.map(drop)
    }

    /// A body that is read as it comes: without a limit to the whole time.
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

/// Sends a call; a refusal becomes an error.
pub(super) async fn send(call: RequestBuilder) -> Result<Response, CallError> {
    let answer = call.send().await.map_err(CallError::Unreachable)?;
    if answer.status().is_success() {
        return Ok(answer);
    }
    let (status, pause) = (answer.status().as_u16(), retry_after(answer.headers()));
    Err(refusal(status, &body(answer).await?, pause))
}

/// What a refusal says.
pub(super) fn refusal(status: u16, body: &[u8], pause: Duration) -> CallError {
    match serde_json::from_slice(body) {
        Ok(problem) => CallError::Refused { problem, pause },
        Err(_) if status >= 500 => CallError::Faulty { status, pause },
        Err(_) => CallError::Foreign,
    }
}

/// How long an answer asks to wait (RFC 9110 §10.2.3), within reason. A date counts as nothing: no Pushback server
/// sends one.
pub(super) fn retry_after(headers: &HeaderMap) -> Duration {
    let seconds = headers.get(RETRY_AFTER).and_then(|text| text.to_str().ok()?.parse().ok());
    Duration::from_secs(seconds.unwrap_or(0)).min(PAUSE_MAX)
}

async fn read<T: DeserializeOwned>(answer: Response) -> Result<T, CallError> {
    serde_json::from_slice(&body(answer).await?).map_err(|_reason| CallError::Foreign)
}

async fn body(mut answer: Response) -> Result<Vec<u8>, CallError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(CallError::Unreachable)? {
        if bytes.len() + chunk.len() > ANSWER_BYTES_MAX {
            return Err(CallError::Foreign);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}
