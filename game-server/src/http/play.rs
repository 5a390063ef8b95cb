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
use crate::room;

/// What the address of a game connection says.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PlayQuery {
    /// From `POST /api/rooms/{id}/tickets`.
    #[serde(default)]
    ticket: String,
}

/// The game as a WebSocket with binary messages, subprotocol `pushback.v1`.
#[utoipa::path(
    get, path = "/ws/rooms/{id}", tag = "rooms",
    params(("id" = String, Path, description = "The room"), PlayQuery),
    responses(
        (status = 101, description = "Welcome, then the match stream"),
        (status = 400, description = "bad-upgrade, protocol-version"),
        (status = 401, description = "bad-ticket"),
        (status = 403, description = "foreign-origin"),
        (status = 409, description = "room-full"),
        (status = 410, description = "room-ended"),
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
    let rating = app.scores.rating(player.id).await?;
    // Let in before the upgrade, so that a refusal is an answer that any client understands. Should the
    // upgrade fail, the connection is dropped and the seat waits for the player to come back.
    let entered = room.enter(player, role, rating).await?;
    let services = app.services.clone();
    Ok(upgrade.run(&app, |socket| room::talk(socket, entered, services)))
}
