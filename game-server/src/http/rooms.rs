//! `/api/rooms`: the list, new rooms, one room, tickets to it, and its stream while a round runs.

use std::io;
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, LOCATION};
use http::{HeaderValue, StatusCode};
use serde::Deserialize;
use shared::api::{
    CreateRoom, ProblemKind, Role, RoomDetails, RoomList, TicketRequest, WebSocketTicket,
};
use shared::id::RoomId;
use shared::replay::MEDIA_TYPE;

use super::error::{HttpError, HttpResult, sentence};
use super::{JsonBody, QueryParams, UrlPath};
use crate::app::SharedApp;
use crate::bots::BotPolicy;
use crate::client_address::ClientAddress;
use crate::player::Player;
use crate::presence::PresenceGuard;
use crate::room::{EnterError, follow_file, follow_stream};
use crate::rooms::{FindError, OpenError};
use crate::tickets::TicketScope;

/// Public rooms, the oldest first.
#[utoipa::path(
    get, path = "/api/rooms", operation_id = "listRooms", tag = "rooms",
    responses(
        (status = 200, description = "As the snapshot of the feed `rooms`", body = RoomList, example = json!({"rooms": [
            {"id": "7Q2M4K", "mode": "brawl", "phase": "playing", "round": 3, "players": 2, "bots": 6, "seats": 16,
                "spectators": 1, "ends_at_ms": 1_795_255_260_000_u64, "leader": ["Ada", 4]},
        ]}))
    )
)]
pub async fn list(State(app): State<SharedApp>) -> Json<RoomList> {
    Json(app.rooms.list())
}

/// Opens a room. It closes a minute after the last person has left.
#[utoipa::path(
    post, path = "/api/rooms", operation_id = "createRoom", tag = "rooms",
    security(("bearer" = []), ("cookie" = [])),
    request_body(
        content = CreateRoom, example = json!({"mode": "brawl", "private": true, "bots": "keen"})
    ),
    responses(
        (status = 201, description = "The room; its id is the code of the invitation", body = RoomDetails,
            headers(("Location" = String, description = "The room's address")),
            links(
                ("room" = (operation_id = "readRoom", parameters(("id" = "$response.body#/id")))),
                ("ticket" = (operation_id = "askRoomTicket", parameters(("id" = "$response.body#/id")))),
            ),
            example = json!({"id": "7Q2M4K", "mode": "brawl", "phase": "waiting", "round": 0, "players": 0, "bots": 8,
                "seats": 16, "spectators": 0, "ends_at_ms": null, "leader": null, "private": true, "seated": [],
                "recording": null})),
        (status = 401, description = "sign-in"),
        (status = 429, description = "too-many: too many new rooms from one address"),
        (status = 503, description = "overloaded: there are as many rooms as may be\nstopping"),
    )
)]
pub async fn create(
    State(app): State<SharedApp>,
    ClientAddress(address): ClientAddress,
    player: Player,
    JsonBody(wish): JsonBody<CreateRoom>,
) -> HttpResult<Response> {
    app.limits.rooms.take(address).map_err(|wait| {
        HttpError::too_often("Too many new rooms from this address. Wait a little.", wait)
    })?;
    let bots = wish.bots.map_or(BotPolicy::None, BotPolicy::Only);
    let room = app.rooms.open(wish.mode, wish.private, bots)?;
    tracing::debug!(room = %room.spec().id, player = %player.id, "room asked for");
    let details = room.view().details.clone();
    let location = format!("/api/rooms/{}", details.summary.id);
    Ok((StatusCode::CREATED, [(LOCATION, location)], Json(details)).into_response())
}

