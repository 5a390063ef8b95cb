//! `/ws/rooms/{id}`: from a ticket to a connection in a room.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use shared::id::RoomId;
use shared::protocol::{GAME_SUBPROTOCOL, GAME_SUBPROTOCOLS};

use super::error::{HttpResult, one_of};
use super::extract::{QueryParams, UrlPath};
use super::upgrade::{NotUpgradable, OtherProtocol, Upgrade};
use crate::client_address::ClientAddress;
use crate::ladder::LadderHandle;
use crate::room::{EnterError, Entrant};
use crate::rooms::{FindError, Rooms};
use crate::storage::StoreError;
use crate::tickets::{Holder, InvalidTicket, Tickets};

/// The parameters of a game connection.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PlayQuery {
    /// The ticket from `POST /api/rooms/{id}/tickets`.
    #[serde(default)]
    #[param(required = true, pattern = "^[A-Za-z0-9_-]{22}$")]
    ticket: String,
}

/// Opens a room: a WebSocket with binary messages, subprotocol `pushback.v6`.
///
/// The messages are those of `shared::protocol`, encoded by bincode 2. A client and a server of different versions
/// understand each other when they speak the same subprotocol.
#[utoipa::path(
    get, path = "/ws/rooms/{id}", operation_id = "openRoom", tag = "rooms",
    params(
        ("id" = RoomId, Path, description = "The room"),
        PlayQuery,
        ("Sec-WebSocket-Protocol" = String, Header, description = "Offers at least `pushback.v6`",
            example = json!(GAME_SUBPROTOCOL)),
    ),
    extensions(("x-websocket" = json!({
        "subprotocol": GAME_SUBPROTOCOL,
        "client": {"contentMediaType": "application/octet-stream"},
        "server": {"contentMediaType": "application/octet-stream"},
    }))),
    responses(
        (status = 101, description = "Welcome, then the match stream"),
    )
)]
pub async fn connect(
    State(rooms): State<Rooms>,
    State(tickets): State<Arc<Tickets>>,
    State(ladder): State<LadderHandle>,
    UrlPath(id): UrlPath<RoomId>,
    QueryParams(query): QueryParams<PlayQuery>,
    address: ClientAddress,
    upgrade: Upgrade,
) -> HttpResult<Response, ConnectError> {
    // The subprotocol is checked first, so that a client of another version keeps its ticket.
    let upgrade = upgrade.with_protocol(GAME_SUBPROTOCOLS)?;
    let room = rooms.find(id);
    let (Holder { player, session }, role) = tickets.redeem_room(&query.ticket, id)?;
    let room = room?;
    let rating = ladder.rating(player.id).await?;
    // The player enters before the upgrade, so that a refusal is an HTTP answer. If the upgrade fails, the connection is
    // dropped, and the seat waits for the player to reconnect.
    let handshake = room.enter(Entrant { player, rating, session, address }, role).await?;
    Ok(upgrade.detach(|socket| handshake.complete(socket))?)
}

one_of! {
    /// Why a connection does not enter a room.
    pub enum ConnectError {
        /// The subprotocol was not offered.
        OtherProtocol(OtherProtocol),
        /// There is no such room.
        Room(FindError),
        /// The ticket is not valid.
        Ticket(InvalidTicket),
        /// The rating cannot be read.
        Store(StoreError),
        /// The room is full, or has ended.
        Enter(EnterError),
        /// The connection cannot become a WebSocket.
        NotUpgradable(NotUpgradable),
    }
}
