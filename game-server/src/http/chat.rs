//! `/api/chat/tickets` and `/ws/chat`: from a ticket to a chat connection.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use http::header::CACHE_CONTROL;
use serde::Deserialize;
use shared::api::WebSocketTicket;
use shared::protocol::CHAT_SUBPROTOCOL;

use super::error::{HttpResult, one_of};
use super::extract::QueryParams;
use super::failures::TooManyTicketRequests;
use super::state::HttpSettings;
use super::upgrade::{OtherProtocol, Upgrade};
use crate::chat::ChatHandle;
use crate::chat::socket::{Newcomer, serve};
use crate::client_address::ClientAddress;
use crate::drain::Drain;
use crate::limits::Limits;
use crate::metrics::Metrics;
use crate::sessions::SignedIn;
use crate::tickets::{Holder, InvalidTicket, TicketScope, Tickets};

/// Issues a ticket that opens the chat's WebSocket once.
#[utoipa::path(
    post, path = "/api/chat/tickets", operation_id = "askChatTicket", tag = "chat",
    security(("bearer" = []), ("cookie" = [])),
    responses(
        (status = 201, description = "The ticket, and the address that it opens", body = WebSocketTicket,
            example = json!({"ticket": "x0ZvYq3Jk8wN5tRr1LbM2A",
                "url": "/ws/chat?ticket=x0ZvYq3Jk8wN5tRr1LbM2A", "expires_in_s": 30})),
    )
)]
pub async fn ticket(
    State(tickets): State<Arc<Tickets>>,
    State(limits): State<Arc<Limits>>,
    ClientAddress(address): ClientAddress,
    holder: SignedIn,
) -> HttpResult<Response, TooManyTicketRequests> {
    limits.tickets.take(address).map_err(TooManyTicketRequests)?;
    let ticket = tickets.issue(holder, TicketScope::Chat);
    Ok((StatusCode::CREATED, [(CACHE_CONTROL, "no-store")], Json(ticket)).into_response())
}

/// The parameters of a chat connection.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ChatQuery {
    /// The ticket from `POST /api/chat/tickets`.
    #[serde(default)]
    #[param(required = true, pattern = "^[A-Za-z0-9_-]{22}$")]
    ticket: String,
    /// The sequence number of the last line that the client has. The server sends the lines after it.
    after: Option<u64>,
}

/// Opens the chat: a WebSocket with JSON texts, subprotocol `pushback-chat.v1`.
///
/// The client sends `ChatClientMessage`. The server sends `ChatServerMessage`, and `hello` first.
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
    )
)]
pub async fn connect(
    State(tickets): State<Arc<Tickets>>,
    State(chat): State<ChatHandle>,
    State(metrics): State<Arc<Metrics>>,
    State(settings): State<Arc<HttpSettings>>,
    State(drain): State<Drain>,
    QueryParams(query): QueryParams<ChatQuery>,
    upgrade: Upgrade,
) -> HttpResult<Response, ConnectError> {
    // The subprotocol is checked first, so that a client of another version keeps its ticket.
    let upgrade = upgrade.with_protocol(&[CHAT_SUBPROTOCOL])?;
    let Holder { player, session } = tickets.redeem_chat(&query.ticket)?;
    let newcomer = Newcomer {
        player,
        session,
        after: query.after,
        ping: settings.ping,
        turn: drain.turn(),
        counted: metrics.chat.sockets.enter(),
    };
    Ok(upgrade.run(async move |socket| serve(socket, newcomer, &chat).await))
}

one_of! {
    /// Why the chat is not opened.
    pub enum ConnectError {
        /// The subprotocol was not offered.
        OtherProtocol(OtherProtocol),
        /// The ticket is not valid.
        Ticket(InvalidTicket),
    }
}
