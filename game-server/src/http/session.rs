//! `/api/session`: begin a session, read it, link another device to its player, end it.

use std::net::IpAddr;
use std::sync::Arc;

use axum::Json;
use axum::extract::{FromRef, State};
use axum::response::{AppendHeaders, IntoResponse as _, Response};
use http::header::{CACHE_CONTROL, ORIGIN, SET_COOKIE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use shared::api::{DeviceLink, ProblemKind, Session, SessionRequest};
use shared::id::{NameError, PlayerName};

use super::error::{HttpResult, Refuse, one_of};
use super::extract::JsonBody;
use super::failures::{Fault, TooManyDeviceLinks, TooManyRenames, TooManySessions};
use super::problem::ProblemResponse;
use super::refusal::Refusal;
use super::sites::Sites;
use super::state::{HttpSettings, HttpState};
use crate::client_address::ClientAddress;
use crate::device_links::{DeviceLinks, InvalidCode};
use crate::limits::Limits;
use crate::player::Player;
use crate::renames::Renames;
use crate::sessions::cookie::{Carrier, Presented};
use crate::sessions::{NewSession, Sessions, SignedIn};
use crate::storage::StoreError;

/// Begins a session: of a new guest, or of the player of a device-link code.
///
/// With a valid token, a name renames its guest, and a code of the same player keeps the session. A new session's token
/// is in a cookie; a program that asks for it with `"token": true` gets it in the body instead, here and nowhere else.
#[utoipa::path(
    post, path = "/api/session", operation_id = "beginSession", tag = "session",
    security((), ("bearer" = []), ("cookie" = [])),
    request_body(content = SessionRequest, examples(
        ("name" = (summary = "A guest in a browser", value = json!({"name": "Ada"}))),
        ("program" = (summary = "A guest in a program that keeps the token", value = json!({"name": "Ada", "token": true}))),
        ("handover" = (summary = "The player of another device", value = json!({"handover": "x0ZvYq3Jk8wN5tRr1LbM2A", "token": true}))),
    )),
    responses(
        (status = 201, description = "A new guest, or one more session of the player", body = Session,
            headers(("Set-Cookie" = String, description = "The token, unless it is in the body")),
            links(("profile" = (operation_id = "readPlayer", parameters(("id" = "$response.body#/player"))))),
            example = json!({"player": "4T9Q2ZC7M1KD", "name": "Ada", "token": "x0ZvYq3Jk8wN5tRr1LbM2A"})),
        (status = 200, description = "The same guest under the new name, or the session of the token", body = Session,
            headers(("Set-Cookie" = String, description = "The token again, if it came in a cookie")),
            example = json!({"player": "4T9Q2ZC7M1KD", "name": "Ada"})),
    )
)]
pub async fn begin(
    State(guests): State<Guests>,
    State(settings): State<Arc<HttpSettings>>,
    ClientAddress(address): ClientAddress,
    headers: HeaderMap,
    known: Option<SignedIn>,
    JsonBody(request): JsonBody<SessionRequest>,
) -> HttpResult<Response, BeginError> {
    let (begun, wants_token) = match request {
        SessionRequest::Name { name, wants_token } => {
            (guests.begin(address, known, &name).await?, wants_token)
        }
        SessionRequest::DeviceLink { code, wants_token } => {
            (guests.resume(address, known, &code).await?, wants_token)
        }
    };
    Ok(match begun {
        Begun::New(session) if wants_token && may_have_token(&headers, &settings.sites) => {
            let NewSession { player: Player { id, name }, token } = session;
            let session = Session { player: id, name, token };
            (StatusCode::CREATED, NOT_STORED, Json(session)).into_response()
        }
        Begun::New(NewSession { player, token }) => {
            let cookie = set_cookies([guests.sessions.cookie().storing(&token)])?;
            (StatusCode::CREATED, cookie, NOT_STORED, Json(without_token(player))).into_response()
        }
        Begun::Known(player) => {
            let cookie = renewed_cookie(&guests.sessions, &headers)?;
            (cookie, NOT_STORED, Json(without_token(player))).into_response()
        }
    })
}

/// A page of this server gets no token, whatever its scripts ask for: it has the cookie. Browsers send one of these headers
/// with such a request, and scripts can neither set nor remove it. A listed site of another domain has no cookie.
fn may_have_token(headers: &HeaderMap, sites: &Sites) -> bool {
    let is_from_page = headers.contains_key(ORIGIN) || headers.contains_key("sec-fetch-site");
    !is_from_page || sites.is_listed(headers)
}

fn without_token(player: Player) -> Session {
    Session { player: player.id, name: player.name, token: String::new() }
}

/// A session that a request led to.
enum Begun {
    /// A new one.
    New(NewSession),
    /// The one that the request brought.
    Known(Player),
}

