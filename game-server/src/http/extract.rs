//! Arguments of handlers: as axum's own, but each rejection is a problem, and a body has a time limit.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{
    FromRef, FromRequest, FromRequestParts, OptionalFromRequestParts, Path, Query, Request,
};
use http::StatusCode;
use http::request::Parts;
use http_body::Body as _;
use serde::de::DeserializeOwned;
use shared::api::ProblemKind;

use super::cookie_renewal::CookieRenewal;
use super::error::{HttpResult, Refuse, Refused, one_of};
use super::failures::{Fault, NotFound};
use super::problem::{ProblemResponse, sentence};
use super::refusal::{BAD_REQUEST, Refusal};
use crate::client_address::ClientAddress;
use crate::player::Player;
use crate::sessions::{Sessions, SignedIn};
use crate::storage::StoreError;
use crate::token::hash_token;

/// The longest body that a call takes.
pub(super) const BODY_BYTES_MAX: usize = 16 * 1024;
/// How long a body may take to arrive.
const BODY_WITHIN: Duration = Duration::from_secs(10);

/// A JSON body.
pub struct JsonBody<T>(pub T);

/// The parameters after `?`.
pub struct QueryParams<T>(pub T);

/// The parts of the path. A part that cannot be read names nothing: 404.
pub struct UrlPath<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = Refused<BodyError>;

    async fn from_request(request: Request, state: &S) -> HttpResult<Self, BodyError> {
        // A body that is announced too long is not waited for.
        if request.body().size_hint().lower() > BODY_BYTES_MAX as u64 {
            return Err(BodyError::TooLong.into());
        }
        match tokio::time::timeout(BODY_WITHIN, Json::from_request(request, state)).await {
            Ok(body) => Ok(Self(body.map_err(BodyError::Rejected)?.0)),
            Err(_) => Err(BodyError::Late.into()),
        }
    }
}

/// Why a body is not taken.
#[derive(Debug)]
pub enum BodyError {
    /// It is announced longer than `BODY_BYTES_MAX`.
    TooLong,
    /// It did not arrive within `BODY_WITHIN`.
    Late,
    /// It is too long, of another type, or no JSON of the right form.
    Rejected(JsonRejection),
}

impl BodyError {
    const TOO_LARGE: Refusal = Refusal::new(ProblemKind::TooLarge);
    const MALFORMED: Refusal = BAD_REQUEST.when("the body is no JSON, or not what the call takes");
    const NOT_JSON: Refusal =
        BAD_REQUEST.with_status(415).when("the body is not announced as JSON");
}

impl Refuse for BodyError {
    fn refusals() -> Vec<Refusal> {
        vec![Self::MALFORMED, Self::TOO_LARGE, Self::NOT_JSON]
    }

    fn into_problem(self) -> ProblemResponse {
        match self {
            Self::TooLong => {
                let detail = format!("A body has at most {BODY_BYTES_MAX} bytes.");
                ProblemResponse::new(Self::TOO_LARGE, detail)
            }
            Self::Late => ProblemResponse::new(Self::MALFORMED, "The body did not arrive in time."),
            Self::Rejected(rejection) => {
                let refusal = match rejection.status() {
                    StatusCode::PAYLOAD_TOO_LARGE => Self::TOO_LARGE,
                    StatusCode::UNSUPPORTED_MEDIA_TYPE => Self::NOT_JSON,
                    _ => Self::MALFORMED,
                };
                ProblemResponse::new(refusal, sentence(&rejection.body_text()))
            }
        }
    }
}

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for QueryParams<T> {
    type Rejection = Refused<BadQuery>;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> HttpResult<Self, BadQuery> {
        Ok(Self(Query::from_request_parts(parts, state).await.map_err(BadQuery)?.0))
    }
}

/// A parameter after `?` cannot be read.
#[derive(Debug)]
pub struct BadQuery(QueryRejection);

impl Refuse for BadQuery {
    fn refusals() -> Vec<Refusal> {
        vec![BAD_REQUEST]
    }

