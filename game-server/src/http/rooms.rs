//! `/api/rooms`: the list, new rooms, one room, tickets to it, and its stream while a round runs.

use std::io;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, LOCATION, RETRY_AFTER};
use http::{HeaderValue, StatusCode};
use serde::Deserialize;
use shared::api::{CreateRoom, ProblemKind, Role, RoomDetails, RoomList, TicketRequest};
use shared::id::RoomId;
use shared::replay::MEDIA_TYPE;

use super::error::{HttpError, HttpResult, sentence};
use super::{ClientAddress, JsonBody, QueryParams, UrlPath};
use crate::app::SharedApp;
use crate::bots::Company;
use crate::room::{EnterError, follow_file, follow_stream};
use crate::rooms::{FindError, OpenError};
use crate::sessions::Player;
use crate::tickets::Door;

/// Public rooms, the oldest first.
#[utoipa::path(
    get, path = "/api/rooms", tag = "rooms",
    responses((status = 200, description = "`{rooms: […]}`, as the snapshot of the feed `rooms`"))
)]
pub async fn list(State(app): State<SharedApp>) -> Json<RoomList> {
    Json(app.rooms.list())
}

/// Opens a room. It closes a minute after the last person has left.
#[utoipa::path(
    post, path = "/api/rooms", tag = "rooms",
    request_body(content_type = "application/json",
        description = "`mode`: brawl, teams, duel or practice; `private`: not listed; `bots`: gentle, keen, fierce or null",
        content = serde_json::Value,
        example = json!({"mode": "brawl", "private": true, "bots": "keen"})),
    responses(
        (status = 201, description = "The room; its id is the code of the invitation"),
        (status = 401, description = "sign-in"),
        (status = 429, description = "too-many"),
        (status = 503, description = "overloaded, stopping"),
    )
)]
pub async fn create(
    State(app): State<SharedApp>,
    ClientAddress(address): ClientAddress,
    player: Player,
    JsonBody(wish): JsonBody<CreateRoom>,
) -> HttpResult<Response> {
    app.limits.rooms.take(address).map_err(|wait| {
        HttpError::new(ProblemKind::TooMany, "Too many new rooms from this address. Wait a little.")
            .with_header(RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)))
    })?;
    let company = wish.bots.map_or(Company::Nobody, Company::Of);
    let room = app.rooms.open(wish.mode, wish.private, company)?;
    tracing::debug!(room = %room.spec().id, player = %player.id, "room asked for");
    let details = room.view().details.clone();
    let location = format!("/api/rooms/{}", details.summary.id);
    Ok((StatusCode::CREATED, [(LOCATION, location)], Json(details)).into_response())
}

/// One room, by its code. Private rooms too.
#[utoipa::path(
    get, path = "/api/rooms/{id}", tag = "rooms",
    params(("id" = String, Path, description = "The room")),
    responses(
        (status = 200, description = "As in the list, with its seats"),
        (status = 404, description = "not-found"),
        (status = 410, description = "room-ended"),
    )
)]
pub async fn look(
    State(app): State<SharedApp>,
    UrlPath(id): UrlPath<RoomId>,
) -> HttpResult<Json<RoomDetails>> {
    Ok(Json(app.rooms.find(id)?.view().details.clone()))
}

/// A key that opens the room's WebSocket once, to play or to watch.
#[utoipa::path(
    post, path = "/api/rooms/{id}/tickets", tag = "rooms",
    params(("id" = String, Path, description = "The room")),
    request_body(content_type = "application/json", description = "`as`: player or spectator",
        content = serde_json::Value, example = json!({"as": "player"})),
    responses(
        (status = 201, description = "The key and the address to open with it", body = serde_json::Value,
            example = json!({"ticket": "k3…", "url": "/ws/rooms/7Q2M4K?ticket=k3…", "expires_in_s": 30})),
        (status = 401, description = "sign-in"),
        (status = 404, description = "not-found"),
        (status = 409, description = "room-full"),
        (status = 410, description = "room-ended"),
    )
)]
pub async fn ticket(
    State(app): State<SharedApp>,
    UrlPath(id): UrlPath<RoomId>,
    player: Player,
    JsonBody(wish): JsonBody<TicketRequest>,
) -> HttpResult<Response> {
    let room = app.rooms.find(id)?;
    if wish.role == Role::Player && !room.view().has_seat_for(player.id) {
        return Err(EnterError::Full.into());
    }
    let ticket = app.tickets.issue(player, Door::Room(id, wish.role))?;
    Ok((StatusCode::CREATED, [(CACHE_CONTROL, "no-store")], Json(ticket)).into_response())
}

/// Where to begin.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct LiveQuery {
    /// `start`: the round from its beginning. Otherwise from the newest keyframe.
    from: Option<String>,
}

/// The running round as a body that grows: the same bytes as the replay's file. While no round runs, it
/// waits for the next.
#[utoipa::path(
    get, path = "/api/rooms/{id}/live", tag = "rooms",
    params(("id" = String, Path, description = "The room"), LiveQuery),
    responses(
        (status = 200, description = "The match stream; it ends with the round"),
        (status = 400, description = "bad-request"),
        (status = 404, description = "not-found"),
        (status = 410, description = "room-ended"),
    )
)]
pub async fn live(
    State(app): State<SharedApp>,
    UrlPath(id): UrlPath<RoomId>,
    QueryParams(query): QueryParams<LiveQuery>,
) -> HttpResult<Response> {
    let room = app.rooms.find(id)?;
    match (query.from.as_deref(), room.view().recording.clone()) {
        (Some("start"), Some((replay, progress))) => {
            Ok(growing(&app, follow_file(app.services.blobs.clone(), replay, progress)))
        }
        // The next round is read from its beginning either way.
        (None | Some("start"), _) => Ok(growing(&app, follow_stream(&room))),
        (Some(_), _) => {
            Err(HttpError::new(ProblemKind::BadRequest, "The only place to begin from is start."))
        }
    }
}

fn growing(
    app: &SharedApp,
    stream: impl Stream<Item = io::Result<Bytes>> + Send + 'static,
) -> Response {
    let counted = app.services.gauges.live_streams.enter();
    // Counted as long as the body lives.
    let stream = stream.inspect(move |_| {
        let _counted = &counted;
    });
    let mut response = Response::new(Body::from_stream(stream));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

impl From<FindError> for HttpError {
    fn from(error: FindError) -> Self {
        match error {
            FindError::Unknown => Self::not_found("room"),
            FindError::Ended => EnterError::Ended.into(),
        }
    }
}

impl From<OpenError> for HttpError {
    fn from(error: OpenError) -> Self {
        let kind = match error {
            OpenError::TooMany => ProblemKind::Overloaded,
            OpenError::Stopping => ProblemKind::Stopping,
        };
        Self::new(kind, sentence(&error.to_string()))
    }
}

impl From<EnterError> for HttpError {
    fn from(error: EnterError) -> Self {
        let (kind, advice) = match error {
            EnterError::Full => (ProblemKind::RoomFull, "Watch it, or play in another"),
            EnterError::TooManySpectators => (ProblemKind::RoomFull, "Watch another"),
            EnterError::Ended => (ProblemKind::RoomEnded, "Choose another"),
        };
        Self::new(kind, format!("{} {}", sentence(&error.to_string()), sentence(advice)))
    }
}
