//! The HTTP calls to one server.

use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};
use reqwest::{Client, Method, Proxy, RequestBuilder, Response, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use shared::api::{
    CreateRoom, MatchRequest, MatchTicket, Problem, ProblemKind, Role, RoomDetails, RoomList,
    Session, SessionRequest, TicketRequest, WebSocketTicket,
};
use shared::id::PlayerName;
use shared::invitation::RoomAddress;
use shared::sim::Mode;
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

use super::error::UserError;
use super::events::{RoomListing, ServerTime};
use super::{proxies, trust};
use crate::invite::DeviceLinkCode;

/// A call that is not a long-poll fails after this time.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);
/// How long the server may hold a long-poll before it answers.
const WAIT_SECONDS: u32 = 10;
/// The answer to a long-poll may be this late. A dead line is noticed then.
const LATE: Duration = Duration::from_secs(4);
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
    #[error("the server cannot be reached{}", through(.0))]
    Unreachable(#[source] reqwest::Error),
    /// The server's certificate is not valid, and why.
    #[error("the server's certificate {0}")]
    Certificate(String),
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
            | Self::Certificate(_)
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
            Self::Certificate(_) | Self::NotPushback => false,
        }
    }

    /// The shortest time that the server asks to wait before the next attempt. Zero when it does not ask.
    pub(super) fn retry_after(&self) -> Duration {
        match self {
            Self::Refused { retry_after, .. } | Self::ServerFault { retry_after, .. } => {
                *retry_after
            }
            Self::Unreachable(_) | Self::Certificate(_) | Self::TimedOut | Self::NotPushback => {
                Duration::ZERO
            }
        }
    }

    /// The error in words for a person.
    pub(super) fn user_error(&self) -> UserError {
        let text = presentation::words::sentence(&self.to_string());
        UserError { text, is_transient: self.is_transient() }
    }
}

/// The proxy on the way to the address of an error, as the end of a sentence.
fn through(error: &reqwest::Error) -> String {
    let proxy = error.url().and_then(proxies::proxy_for).and_then(|proxy| proxy.host_str());
    proxy.map(|proxy| format!(" through the proxy {proxy}")).unwrap_or_default()
}

/// One server, and the session there.
#[derive(Debug, Clone)]
pub(super) struct Api {
    http: Client,
    server: String,
    /// Shared by all clones: when the session is renewed, all of them use the new token.
    token: Arc<watch::Sender<Option<String>>>,
    /// Takes the token of a session that the server does not know any more. `None`: nothing renews this session.
    lost: Option<mpsc::Sender<String>>,
}

impl Api {
    /// Calls to the server at this address, such as `http://127.0.0.1:7777`.
    pub(super) fn new(server: &str) -> Result<Self, reqwest::Error> {
        let http = Client::builder()
            .tcp_nodelay(true)
            .connect_timeout(CALL_TIMEOUT)
            .tls_backend_preconfigured((*trust::tls()).clone())
            .proxy(Proxy::custom(|url| proxies::proxy_for(url).cloned()))
            .build()?;
        let (token, _) = watch::channel(None);
        let server = server.trim_end_matches('/').to_owned();
        Ok(Self { http, server, token: Arc::new(token), lost: None })
    }

    /// Gets a new session through `lost` whenever the server does not know this one any more.
    pub(super) fn renewed_through(self, lost: mpsc::Sender<String>) -> Self {
        Self { lost: Some(lost), ..self }
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
        let session: Session = match self.post_once("/api/session", &body).await {
            Err(error) if error.needs_sign_in() && self.token().is_some() => {
                self.set_token(None);
                self.post_once("/api/session", &body).await?
            }
            other => other?,
        };
        Ok(self.keep_token(session))
    }