    fn into_problem(self) -> ProblemResponse {
        ProblemResponse::new(BAD_REQUEST, sentence(&self.0.body_text()))
    }
}

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for UrlPath<T> {
    type Rejection = Refused<NotFound>;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> HttpResult<Self, NotFound> {
        match <Path<T> as FromRequestParts<_>>::from_request_parts(parts, state).await {
            Ok(Path(path)) => Ok(Self(path)),
            Err(_) => Err(NotFound("thing: no id looks like the one in the address").into()),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for ClientAddress {
    type Rejection = Refused<Fault>;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> HttpResult<Self, Fault> {
        parts.extensions.get().copied().ok_or(Refused(Fault))
    }
}

/// The request brings no session.
#[derive(Debug)]
pub struct NotSignedIn;

impl NotSignedIn {
    const REFUSAL: Refusal = Refusal::new(ProblemKind::SignIn);
}

impl Refuse for NotSignedIn {
    fn refusals() -> Vec<Refusal> {
        vec![Self::REFUSAL]
    }

    fn into_problem(self) -> ProblemResponse {
        ProblemResponse::new(Self::REFUSAL, "Get a session with POST /api/session first.")
    }
}

one_of! {
    /// Why no player is known.
    pub enum PlayerError {
        /// There is no session, or it has ended.
        NotSignedIn(NotSignedIn),
        /// The sessions cannot be read.
        Store(StoreError),
    }
}

/// The player of a request, if it brings a valid session.
async fn find(parts: &Parts, sessions: &Sessions) -> Result<Option<SignedIn>, StoreError> {
    let Some(presented) = sessions.cookie().presented(&parts.headers) else { return Ok(None) };
    // Asked for before the look-up: if the session ends meanwhile, one of the two sees it.
    let life = sessions.life(presented);
    let Some(found) = sessions.find(presented).await? else { return Ok(None) };
    if life.has_ended() {
        return Ok(None);
    }
    if found.renews_cookie
        && let Some(renewal) = parts.extensions.get::<CookieRenewal>()
    {
        renewal.set(sessions.cookie(), presented);
    }
    let token = hash_token(presented.token);
    Ok(Some(SignedIn { player: found.player, token, life, by: presented.by }))
}

impl<S> FromRequestParts<S> for SignedIn
where
    S: Send + Sync,
    Arc<Sessions>: FromRef<S>,
{
    type Rejection = Refused<PlayerError>;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> HttpResult<Self, PlayerError> {
        let sessions: Arc<Sessions> = Arc::from_ref(state);
        Ok(find(parts, &sessions).await?.ok_or(NotSignedIn)?)
    }
}

impl<S> OptionalFromRequestParts<S> for SignedIn
where
    S: Send + Sync,
    Arc<Sessions>: FromRef<S>,
{
    type Rejection = Refused<StoreError>;

    async fn from_request_parts(
        parts: &mut Parts,
        state: &S,
    ) -> HttpResult<Option<Self>, StoreError> {
        let sessions: Arc<Sessions> = Arc::from_ref(state);
        Ok(find(parts, &sessions).await?)
    }
}

impl<S> FromRequestParts<S> for Player
where
    S: Send + Sync,
    Arc<Sessions>: FromRef<S>,
{
    type Rejection = Refused<PlayerError>;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> HttpResult<Self, PlayerError> {
        let found = <SignedIn as FromRequestParts<S>>::from_request_parts(parts, state).await?;
        Ok(found.player)
    }
}

impl<S> OptionalFromRequestParts<S> for Player
where
    S: Send + Sync,
    Arc<Sessions>: FromRef<S>,
{
    type Rejection = Refused<StoreError>;

    async fn from_request_parts(
        parts: &mut Parts,
        state: &S,
    ) -> HttpResult<Option<Self>, StoreError> {
        let sessions: Arc<Sessions> = Arc::from_ref(state);
        Ok(find(parts, &sessions).await?.map(|found| found.player))
    }
}
