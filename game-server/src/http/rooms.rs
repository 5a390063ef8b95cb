//! `/api/rooms`: the list, new rooms, one room, its tickets, and its match stream while a round runs.

use std::io;
use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{FromRef, State};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, LOCATION};
use http::{HeaderValue, StatusCode};
use serde::Deserialize;
use shared::api::{
    CreateRoom, ProblemKind, Role, RoomDetails, RoomList, TicketRequest, WebSocketTicket,
};
use shared::invitation::RoomAddress;
use shared::replay::MEDIA_TYPE;

use super::error::{HttpResult, Refuse, one_of};
use super::extract::{JsonBody, QueryParams, UrlPath};
use super::failures::{NotFound, TooManyRooms, TooManyTicketRequests};
use super::problem::{ProblemResponse, sentence};
use super::refusal::{NOT_FOUND, Refusal, STOPPING};
use super::room_finder::{RoomError, RoomFinder};
use super::state::{HttpSettings, HttpState};
use crate::bots::BotPolicy;
use crate::client_address::ClientAddress;
use crate::feeds::Feeds;
use crate::limits::Limits;
use crate::metrics::Metrics;
use crate::player::Player;
use crate::presence::{Presence, PresenceGuard};
use crate::room::{EnterError, Opener, ReaderGuard, follow_file, follow_stream};
use crate::rooms::{FindError, NewRoom, OpenError, Rooms, details_for_members};
use crate::sessions::SignedIn;
use crate::storage::blobs::Blobs;
use crate::tickets::{TicketScope, Tickets};

/// Lists the public rooms, the oldest first.
#[utoipa::path(
    get, path = "/api/rooms", operation_id = "listRooms", tag = "rooms",
    responses(
        (status = 200, description = "The rooms, as in the snapshot of the feed `rooms`", body = RoomList, example = json!({"rooms": [
            {"id": "7Q2M4K", "mode": "brawl", "phase": "playing", "round": 3, "players": 2, "bots": 6, "seats": 16,
                "spectators": 1, "ends_at_ms": 1_795_255_260_000_u64, "leader": ["Ada", 4]},
        ]}))
    )
)]
pub async fn list(
    State(rooms): State<Rooms>,
    State(feeds): State<Arc<Feeds>>,
    State(settings): State<Arc<HttpSettings>>,
) -> Json<RoomList> {
    // The feed has the rooms of all nodes. A server that is alone knows its own a moment sooner.
    Json(if settings.is_one_of_many { feeds.rooms.with_state(Clone::clone) } else { rooms.list() })
}

/// Opens a room.
///
/// It closes ten minutes after the last player and the last reader of its stream have left.
#[utoipa::path(
    post, path = "/api/rooms", operation_id = "createRoom", tag = "rooms",
    security(("bearer" = []), ("cookie" = [])),
    request_body(
        content = CreateRoom, example = json!({"mode": "brawl", "private": true, "bots": "keen"})
    ),
    responses(
        (status = 201, description = "The room. `invitation` is the address of a private one", body = RoomDetails,
            headers(("Location" = String, description = "The room's address")),
            links(
                ("room" = (operation_id = "readRoom", parameters(("id" = "$response.body#/id")))),
                ("ticket" = (operation_id = "askRoomTicket", parameters(("id" = "$response.body#/id")))),
            ),
            example = json!({"id": "7Q2M4K", "mode": "brawl", "phase": "waiting", "round": 0, "players": 0, "bots": 8,
                "seats": 16, "spectators": 0, "ends_at_ms": null, "leader": null, "private": true, "rated": false,
                "invitation": "7Q2M4K-3M9C8R5T1W7XZ", "seated": [], "recording": null})),
    )
)]
pub async fn create(
    State(rooms): State<Rooms>,
    State(limits): State<Arc<Limits>>,
    ClientAddress(address): ClientAddress,
    player: Player,
    JsonBody(wish): JsonBody<CreateRoom>,
) -> HttpResult<Response, CreateError> {
    limits.rooms.take(address).map_err(TooManyRooms)?;
    let bots = wish.bots.map_or(BotPolicy::None, BotPolicy::Only);
    let new = NewRoom { mode: wish.mode, private: wish.private, bots };
    let opener = Opener { player: player.id, address: ClientAddress(address) };
    let room = rooms.open(new, opener).await?;
    tracing::debug!(room = %room.spec().id, player = %player.id, "room asked for");
    let details = details_for_members(&room);
    let location = format!("/api/rooms/{}", room.spec().address());
    Ok((StatusCode::CREATED, [(LOCATION, location)], Json(details)).into_response())
}

