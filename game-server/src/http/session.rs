//! `/api/session`: become a guest, look who one is, let another program be the same player, leave.

use std::net::IpAddr;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::header::{CACHE_CONTROL, SET_COOKIE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use shared::api::{DeviceLink, ProblemKind, Session, SessionRequest};
use shared::id::PlayerName;

use super::JsonBody;
use super::error::{HttpError, HttpResult, internal, sentence};
use crate::app::SharedApp;
use crate::client_address::ClientAddress;
use crate::device_links::DeviceLinkError;
use crate::player::Player;
use crate::sessions::token_of;

/// Begins a session: of a new guest, or of the player whose code another program got.
///
/// With a good token and a name, the guest is renamed. A token of the code's own player stays the session.
#[utoipa::path(
    post, path = "/api/session", operation_id = "beginSession", tag = "session",
    security((), ("bearer" = []), ("cookie" = [])),
    request_body(content = SessionRequest, examples(
        ("name" = (summary = "A guest", value = json!({"name": "Ada"}))),
        ("handover" = (summary = "The player of another program", value = json!({"handover": "x0ZvYq3Jk8wN5tRr1LbM2A"}))),
    )),
    responses(
        (status = 201, description = "A new guest, or one more session of a player", body = Session,
            headers(("Set-Cookie" = String, description = "The token, for browsers")),
            links(("profile" = (operation_id = "readPlayer", parameters(("id" = "$response.body#/player"))))),
            example = json!({"player": "4T9Q2ZC7M1KD", "name": "Ada", "token": "x0ZvYq3Jk8wN5tRr1LbM2A"})),
        (status = 200, description = "The same guest under the new name, or the session that there was", body = Session,
            headers(("Set-Cookie" = String, description = "The token, for browsers"))),
        (status = 401, description = "bad-ticket: the code was used, has expired, or is another server's"),
        (status = 422, description = "bad-name: the sentence says which rule it breaks"),
        (status = 429, description = "too-many: too many new sessions from one address, or new names of one player"),
    )
)]
pub async fn begin(
    State(app): State<SharedApp>,
    ClientAddress(address): ClientAddress,
    headers: HeaderMap,
    known: Option<Player>,
    JsonBody(request): JsonBody<SessionRequest>,
) -> HttpResult<Response> {
    let known = known.zip(token_of(&headers).map(str::to_owned));
    let (status, session) = match request {
        SessionRequest::Name { name } => be_guest(&app, address, known, &name).await?,
        SessionRequest::DeviceLink { code } => resume(&app, address, known, &code).await?,
    };
    Ok((status, with_cookie(&app, &session.token)?, Json(session)).into_response())
}

/// Somebody and the token that says so.
type Known = Option<(Player, String)>;

async fn be_guest(
    app: &SharedApp,
    address: IpAddr,
    known: Known,
    name: &str,
) -> HttpResult<(StatusCode, Session)> {
    let name = PlayerName::parse(name)
        .map_err(|error| HttpError::new(ProblemKind::BadName, sentence(&error.to_string())))?;
    if let Some((player, token)) = known {
        app.limits.renames.take(player.id).map_err(|wait| {
            HttpError::too_often("Too many new names in a short time. Wait a little.", wait)
        })?;
        app.sessions.rename(player.id, name.clone()).await?;
        return Ok((StatusCode::OK, Session { player: player.id, name, token }));
    }
    take_one(app, address)?;
    Ok((StatusCode::CREATED, app.sessions.begin(name).await?))
}

async fn resume(
    app: &SharedApp,
    address: IpAddr,
    known: Known,
    code: &str,
) -> HttpResult<(StatusCode, Session)> {
    // Before the code is used up, and for wrong ones too.
    take_one(app, address)?;
    let player = app.device_links.redeem(code)?;
    if let Some((known, token)) = known.filter(|(known, _)| known.id == player) {
        return Ok((StatusCode::OK, Session { player, name: known.name, token }));
    }
    let session = app.sessions.resume(player).await?;
    Ok((StatusCode::CREATED, session.ok_or(DeviceLinkError::Invalid)?))
}

fn take_one(app: &SharedApp, address: IpAddr) -> HttpResult<()> {
    app.limits.sessions.take(address).map_err(|wait| {
        HttpError::too_often("Too many new sessions from this address. Wait a little.", wait)
    })
}

/// A code with which another program becomes the same player, once and within a minute.
#[utoipa::path(
    post, path = "/api/session/handovers", operation_id = "handOver", tag = "session",
    security(("bearer" = []), ("cookie" = [])),
    responses(
        (status = 201, description = "The code", body = DeviceLink,
            links(("redeem" = (operation_id = "beginSession", request_body = json!({"handover": "$response.body#/code"})))),
            example = json!({"code": "x0ZvYq3Jk8wN5tRr1LbM2A", "expires_in_s": 60})),
        (status = 401, description = "sign-in"),
        (status = 503, description = "overloaded: too many codes wait to be used"),
    )
)]
pub async fn hand_over(State(app): State<SharedApp>, player: Player) -> HttpResult<Response> {
    let code = app.device_links.issue(player.id)?;
    Ok((StatusCode::CREATED, [(CACHE_CONTROL, "no-store")], Json(code)).into_response())
}

/// Who one is.
#[utoipa::path(
    get, path = "/api/session", operation_id = "readSession", tag = "session",
    security(("bearer" = []), ("cookie" = [])),
    responses(
        (status = 200, description = "The guest, without the token", body = Session,
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
    delete, path = "/api/session", operation_id = "endSession", tag = "session",
    security((), ("bearer" = []), ("cookie" = [])),
    responses((status = 204, description = "Ended, if there was one", 
        headers(("Set-Cookie" = String, description = "Removes the token"))))
)]
pub async fn end(State(app): State<SharedApp>, headers: HeaderMap) -> HttpResult<Response> {
    app.sessions.end(&headers).await?;
    Ok((StatusCode::NO_CONTENT, with_cookie(&app, "")?).into_response())
}

fn with_cookie(app: &SharedApp, token: &str) -> HttpResult<[(HeaderName, HeaderValue); 2]> {
    let cookie = HeaderValue::try_from(app.sessions.cookie(token)).or(Err(internal()))?;
    Ok([(SET_COOKIE, cookie), (CACHE_CONTROL, HeaderValue::from_static("no-store"))])
}
