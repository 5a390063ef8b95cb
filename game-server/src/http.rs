//! The one table of routes, and what wraps all of them.

pub mod error;

pub mod chat;
pub mod docs;
pub mod feeds;
pub mod lobby;
pub mod matchmaking;
pub mod ops;
pub mod play;
pub mod players;
mod ranges;
pub mod recent;
pub mod replays;
pub mod rooms;
pub mod session;

mod accept;
mod extract;
mod guard;
pub mod upgrade;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use tower_http::catch_panic::CatchPanicLayer;

pub use extract::{JsonBody, QueryParams, UrlPath};

use crate::app::SharedApp;

/// The longest body that a call takes.
const BODY_BYTES_MAX: usize = 16 * 1024;

/// Every route of the server.
pub fn routes(app: SharedApp) -> Router {
    let table = Router::new()
        .route("/api/session", post(session::begin).get(session::look).delete(session::end))
        .route("/api/session/handovers", post(session::hand_over))
        .route("/api/feeds/{name}", get(feeds::read))
        .route("/api/players/{id}", get(players::profile))
        .route("/api/chat/tickets", post(chat::ticket))
        .route("/ws/chat", get(chat::connect))
        .route("/api/rooms", get(rooms::list).post(rooms::create))
        .route("/api/rooms/{id}", get(rooms::look))
        .route("/api/rooms/{id}/tickets", post(rooms::ticket))
        .route("/api/rooms/{id}/live", get(rooms::live))
        .route("/api/rooms/{id}/recent", get(recent::read))
        .route("/ws/rooms/{id}", get(play::connect))
        .route("/api/matchmaking", post(matchmaking::ask))
        .route("/api/matchmaking/{ticket}", get(matchmaking::follow).delete(matchmaking::cancel))
        .route("/api/replays", get(replays::list))
        .route("/api/replays/{id}", get(replays::look))
        .route("/api/replays/{id}/file", get(replays::file))
        .route("/healthz", get(ops::alive))
        .route("/readyz", get(ops::ready))
        .route("/metrics", get(ops::metrics))
        .merge(docs::routes())
        .fallback(lobby::page)
        .method_not_allowed_fallback(guard::wrong_method);

    // The last layer is the outermost.
    table
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(CatchPanicLayer::custom(guard::panicked))
        .layer(from_fn_with_state(app.clone(), guard::around))
        .with_state(app)
}