/// The parts that begin a session.
#[derive(Clone)]
pub struct Guests {
    sessions: Arc<Sessions>,
    codes: Arc<DeviceLinks>,
    limits: Arc<Limits>,
    renames: Renames,
}

impl FromRef<HttpState> for Guests {
    fn from_ref(state: &HttpState) -> Self {
        Self {
            sessions: FromRef::from_ref(state),
            codes: FromRef::from_ref(state),
            limits: FromRef::from_ref(state),
            renames: FromRef::from_ref(state),
        }
    }
}

impl Guests {
    async fn begin(
        &self,
        address: IpAddr,
        known: Option<SignedIn>,
        name: &str,
    ) -> Result<Begun, BeginError> {
        let name = PlayerName::choose(name)?;
        if let Some(SignedIn { player, .. }) = known {
            if player.name == name {
                return Ok(Begun::Known(player));
            }
            self.limits.renames.take(player.id).map_err(TooManyRenames)?;
            let renamed = Player { id: player.id, name };
            self.renames.rename(&renamed).await?;
            return Ok(Begun::Known(renamed));
        }
        self.count(address)?;
        Ok(Begun::New(self.sessions.begin(name).await?))
    }

    async fn resume(
        &self,
        address: IpAddr,
        known: Option<SignedIn>,
        code: &str,
    ) -> Result<Begun, BeginError> {
        // Counted before the code is used up, and for wrong ones too.
        self.count(address)?;
        let player = self.codes.redeem(code).await??;
        if let Some(known) = known.filter(|known| known.player.id == player) {
            return Ok(Begun::Known(known.player));
        }
        let session = self.sessions.resume(player).await?;
        Ok(Begun::New(session.ok_or(InvalidCode)?))
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
    State(limits): State<Arc<Limits>>,
    holder: SignedIn,
) -> HttpResult<Response, LinkError> {
    limits.device_links.take(holder.player.id).map_err(TooManyDeviceLinks)?;
    let code = codes.issue(&holder).await?;
    Ok((StatusCode::CREATED, NOT_STORED, Json(code)).into_response())
}

one_of! {
    /// Why there is no code.
    pub enum LinkError {
        /// The player asks for too many.
        TooMany(TooManyDeviceLinks),
        /// The codes cannot be written.
        Store(StoreError),
    }
}

/// Reads the session.
#[utoipa::path(
    get, path = "/api/session", operation_id = "readSession", tag = "session",
    security(("bearer" = []), ("cookie" = [])),
    responses(
        (status = 200, description = "The session without its token", body = Session,
            headers(("Set-Cookie" = String, description = "The token again, if it came in a cookie")),
            example = json!({"player": "4T9Q2ZC7M1KD", "name": "Ada"})),
    )
)]
pub async fn read(
    State(sessions): State<Arc<Sessions>>,
    headers: HeaderMap,
    player: Player,
) -> HttpResult<Response, Fault> {
    let cookie = renewed_cookie(&sessions, &headers)?;
    Ok((cookie, NOT_STORED, Json(without_token(player))).into_response())
}

/// Ends the session.
///
/// Its token is invalid afterwards, and so are its unused tickets and device-link codes. Its WebSockets to rooms and chat
/// close with 4100. Other sessions of the player go on.
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
    let cookie = sessions.cookie();
    let is_old = cookie.presented(&headers).is_some_and(|it| it.by == Carrier::OldCookie);
    let old = is_old.then(|| cookie.removing_old());
    let removed = set_cookies([cookie.removing()].into_iter().chain(old))?;
    Ok((StatusCode::NO_CONTENT, removed, NOT_STORED).into_response())
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

const NOT_STORED: [(HeaderName, HeaderValue); 1] =
    [(CACHE_CONTROL, HeaderValue::from_static("no-store"))];

/// Sets the cookie again whose token a request brought.
fn renewed_cookie(sessions: &Sessions, headers: &HeaderMap) -> Result<SetCookies, Fault> {
    let cookie = sessions.cookie();
    let Some(Presented { token, by }) = cookie.presented(headers) else {
        return Ok(AppendHeaders(Vec::new()));
    };
    match by {
        Carrier::Bearer => Ok(AppendHeaders(Vec::new())),
        Carrier::Cookie => set_cookies([cookie.storing(token)]),
        Carrier::OldCookie => set_cookies([cookie.storing(token), cookie.removing_old()]),
    }
}

type SetCookies = AppendHeaders<Vec<(HeaderName, HeaderValue)>>;

fn set_cookies(cookies: impl IntoIterator<Item = String>) -> Result<SetCookies, Fault> {
    let values = cookies.into_iter().map(|cookie| HeaderValue::try_from(cookie).or(Err(Fault)));
    let headers = values.map(|value| value.map(|value| (SET_COOKIE, value)));
    Ok(AppendHeaders(headers.collect::<Result<_, _>>()?))
}