/// One room, by its code. Private rooms too.
#[utoipa::path(
    get, path = "/api/rooms/{id}", operation_id = "readRoom", tag = "rooms",
    params(("id" = RoomId, Path, description = "The room")),
    responses(
        (status = 200, description = "As in the list, with its seats", body = RoomDetails, example = json!({
            "id": "7Q2M4K", "mode": "duel", "phase": "playing", "round": 1, "players": 1, "bots": 1, "seats": 2,
            "spectators": 0, "ends_at_ms": 1_795_255_260_000_u64, "leader": ["Ada", 1], "private": false, "seated": [
                {"player": "4T9Q2ZC7M1KD", "name": "Ada", "bot": false, "points": 1, "team": null, "reconnecting": false},
                {"player": "9D0K3XW5ZB7R", "name": "Juniper", "bot": true, "points": 0, "team": null, "reconnecting": false},
            ], "recording": "06E6HQ9GZ4TX"})),
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
    post, path = "/api/rooms/{id}/tickets", operation_id = "askRoomTicket", tag = "rooms",
    security(("bearer" = []), ("cookie" = [])),
    params(("id" = RoomId, Path, description = "The room")),
    request_body(content = TicketRequest, example = json!({"as": "player"})),
    responses(
        (status = 201, description = "The key and the address to open with it", body = WebSocketTicket,
            example = json!({"ticket": "x0ZvYq3Jk8wN5tRr1LbM2A",
                "url": "/ws/rooms/7Q2M4K?ticket=x0ZvYq3Jk8wN5tRr1LbM2A", "expires_in_s": 30})),
        (status = 401, description = "sign-in"),
        (status = 404, description = "not-found"),
        (status = 409, description = "room-full"),
        (status = 410, description = "room-ended"),
        (status = 429, description = "too-many: too many tickets for one address"),
        (status = 503, description = "overloaded: too many tickets wait to be used"),
    )
)]
pub async fn ticket(
    State(app): State<SharedApp>,
    UrlPath(id): UrlPath<RoomId>,
    ClientAddress(address): ClientAddress,
    player: Player,
    JsonBody(wish): JsonBody<TicketRequest>,
) -> HttpResult<Response> {
    app.limits.tickets.take(address).map_err(too_many_tickets)?;
    let room = app.rooms.find(id)?;
    if wish.role == Role::Player && !room.view().has_seat_for(player.id) {
        return Err(EnterError::Full.into());
    }
    let ticket = app.tickets.issue(player, TicketScope::Room(id, wish.role))?;
    Ok((StatusCode::CREATED, [(CACHE_CONTROL, "no-store")], Json(ticket)).into_response())
}

/// For all who ask for tickets.
pub(super) fn too_many_tickets(wait: Duration) -> HttpError {
    HttpError::too_often("Too many tickets for this address. Wait a little.", wait)
}

/// Where to begin.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct LiveQuery {
    /// `start`: the round from its beginning. Otherwise from the newest keyframe.
    #[param(inline)]
    from: Option<Place>,
}

/// A place in a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// Its beginning.
    Start,
}

/// The running round as a body that grows: the same bytes as the replay's file.
///
/// While no round runs, it waits for the next, though no longer than 50 seconds: then it ends empty. While it is open, who asked with a session is in the room: may
/// read its chat and speak there.
#[utoipa::path(
    get, path = "/api/rooms/{id}/live", operation_id = "watchRoom", tag = "rooms",
    security((), ("bearer" = []), ("cookie" = [])),
    params(("id" = RoomId, Path, description = "The room"), LiveQuery),
    responses(
        (status = 200, description = "The match stream; it ends with the round",
            content(("application/vnd.pushback.replay"))),
        (status = 400, description = "bad-request"),
        (status = 404, description = "not-found"),
        (status = 410, description = "room-ended"),
    )
)]
pub async fn live(
    State(app): State<SharedApp>,
    UrlPath(id): UrlPath<RoomId>,
    QueryParams(query): QueryParams<LiveQuery>,
    watcher: Option<Player>,
) -> HttpResult<Response> {
    let room = app.rooms.find(id)?;
    let present = watcher.map(|player| app.presence.enter(player.id, id, None));
    Ok(match (query.from, room.view().recording.clone()) {
        (Some(Place::Start), Some((replay, progress))) => {
            let file = follow_file(app.blobs.clone(), replay, progress);
            growing(&app, file, present)
        }
        // The next round is read from its beginning either way.
        (Some(Place::Start), None) | (None, _) => growing(&app, follow_stream(&room), present),
    })
}

fn growing(
    app: &SharedApp,
    stream: impl Stream<Item = io::Result<Bytes>> + Send + 'static,
    present: Option<PresenceGuard>,
) -> Response {
    let counted = app.gauges.live_streams.enter();
    // Counted, and the watcher present, as long as the body lives.
    let stream = stream.inspect(move |_| {
        let _kept = (&counted, &present);
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
