//! `/api/session`: begin a session, read it, link another device to its player, end it.

use std::net::IpAddr;
use std::sync::Arc;

use axum::Json;
use axum::extract::{FromRef, State};
use axum::response::{IntoResponse as _, Response};
use http::header::{CACHE_CONTROL, SET_COOKIE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use shared::api::{DeviceLink, ProblemKind, Session, SessionRequest};
use shared::id::{NameError, PlayerName};

use super::error::{HttpResult, Refuse, one_of};
use super::extract::JsonBody;
use super::failures::{Fault, TooManyRenames, TooManySessions};
use super::problem::ProblemResponse;
use super::refusal::Refusal;
use super::state::HttpState;
use crate::client_address::ClientAddress;
use crate::device_links::{DeviceLinks, InvalidCode, TooManyCodes};
use crate::limits::Limits;
use crate::player::Player;
use crate::sessions::{Sessions, token_of};
use crate::storage::StoreError;

/// Begins a session: of a new guest, or of the player of a device-link code.
///
/// With a valid token, a name renames its guest, and a code of the same player keeps the session.
#[utoipa::path(
    post, path = "/api/session", operation_id = "beginSession", tag = "session",
    security((), ("bearer" = []), ("cookie" = [])),
    request_body(content = SessionRequest, examples(
        ("name" = (summary = "A guest", value = json!({"name": "Ada"}))),
        ("handover" = (summary = "The player of another device", value = json!({"handover": "x0ZvYq3Jk8wN5tRr1LbM2A"}))),
    )),
    responses(
        (status = 201, description = "A new guest, or one more session of the player", body = Session,
            headers(("Set-Cookie" = String, description = "The token, for browsers")),
            links(("profile" = (operation_id = "readPlayer", parameters(("id" = "$response.body#/player"))))),
            example = json!({"player": "4T9Q2ZC7M1KD", "name": "Ada", "token": "x0ZvYq3Jk8wN5tRr1LbM2A"})),
        (status = 200, description = "The same guest under the new name, or the session of the token", body = Session,
            headers(("Set-Cookie" = String, description = "The token, for browsers"))),
    )
)]
pub async fn begin(
    State(guests): State<Guests>,
    ClientAddress(address): ClientAddress,
    headers: HeaderMap,
    known: Option<Player>,
    JsonBody(request): JsonBody<SessionRequest>,
) -> HttpResult<Response, BeginError> {
    let known = known.zip(token_of(&headers).map(str::to_owned));
    let (status, session) = match request {
        SessionRequest::Name { name } => guests.begin(address, known, &name).await?,
        SessionRequest::DeviceLink { code } => guests.resume(address, known, &code).await?,
    };
    Ok((status, with_cookie(&guests.sessions, &session.token)?, Json(session)).into_response())
}

/// The player of the request, and the token that it brought.
type Known = Option<(Player, String)>;

/// The parts that begin a session.
#[derive(Clone)]
pub struct Guests {
    sessions: Arc<Sessions>,
    codes: Arc<DeviceLinks>,
    limits: Arc<Limits>,
}

impl FromRef<HttpState> for Guests {
    fn from_ref(state: &HttpState) -> Self {
        let (sessions, codes) = (FromRef::from_ref(state), FromRef::from_ref(state));
        Self { sessions, codes, limits: FromRef::from_ref(state) }
    }
}

impl Guests {
    async fn begin(
        &self,
        address: IpAddr,
        known: Known,
        name: &str,
    ) -> Result<(StatusCode, Session), BeginError> {
        let name = PlayerName::parse(name)?;
        if let Some((player, token)) = known {
            self.limits.renames.take(player.id).map_err(TooManyRenames)?;
            self.sessions.rename(player.id, name.clone()).await?;
            return Ok((StatusCode::OK, Session { player: player.id, name, token }));
        }
        self.count(address)?;
        Ok((StatusCode::CREATED, self.sessions.begin(name).await?))
    }

    async fn resume(
        &self,
        address: IpAddr,
        known: Known,
        code: &str,
    ) -> Result<(StatusCode, Session), BeginError> {
        // Counted before the code is used up, and for wrong ones too.
        self.count(address)?;
        let player = self.codes.redeem(code)?;
        if let Some((known, token)) = known.filter(|(known, _)| known.id == player) {
            return Ok((StatusCode::OK, Session { player, name: known.name, token }));
        }
        let session = self.sessions.resume(player).await?;
        Ok((StatusCode::CREATED, session.ok_or(InvalidCode)?))
    }

