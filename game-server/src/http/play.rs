//! `/ws/rooms/{id}`: from a ticket to a connection in a room.

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use shared::id::RoomId;
use shared::protocol::GAME_SUBPROTOCOL;

use super::error::HttpResult;
use super::upgrade::Upgrade;
use super::{QueryParams, UrlPath};
use crate::app::SharedApp;

/// What the address of a game connection says.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PlayQuery {
    /// From `POST /api/rooms/{id}/tickets`.
    #[serde(default)]
    #[param(required = true, pattern = "^[A-Za-z0-9_-]{22}$")]
    ticket: String,
}

/// The game as a WebSocket with binary messages, subprotocol `pushback.v5`.
///
/// The messages are those of `shared::protocol`, encoded by bincode 2: versions of the client and of the
/// server that speak the same subprotocol understand each other.
#[utoipa::path(
    get, path = "/ws/rooms/{id}", operation_id = "openRoom", tag = "rooms",
    params(
        ("id" = RoomId, Path, description = "The room"),
        PlayQuery,
        ("Sec-WebSocket-Protocol" = String, Header, description = "Offers at least `pushback.v5`",
            example = json!(GAME_SUBPROTOCOL)),
    ),
    extensions(("x-websocket" = json!({
        "subprotocol": GAME_SUBPROTOCOL,
        "client": {"contentMediaType": "application/octet-stream"},
        "server": {"contentMediaType": "application/octet-stream"},
    }))),
    responses(
        (status = 101, description = "Welcome, then the match stream"),
        (status = 400, description = "bad-request\nbad-upgrade\nprotocol-version: the subprotocol was not offered"),
        (status = 401, description = "bad-ticket"),
        (status = 403, description = "foreign-origin"),
        (status = 404, description = "not-found"),
        (status = 409, description = "room-full"),
        (status = 410, description = "room-ended"),
        (status = 426, description = "bad-upgrade: another version of WebSockets than 13",
            headers(("Sec-WebSocket-Version" = String, description = "`13`"))),
    )
)]
pub async fn connect(
    State(app): State<SharedApp>,
    UrlPath(id): UrlPath<RoomId>,
    QueryParams(query): QueryParams<PlayQuery>,
    upgrade: Upgrade,
) -> HttpResult<Response> {
    // The ticket comes after what a client cannot change: one of another version keeps it.
    let upgrade = upgrade.speaking(GAME_SUBPROTOCOL)?;
    let room = app.rooms.find(id);
    let (player, role) = app.tickets.redeem_room(&query.ticket, id)?;
    let room = room?;
    let rating = app.ladder.rating(player.id).await?;
    // Let in before the upgrade, so that a refusal is an answer that any client understands. Should the
    // upgrade fail, the connection is dropped and the seat waits for the player to come back.
    let handshake = room.enter(player, role, rating).await?;
    upgrade.hand_over(&app, |socket| handshake.complete(socket))
}
