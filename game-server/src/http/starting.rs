//! The routes of a server that starts: it is alive, shows its metrics, and refuses everything else for a moment.

use std::sync::Arc;

use axum::Router;
use axum::middleware::map_response;
use axum::response::Response;
use axum::routing::get;

use super::ops;
use super::problem::{self, ProblemResponse};
use super::refusal::STARTING;
use crate::metrics::Metrics;

/// The routes until all parts have started.
pub fn routes(metrics: Arc<Metrics>) -> Router {
    Router::new()
        .route("/healthz", get(ops::alive))
        .route("/metrics", get(ops::metrics))
        .fallback(refuse)
        .layer(map_response(finish))
        .with_state(metrics)
}

async fn finish(response: Response) -> Response {
    problem::finish(response)
}

async fn refuse() -> ProblemResponse {
    ProblemResponse::new(STARTING, "The server still opens its data. Try again in a few seconds.")
}