    /// Counts a new session against the limit of its address.
    fn count(&self, address: IpAddr) -> Result<(), TooManySessions> {
        self.limits.sessions.take(address).map_err(TooManySessions)
    }
}

one_of! {
    /// Why no session begins.
    pub enum BeginError {
        /// The name breaks a rule.
        Name(NameError),
        /// The address begins too many.
        TooManySessions(TooManySessions),
        /// The player changes the name too often.
        TooManyRenames(TooManyRenames),
        /// The code works for no player.
        Code(InvalidCode),
        /// The sessions cannot be read or written.
        Store(StoreError),
        /// The answer cannot be written.
        Fault(Fault),
    }
}

const BAD_NAME: Refusal =
    Refusal::new(ProblemKind::BadName).when("the sentence says which rule it breaks");
const BAD_CODE: Refusal = Refusal::new(ProblemKind::BadTicket)
    .when("the code was used, has expired, or is another server's");
const TOO_MANY_CODES: Refusal =
    Refusal::new(ProblemKind::Overloaded).when("too many codes wait to be used");

impl Refuse for NameError {
    fn refusals() -> Vec<Refusal> {
        vec![BAD_NAME]
    }

    fn into_problem(self) -> ProblemResponse {
        ProblemResponse::of(BAD_NAME, &self)
    }
}

impl Refuse for InvalidCode {
    fn refusals() -> Vec<Refusal> {
        vec![BAD_CODE]
    }

    fn into_problem(self) -> ProblemResponse {
        ProblemResponse::of(BAD_CODE, &self)
    }
}

impl Refuse for TooManyCodes {
    fn refusals() -> Vec<Refusal> {
        vec![TOO_MANY_CODES]
    }

    fn into_problem(self) -> ProblemResponse {
        ProblemResponse::of(TOO_MANY_CODES, &self)
    }
}

/// Issues a device-link code, with which another device becomes the same player.
///
/// It works once, within a minute.
#[utoipa::path(
    post, path = "/api/session/handovers", operation_id = "handOver", tag = "session",
    security(("bearer" = []), ("cookie" = [])),
    responses(
        (status = 201, description = "The code", body = DeviceLink,
            links(("redeem" = (operation_id = "beginSession", request_body = json!({"handover": "$response.body#/code"})))),
            example = json!({"code": "x0ZvYq3Jk8wN5tRr1LbM2A", "expires_in_s": 60})),
    )
)]
pub async fn link_device(
    State(codes): State<Arc<DeviceLinks>>,
    player: Player,
) -> HttpResult<Response, TooManyCodes> {
    let code = codes.issue(player.id)?;
    Ok((StatusCode::CREATED, [(CACHE_CONTROL, "no-store")], Json(code)).into_response())
}

/// Reads the session.
#[utoipa::path(
    get, path = "/api/session", operation_id = "readSession", tag = "session",
    security(("bearer" = []), ("cookie" = [])),
    responses(
        (status = 200, description = "The session without its token", body = Session,
            example = json!({"player": "4T9Q2ZC7M1KD", "name": "Ada"})),
    )
)]
pub async fn read(player: Player) -> Response {
    let session = Session { player: player.id, name: player.name, token: String::new() };
    ([(CACHE_CONTROL, "no-store")], Json(session)).into_response()
}

/// Ends the session. Its token is invalid afterwards.
#[utoipa::path(
    delete, path = "/api/session", operation_id = "endSession", tag = "session",
    security((), ("bearer" = []), ("cookie" = [])),
    responses((status = 204, description = "The session has ended, if there was one", 
        headers(("Set-Cookie" = String, description = "Removes the token"))))
)]
pub async fn end(
    State(sessions): State<Arc<Sessions>>,
    headers: HeaderMap,
) -> HttpResult<Response, EndError> {
    sessions.end(&headers).await?;
    Ok((StatusCode::NO_CONTENT, with_cookie(&sessions, "")?).into_response())
}

one_of! {
    /// Why a session does not end.
    pub enum EndError {
        /// The sessions cannot be written.
        Store(StoreError),
        /// The answer cannot be written.
        Fault(Fault),
    }
}

fn with_cookie(sessions: &Sessions, token: &str) -> Result<[(HeaderName, HeaderValue); 2], Fault> {
    let cookie = HeaderValue::try_from(sessions.cookie(token)).or(Err(Fault))?;
    Ok([(SET_COOKIE, cookie), (CACHE_CONTROL, HeaderValue::from_static("no-store"))])
}
