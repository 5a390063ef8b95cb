//! `/api/session`: become a guest, look who one is, leave.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::header::{CACHE_CONTROL, RETRY_AFTER, SET_COOKIE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use shared::api::{ProblemKind, Session, SessionRequest};
use shared::id::PlayerName;

use super::error::{HttpError, HttpResult, internal, sentence};
use super::{ClientAddress, JsonBody};
use crate::app::SharedApp;
use crate::sessions::{Player, token_of};

/// Begins a session, or renames the guest whose token comes with the request.
#[utoipa::path(
    post, path = "/api/session", tag = "session",
    request_body(
        content = serde_json::Value, content_type = "application/json", example = json!({"name": "Ada"})
    ),
    responses(
        (status = 201, description = "A new guest, and a cookie", body = serde_json::Value,
            example = json!({"player": "4T9Q2ZC7M1KD", "name": "Ada", "token": "x0Zv…"})),
        (status = 200, description = "The same guest under the new name", body = serde_json::Value),
        (status = 422, description = "bad-name"),
        (status = 429, description = "too-many"),
    )
)]
pub async fn begin(
    State(app): State<SharedApp>,
    ClientAddress(address): ClientAddress,
    headers: HeaderMap,
    known: Option<Player>,
    JsonBody(request): JsonBody<SessionRequest>,
) -> HttpResult<Response> {
    let name = PlayerName::parse(&request.name)
        .map_err(|error| HttpError::new(ProblemKind::BadName, sentence(&error.to_string())))?;
    if let (Some(player), Some(token)) = (known, token_of(&headers)) {
        app.sessions.rename(player.id, name.clone()).await?;
        let session = Session { player: player.id, name, token: token.to_owned() };
        return Ok(
            (StatusCode::OK, with_cookie(&app, &session.token)?, Json(session)).into_response()
        );
    }
    app.limits.sessions.take(address).map_err(|wait| {
        HttpError::new(
            ProblemKind::TooMany,
            "Too many new guests from this address. Wait a little.",
        )
        .with_header(RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)))
    })?;
    let session = app.sessions.begin(name).await?;
    Ok((StatusCode::CREATED, with_cookie(&app, &session.token)?, Json(session)).into_response())
}

/// Who one is.
#[utoipa::path(
    get, path = "/api/session", tag = "session",
    responses(
        (status = 200, description = "The guest", body = serde_json::Value,
            example = json!({"player": "4T9Q2ZC7M1KD", "name": "Ada"})),
        (status = 401, description = "sign-in"),
    )
)]
pub async fn look(player: Player) -> Response {
    let session = Session { player: player.id, name: player.name, token: String::new() };
    ([(CACHE_CONTROL, "no-store")], Json(session)).into_response()
}

/// Ends the session. Its token is worth nothing afterwards.
#[utoipa::path(
    delete, path = "/api/session", tag = "session",
    responses((status = 204, description = "Ended, if there was one"))
)]
pub async fn end(State(app): State<SharedApp>, headers: HeaderMap) -> HttpResult<Response> {
    app.sessions.end(&headers).await?;
    Ok((StatusCode::NO_CONTENT, with_cookie(&app, "")?).into_response())
}

fn with_cookie(app: &SharedApp, token: &str) -> HttpResult<[(HeaderName, HeaderValue); 2]> {
    let cookie = HeaderValue::try_from(app.sessions.cookie(token)).or(Err(internal()))?;
    Ok([(SET_COOKIE, cookie), (CACHE_CONTROL, HeaderValue::from_static("no-store"))])
}
