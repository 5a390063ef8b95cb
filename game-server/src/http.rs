//! HTTP: the one table of routes, and the layers around all of them.

pub mod error;
pub mod failures;
pub mod problem;
pub mod refusal;

mod cookie_renewal;
pub mod extract;
mod request_id;
pub mod sites;
pub mod state;
pub mod upgrade;

pub mod about;
pub mod arriving;
pub mod chat;
pub mod feeds;
pub mod lobby;
pub mod matchmaking;
pub mod ops;
pub mod play;
pub mod players;
pub mod read_gate;
pub mod recent;
pub mod replays;
pub mod room_finder;
pub mod rooms;
pub mod session;
pub mod starting;

mod accept;
mod cors;
mod elsewhere;
pub(crate) mod fuzz;
mod guard;
pub mod openapi;
mod ranges;
mod tagged_json;
#[cfg(test)]
mod tests;

use std::any::Any;
use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRef};
use axum::middleware::from_fn_with_state;
use tower::ServiceBuilder;
use tower_http::ServiceBuilderExt as _;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa_axum::router::OpenApiRouter;

use extract::BODY_BYTES_MAX;
use openapi::route::route;
use request_id::RequestIds;
use state::HttpState;

use crate::sessions::Sessions;
use crate::tasks::Tasks;

/// Every route of the server.
pub fn routes(state: HttpState) -> Router {
    let sessions: Arc<Sessions> = FromRef::from_ref(&state);
    let (routes, api) = table(sessions.cookie().name()).split_for_parts();
    let tasks = Arc::new(Tasks::from_ref(&state));
    let panicked = move |panic: Box<dyn Any + Send>| guard::panicked(&tasks, &*panic);
    // The first layer is the outermost. One stack, and not a layer each: a request that waits in a long-poll holds on to
    // the memory of each call of `Router::layer`.
    let layers = ServiceBuilder::new()
        .map_request(request_id::drop_unclean)
        .set_x_request_id(RequestIds::new())
        .layer(request_id::trace())
        .map_response(problem::finish)
        .propagate_x_request_id()
        // Around the guard, so that a page of a listed site can read a refusal, too.
        .option_layer(cors::layer(state.sites()))
        .layer(from_fn_with_state(state.clone(), guard::around))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX));
    routes
        .merge(openapi::serve(api))
        .fallback(lobby::page)
        .method_not_allowed_fallback(guard::wrong_method)
        .layer(layers)
        .with_state(state)
}

/// The API: a line for each call. The address and the method of each stand with its description beside its handler.
fn table(cookie_name: &str) -> OpenApiRouter<HttpState> {
    OpenApiRouter::with_openapi(openapi::frame(cookie_name))
        .routes(route!(session::begin))
        .routes(route!(session::read))
        .routes(route!(session::end))
        .routes(route!(session::link_device))
        .routes(route!(feeds::read))
        .routes(route!(players::profile))
        .routes(route!(chat::ticket))
        .routes(route!(chat::connect))
        .routes(route!(rooms::list))
        .routes(route!(rooms::create))
        .routes(route!(rooms::read))
        .routes(route!(rooms::ticket))
        .routes(route!(rooms::live))
        .routes(route!(recent::read))
        .routes(route!(play::connect))
        .routes(route!(matchmaking::seek))
        .routes(route!(matchmaking::follow))
        .routes(route!(matchmaking::cancel))
        .routes(route!(replays::list))
        .routes(route!(replays::read))
        .routes(route!(replays::file))
        .routes(route!(about::read))
        .routes(route!(ops::alive))
        .routes(route!(ops::ready))
        .routes(route!(ops::metrics))
}
