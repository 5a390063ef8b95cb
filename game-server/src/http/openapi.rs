//! The API described: `/api/openapi.json`, readable at `/api/docs`.
//!
//! Each handler describes itself beside its code, the bodies describe themselves in `shared`. This module adds the
//! tags and the ways to sign in, and makes a handler and its description one line of the route table.

mod bodies;
mod portable;
mod refusals;
pub(super) mod route;

use axum::Router;
use shared::api::Problem;
use shared::protocol::chat::{ChatClientMessage, ChatServerMessage};
use utoipa::openapi::OpenApi;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme};
use utoipa::{Modify, OpenApi as _};
use utoipa_swagger_ui::{Config, SwaggerUi};

use portable::portable;

pub use bodies::{CursorGone, FeedEnvelope, FeedName, FeedPage, ServerSentEvent};

const ABOUT: &str = "Rooms, matchmaking, live feeds, chat and replays of the game.\n\n\
    - **Sign in** with `POST /api/session`. A program asks for the token with `\"token\": true` and sends it as \
    `Authorization: Bearer`; a browser keeps the cookie.\n\
    - **Refusals** are `application/problem+json` (RFC 9457); a type never changes its meaning.\n\
    - **WebSockets** take a ticket, which a session asks for just before, never the session's token. `x-websocket` names \
    their subprotocol and messages.\n\
    - **Requests** have an id, which their answer carries in `X-Request-Id` and a refusal in `request_id`. It leads to the \
    request's lines in the server's log.\n\
    - New fields and events may appear: ignore those that you do not know.";

/// The parts of the description that belong to no route.
#[derive(utoipa::OpenApi)]
#[openapi(
    info(title = "Pushback", description = ABOUT),
    tags(
        (name = "session", description = "Guests: a name and a secret token"),
        (name = "feeds", description = "Live events: one address, five transports, cursors to resume from"),
        (name = "rooms", description = "Rooms, and the ways to enter one"),
        (name = "matchmaking", description = "Finding other players, by long-polling"),
        (name = "chat", description = "Lines of text over a WebSocket: to all, to a room, to a team, to one player"),
        (name = "players", description = "Ratings and totals"),
        (name = "replays", description = "Recorded rounds, and the match stream as a file"),
        (name = "operation", description = "For operators: liveness, readiness, metrics"),
    ),
    modifiers(&SignIn),
    components(schemas(FeedEnvelope, ServerSentEvent, Problem, ChatClientMessage, ChatServerMessage)),
)]
struct Frame;

/// The description without any route, of the server whose session cookie has this name.
pub(super) fn frame(cookie_name: &str) -> OpenApi {
    let mut api = Frame::openapi();
    let components = api.components.get_or_insert_default();
    let cookie = ApiKeyValue::with_description(cookie_name, "Set by `POST /api/session`.");
    components.add_security_scheme("cookie", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
    api
}

/// Serves the description and its reader.
pub(super) fn serve<S: Clone + Send + Sync + 'static>(api: OpenApi) -> Router<S> {
    let reader = Config::default().display_operation_id(true).show_extensions(true);
    let api = portable(&api);
    SwaggerUi::new("/api/docs")
        .config(reader)
        .external_url_unchecked("/api/openapi.json", api)
        .into()
}

/// A program's way to prove a session. The other one, a cookie, has another name on each server.
struct SignIn;

impl Modify for SignIn {
    fn modify(&self, api: &mut OpenApi) {
        let components = api.components.get_or_insert_default();
        let mut bearer = Http::new(HttpAuthScheme::Bearer);
        bearer.description = Some("The token of `POST /api/session`.".to_owned());
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
    }
}