one_of! {
    /// Why no room is opened.
    pub enum CreateError {
        /// The address opens too many.
        TooOften(TooManyRooms),
        /// The server opens no more.
        Open(OpenError),
    }
}

/// Describes one room, public or private.
///
/// The code alone finds a private room, too, and the answer has its invitation, which all other calls take. An address
/// may look for few codes a minute that belong to no public room. A room that is asked for stays open, as if somebody
/// had just left it.
#[utoipa::path(
    get, path = "/api/rooms/{id}", operation_id = "readRoom", tag = "rooms",
    security((), ("bearer" = []), ("cookie" = [])),
    params(("id" = RoomAddress, Path, description = "The room")),
    responses(
        (status = 200, description = "The room as in the list, and its seats", body = RoomDetails, example = json!({
            "id": "7Q2M4K", "mode": "duel", "phase": "playing", "round": 1, "players": 1, "bots": 1, "seats": 2,
            "spectators": 0, "ends_at_ms": 1_795_255_260_000_u64, "leader": ["Ada", 1], "private": false, "rated": true, "seated": [
                {"player": "4T9Q2ZC7M1KD", "name": "Ada", "bot": false, "points": 1, "team": null, "reconnecting": false},
                {"player": "9D0K3XW5ZB7R", "name": "Juniper", "bot": true, "points": 0, "team": null, "reconnecting": false},
            ], "recording": "06E6HQ9GZ4TX"})),
    )
)]
pub async fn read(
    State(finder): State<RoomFinder>,
    UrlPath(at): UrlPath<RoomAddress>,
    address: ClientAddress,
    player: Option<Player>,
) -> HttpResult<Json<RoomDetails>, RoomError> {
    let room = finder.look_up(at, player.map(|player| player.id), address).await?;
    room.note_interest();
    Ok(Json(details_for_members(&room)))
}

/// Issues a ticket that opens the room's WebSocket once, to play or to watch.
#[utoipa::path(
    post, path = "/api/rooms/{id}/tickets", operation_id = "askRoomTicket", tag = "rooms",
    security(("bearer" = []), ("cookie" = [])),
    params(("id" = RoomAddress, Path, description = "The room")),
    request_body(content = TicketRequest, example = json!({"as": "player"})),
    responses(
        (status = 201, description = "The ticket, and the address that it opens", body = WebSocketTicket,
            example = json!({"ticket": "x0ZvYq3Jk8wN5tRr1LbM2A",
                "url": "/ws/rooms/7Q2M4K?ticket=x0ZvYq3Jk8wN5tRr1LbM2A", "expires_in_s": 30})),
    )
)]
pub async fn ticket(
    State(finder): State<RoomFinder>,
    State(tickets): State<Arc<Tickets>>,
    State(limits): State<Arc<Limits>>,
    UrlPath(at): UrlPath<RoomAddress>,
    address: ClientAddress,
    holder: SignedIn,
    JsonBody(wish): JsonBody<TicketRequest>,
) -> HttpResult<Response, TicketError> {
    limits.tickets.take(address.0).map_err(TooManyTicketRequests)?;
    let room = finder.find(at, Some(holder.player.id), address).await?;
    if wish.role == Role::Player && !room.view().has_seat_for(holder.player.id) {
        return Err(NoSeat.into());
    }
    let ticket = tickets.issue(holder, TicketScope::Room(at.room, wish.role));
    Ok((StatusCode::CREATED, [(CACHE_CONTROL, "no-store")], Json(ticket)).into_response())
}

one_of! {
    /// Why there is no ticket.
    pub enum TicketError {
        /// The address asks too often.
        TooOften(TooManyTicketRequests),
        /// The room is not found.
        Room(RoomError),
        /// There is no seat.
        Seat(NoSeat),
    }
}

/// Every seat is taken.
#[derive(Debug)]
pub struct NoSeat;

impl Refuse for NoSeat {
    fn refusals() -> Vec<Refusal> {
        vec![ROOM_FULL]
    }

    fn into_problem(self) -> ProblemResponse {
        EnterError::Full.into_problem()
    }
}

/// Where to begin.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct LiveQuery {
    /// `start` for the whole round. Otherwise the stream begins with the newest keyframe.
    #[param(inline)]
    from: Option<Place>,
}

/// A place in a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// The beginning.
    Start,
}

