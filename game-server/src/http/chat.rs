//! `/api/chat/tickets` and `/ws/chat`.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use http::header::CACHE_CONTROL;
use serde::Deserialize;
use shared::protocol::CHAT_SUBPROTOCOL;

use super::QueryParams;
use super::error::HttpResult;
use super::upgrade::Upgrade;
use crate::app::SharedApp;
use crate::chat;
use crate::sessions::Player;
use crate::tickets::Door;

/// A key that opens the chat once.
#[utoipa::path(
    post, path = "/api/chat/tickets", tag = "chat",
    responses(
        (status = 201, description = "The key and the address to open with it", body = serde_json::Value,
            example = json!({"ticket": "k3…", "url": "/ws/chat?ticket=k3…", "expires_in_s": 30})),
        (status = 401, description = "sign-in"),
    )
)]
pub async fn ticket(State(app): State<SharedApp>, player: Player) -> HttpResult<Response> {
    let ticket = app.tickets.issue(player, Door::Chat)?;
    Ok((StatusCode::CREATED, [(CACHE_CONTROL, "no-store")], Json(ticket)).into_response())
}

/// What the address of a chat connection says.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ChatQuery {
    /// From `POST /api/chat/tickets`.
    #[serde(default)]
    ticket: String,
    /// The sequence number of the last line that was seen.
    after: Option<u64>,
}

/// The chat as a WebSocket with JSON texts, subprotocol `pushback-chat.v1`.
#[utoipa::path(
    get, path = "/ws/chat", tag = "chat", params(ChatQuery),
    responses(
        (status = 101, description = "Welcome"),
        (status = 400, description = "bad-upgrade, protocol-version"),
        (status = 401, description = "bad-ticket"),
        (status = 403, description = "foreign-origin"),
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
    let talk = {
        let app = app.clone();
        async move |socket| chat::socket::serve(socket, player, query.after, &app).await
    };
    Ok(upgrade.run(&app, talk))
}