    /// Signs in as the owner of a token, whose name may have changed elsewhere. When the token is refused, the server makes a
    /// new guest under this name.
    pub(super) async fn return_as(
        &self,
        name: &PlayerName,
        token: Option<String>,
    ) -> Result<Session, CallError> {
        self.set_token(token.clone());
        let call = self.call(Method::GET, "/api/session").timeout(CALL_TIMEOUT);
        match send(call).await {
            Ok(answer) => Ok(self.keep_token(read(answer).await?)),
            Err(error) if error.needs_sign_in() => self.sign_in(name, token).await,
            Err(error) => Err(error),
        }
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
            self.post_once("/api/session", &body).await.map_err(|error: CallError| {
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
        self.token.borrow().clone()
    }

    /// All clones use this token from now on.
    pub(super) fn set_token(&self, token: Option<String>) {
        self.token.send_replace(token);
    }

    /// Waits for a new session in place of the one with this token, which the server does not know. False when there is
    /// none in time.
    pub(super) async fn renew(&self, stale: Option<String>) -> bool {
        let (Some(lost), Some(token)) = (&self.lost, stale) else { return false };
        let mut tokens = self.token.subscribe();
        if self.token().as_deref() == Some(&*token) {
            // When the queue is full, it is known already.
            drop(lost.try_send(token.clone()));
        }
        let renewed = tokens.wait_for(|now| now.as_deref() != Some(&*token));
        matches!(timeout(CALL_TIMEOUT, renewed).await, Ok(Ok(_)))
    }

    /// The address that the server's links carry. `None` when its host has not set one.
    pub(super) async fn public_address(&self) -> Option<String> {
        let about: Value = self.get("/api/about").await.ok()?;
        crate::address::parse(about.get("url")?.as_str()?).ok()
    }

    /// The public rooms. Those of a kind that this build does not know are counted.
    pub(super) async fn rooms(&self) -> Result<RoomListing, CallError> {
        let mut list: Value = self.get("/api/rooms").await?;
        let (rooms, not_understood) = known_entries(&mut list, "rooms")?;
        Ok(RoomListing { list: RoomList { rooms }, not_understood })
    }

    /// One room. `None` when there is no such room, or no longer.
    pub(super) async fn room(&self, room: RoomAddress) -> Result<Option<RoomDetails>, CallError> {
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
        room: RoomAddress,
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
        let longest = LATE + Duration::from_secs(u64::from(WAIT_SECONDS));
        let answer = self.send(|| self.call(Method::GET, &path).timeout(longest)).await?;
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
        Ok(self.get_at(path).await?.0)
    }

    /// Like [`Api::get`], with the server's time.
    pub(super) async fn get_at<T: DeserializeOwned>(
        &self,
        path: &str,
    ) -> Result<(T, Option<ServerTime>), CallError> {
        let answer = self.send(|| self.call(Method::GET, path).timeout(CALL_TIMEOUT)).await?;
        let time = server_time(answer.headers());
        Ok((read(answer).await?, time))
    }

    async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, CallError> {
        read(self.send(|| self.post_call(path, body)).await?).await
    }

    /// A call that is not repeated with a new session.
    async fn post_once<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, CallError> {
        read(send(self.post_call(path, body)).await?).await
    }

    fn post_call(&self, path: &str, body: &impl Serialize) -> RequestBuilder {
        self.call(Method::POST, path).timeout(CALL_TIMEOUT).json(body)
    }

    /// Sends a call, and once more when the server did not know the session and there is a new one.
    async fn send(&self, call: impl Fn() -> RequestBuilder) -> Result<Response, CallError> {
        let token = self.token();
        match send(call()).await {
            Err(error) if error.needs_sign_in() && self.renew(token).await => send(call()).await,
            answer => answer,
        }
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
    let answer = call.send().await.map_err(failure)?;
    if answer.status().is_success() {
        return Ok(answer);
    }
    let (status, retry_after) = (answer.status().as_u16(), retry_after(answer.headers()));
    Err(refusal(status, &body(answer).await?, retry_after))
}

/// Why there is no answer.
pub(super) fn failure(error: reqwest::Error) -> CallError {
    match trust::certificate_fault(&error) {
        Some(fault) => CallError::Certificate(fault),
        None if error.is_timeout() && !error.is_connect() => CallError::TimedOut,
        None => CallError::Unreachable(error),
    }
}

/// Takes the list `name` out of an answer: the entries that this build understands, and the number of the others.
pub(super) fn known_entries<T: DeserializeOwned>(
    answer: &mut Value,
    name: &str,
) -> Result<(Vec<T>, usize), CallError> {
    let Some(Value::Array(entries)) = answer.get_mut(name).map(Value::take) else {
        return Err(CallError::NotPushback);
    };
    let count = entries.len();
    let known = entries.into_iter().filter_map(|entry| serde_json::from_value(entry).ok());
    let known: Vec<T> = known.collect();
    let others = count - known.len();
    Ok((known, others))
}

/// The server's clock at the moment of an answer (RFC 9110 §6.6.1).
fn server_time(headers: &HeaderMap) -> Option<ServerTime> {
    let date = httpdate::parse_http_date(headers.get(DATE)?.to_str().ok()?).ok()?;
    let since = date.duration_since(std::time::UNIX_EPOCH).ok()?;
    Some(ServerTime { ms: u64::try_from(since.as_millis()).ok()?, at: Instant::now() })
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
    while let Some(chunk) = answer.chunk().await.map_err(failure)? {
        if bytes.len() + chunk.len() > ANSWER_BYTES_MAX {
            return Err(CallError::NotPushback);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use shared::api::RoomSummary;

    use super::known_entries;

    #[test]
    fn a_room_of_an_unknown_mode_does_not_hide_the_others() {
        let room = |id: &str, mode: &str| {
            json!({ "id": id, "mode": mode, "phase": "playing", "round": 1, "players": 1, "bots": 0,
                "seats": 8, "spectators": 0, "ends_at_ms": null, "leader": null, "weather": "snow" })
        };
        let mut list = json!({ "rooms": [room("ABC123", "brawl"), room("ABC124", "curling"), room("ABC125", "duel"), 7] });

        let (rooms, others) = known_entries::<RoomSummary>(&mut list, "rooms").expect("a list");

        assert_eq!((rooms.len(), others), (2, 2));
        assert!(known_entries::<RoomSummary>(&mut json!({ "rooms": 3 }), "rooms").is_err());
    }
}