/// Reads the running round as a body that grows: the same bytes as the replay's file.
///
/// While no round runs, the answer waits up to 50 seconds for the next one, and then ends empty. While the body is open, a
/// client with a session is in the room: it may read and write the room's chat.
#[utoipa::path(
    get, path = "/api/rooms/{id}/live", operation_id = "watchRoom", tag = "rooms",
    security((), ("bearer" = []), ("cookie" = [])),
    params(("id" = RoomAddress, Path, description = "The room"), LiveQuery),
    responses(
        (status = 200, description = "The match stream. It ends with the round",
            content(("application/vnd.pushback.replay"))),
    )
)]
pub async fn live(
    State(finder): State<RoomFinder>,
    State(with): State<LiveParts>,
    UrlPath(at): UrlPath<RoomAddress>,
    QueryParams(query): QueryParams<LiveQuery>,
    address: ClientAddress,
    watcher: Option<Player>,
) -> HttpResult<Response, RoomError> {
    let watcher = watcher.map(|player| player.id);
    let room = finder.find(at, watcher, address).await?;
    let LiveParts { blobs, presence, metrics } = with;
    let present = watcher.map(|player| presence.enter(player, at.room, None));
    let present = (present, room.read_stream(watcher));
    Ok(match (query.from, room.view().recording.clone()) {
        (Some(Place::Start), Some((replay, progress))) => {
            let file = follow_file(blobs, replay, progress);
            growing(&metrics, file, present)
        }
        // The next round is read from its beginning in any case.
        (Some(Place::Start), None) | (None, _) => growing(&metrics, follow_stream(&room), present),
    })
}

/// The parts that serve a match stream.
#[derive(Clone)]
pub struct LiveParts {
    blobs: Blobs,
    presence: Arc<Presence>,
    metrics: Arc<Metrics>,
}

impl FromRef<HttpState> for LiveParts {
    fn from_ref(state: &HttpState) -> Self {
        let (blobs, presence) = (FromRef::from_ref(state), FromRef::from_ref(state));
        Self { blobs, presence, metrics: FromRef::from_ref(state) }
    }
}

fn growing(
    metrics: &Metrics,
    stream: impl Stream<Item = io::Result<Bytes>> + Send + 'static,
    present: (Option<PresenceGuard>, ReaderGuard),
) -> Response {
    let counted = metrics.rooms.live_streams.enter();
    // The stream counts, and the spectator is present, for as long as the body exists.
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

const ROOM_FULL: Refusal = Refusal::new(ProblemKind::RoomFull);
const ROOM_ENDED: Refusal = Refusal::new(ProblemKind::RoomEnded);
const TOO_MANY_ROOMS: Refusal =
    Refusal::new(ProblemKind::Overloaded).when("there are as many rooms as may be");
const TOO_MANY_OWN_ROOMS: Refusal =
    Refusal::new(ProblemKind::TooMany).when("too many open rooms of one player or one address");

impl Refuse for FindError {
    fn refusals() -> Vec<Refusal> {
        vec![NOT_FOUND, ROOM_ENDED]
    }

    fn into_problem(self) -> ProblemResponse {
        match self {
            Self::Unknown => NotFound("room").into_problem(),
            Self::Ended => EnterError::Ended.into_problem(),
            // Sent on to that node, unless the address named this one.
            Self::There(node) => EnterError::Ended.into_problem().on_node(node),
        }
    }
}

impl Refuse for OpenError {
    fn refusals() -> Vec<Refusal> {
        vec![TOO_MANY_ROOMS, TOO_MANY_OWN_ROOMS, STOPPING]
    }

    fn into_problem(self) -> ProblemResponse {
        let refusal = match self {
            Self::TooMany => TOO_MANY_ROOMS,
            Self::TooManyOfGuest(_) | Self::TooManyOfAddress(_) => TOO_MANY_OWN_ROOMS,
            Self::Stopping => return ProblemResponse::of(STOPPING, &self).on_another(),
        };
        ProblemResponse::of(refusal, &self)
    }
}

impl Refuse for EnterError {
    fn refusals() -> Vec<Refusal> {
        vec![ROOM_FULL, ROOM_ENDED]
    }

    fn into_problem(self) -> ProblemResponse {
        let (refusal, advice) = match self {
            Self::Full => (ROOM_FULL, "Watch it, or play in another"),
            Self::TooManySpectators | Self::TooManySpectatorsFromAddress => {
                (ROOM_FULL, "Watch another")
            }
            Self::Ended => (ROOM_ENDED, "Choose another"),
        };
        let detail = format!("{} {}", sentence(&self.to_string()), sentence(advice));
        ProblemResponse::new(refusal, detail)
    }
}
