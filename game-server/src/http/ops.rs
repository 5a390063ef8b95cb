//! For operators: is it alive, can it serve, how is it doing.

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use shared::api::ProblemKind;

use super::error::{HttpError, HttpResult};
use crate::app::SharedApp;

/// Whether the process runs.
#[utoipa::path(
    get, path = "/healthz", operation_id = "checkAlive", tag = "operation",
    responses((status = 200, description = "It does", body = String, example = json!("ok")))
)]
pub async fn alive() -> &'static str {
    "ok"
}

/// Whether it can serve: the database answers and the server does not stop.
#[utoipa::path(
    get, path = "/readyz", operation_id = "checkReady", tag = "operation",
    responses(
        (status = 200, description = "It can", body = String, example = json!("ready")),
        (status = 503, description = "stopping\ninternal: the database does not answer"),
    )
)]
pub async fn ready(State(app): State<SharedApp>) -> HttpResult<&'static str> {
    if app.tasks.is_stopping() {
        return Err(HttpError::new(ProblemKind::Stopping, "Come back in a few seconds."));
    }
    app.store
        .ping()
        .await
        .map_err(|error| HttpError::from(error).with_status(StatusCode::SERVICE_UNAVAILABLE))?;
    Ok("ready")
}

/// Figures in Prometheus' text format.
#[utoipa::path(
    get, path = "/metrics", operation_id = "readMetrics", tag = "operation",
    responses((status = 200, description = "Counters, gauges and histograms", body = String))
)]
pub async fn metrics(State(app): State<SharedApp>) -> Response {
    let text = app.gauges.render();
    ([(CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response()
}
