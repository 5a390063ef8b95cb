//! `/api/chat/tickets` and `/ws/chat`.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use http::header::CACHE_CONTROL;
use serde::Deserialize;
use shared::api::WebSocketTicket;
use shared::protocol::CHAT_SUBPROTOCOL;

use super::QueryParams;
use super::error::HttpResult;
use super::rooms::too_many_tickets;
use super::upgrade::Upgrade;
use crate::app::SharedApp;
use crate::chat::socket::{self, Newcomer};
use crate::client_address::ClientAddress;
use crate::player::Player;
use crate::tickets::TicketScope;

/// A key that opens the chat once.
#[utoipa::path(
    post, path = "/api/chat/tickets", operation_id = "askChatTicket", tag = "chat",
    security(("bearer" = []), ("cookie" = [])),
    responses(
        (status = 201, description = "The key and the address to open with it", body = WebSocketTicket,
            example = json!({"ticket": "x0ZvYq3Jk8wN5tRr1LbM2A",
                "url": "/ws/chat?ticket=x0ZvYq3Jk8wN5tRr1LbM2A", "expires_in_s": 30})),
        (status = 401, description = "sign-in"),
        (status = 429, description = "too-many: too many tickets for one address"),
        (status = 503, description = "overloaded: too many tickets wait to be used"),
    )
)]
pub async fn ticket(
    State(app): State<SharedApp>,
    ClientAddress(address): ClientAddress,
    player: Player,
) -> HttpResult<Response> {
    app.limits.tickets.take(address).map_err(too_many_tickets)?;
    let ticket = app.tickets.issue(player, TicketScope::Chat)?;
    Ok((StatusCode::CREATED, [(CACHE_CONTROL, "no-store")], Json(ticket)).into_response())
}

/// What the address of a chat connection says.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ChatQuery {
    /// From `POST /api/chat/tickets`.
    #[serde(default)]
    #[param(required = true, pattern = "^[A-Za-z0-9_-]{22}$")]
    ticket: String,
    /// The sequence number of the last line that was seen.
    after: Option<u64>,
}

/// The chat as a WebSocket with JSON texts, subprotocol `pushback-chat.v1`.
///
/// The client sends `ChatClientMessage`, the server `ChatServerMessage`, the first of which is `hello`.
#[utoipa::path(
    get, path = "/ws/chat", operation_id = "openChat", tag = "chat",
    params(
        ChatQuery,
        ("Sec-WebSocket-Protocol" = String, Header, description = "Offers at least `pushback-chat.v1`",
            example = json!(CHAT_SUBPROTOCOL)),
    ),
    extensions(("x-websocket" = json!({
        "subprotocol": CHAT_SUBPROTOCOL,
        "client": {"$ref": "#/components/schemas/ChatClientMessage"},
        "server": {"$ref": "#/components/schemas/ChatServerMessage"},
    }))),
    responses(
        (status = 101, description = "The chat, as JSON texts"),
        (status = 400, description = "bad-request\nbad-upgrade\nprotocol-version: the subprotocol was not offered"),
        (status = 401, description = "bad-ticket"),
        (status = 403, description = "foreign-origin"),
        (status = 426, description = "bad-upgrade: another version of WebSockets than 13",
            headers(("Sec-WebSocket-Version" = String, description = "`13`"))),
    )
)]
pub async fn connect(
    State(app): State<SharedApp>,
    QueryParams(query): QueryParams<ChatQuery>,
    upgrade: Upgrade,
) -> HttpResult<Response> {
    // The ticket comes last: a client of another version keeps it.
    let upgrade = upgrade.speaking(CHAT_SUBPROTOCOL)?;
    let player = app.tickets.redeem_chat(&query.ticket)?;
    let (after, ping, counted) = (query.after, app.config.ping, app.gauges.chat_sockets.enter());
    let newcomer = Newcomer { player, after, ping, counted };
    let chat = app.chat.clone();
    Ok(upgrade.run(&app, async move |socket| socket::serve(socket, newcomer, &chat).await))
}
