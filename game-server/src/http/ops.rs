//! For operators: liveness, readiness, metrics.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::header::CONTENT_TYPE;

use super::error::{HttpResult, Refuse};
use super::problem::ProblemResponse;
use super::refusal::{INTERNAL, Refusal, STARTING, STOPPING};
use crate::metrics::Metrics;
use crate::readiness::{Readiness, Unready};
use crate::storage::{Store, StoreError};
use crate::tasks::Tasks;

/// Says whether the process runs.
#[utoipa::path(
    get, path = "/healthz", operation_id = "checkAlive", tag = "operation",
    responses((status = 200, description = "It runs", body = String, example = json!("ok")))
)]
pub async fn alive() -> &'static str {
    "ok"
}

/// Says whether the server can serve.
///
/// It can when everything has started and runs, the database answers, and the disk has room.
#[utoipa::path(
    get, path = "/readyz", operation_id = "checkReady", tag = "operation",
    responses(
        (status = 200, description = "It can serve", body = String, example = json!("ready")),
    )
)]
pub async fn ready(
    State(tasks): State<Tasks>,
    State(readiness): State<Readiness>,
    State(store): State<Arc<dyn Store>>,
) -> HttpResult<&'static str, NotReady> {
    if tasks.is_stopping() {
        return Err(NotReady::Stopping.into());
    }
    match readiness.reason() {
        Some(Unready::Draining) => return Err(NotReady::Draining.into()),
        Some(Unready::Recovering) => return Err(NotReady::Recovering.into()),
        Some(Unready::DiskFull) => return Err(NotReady::DiskFull.into()),
        Some(Unready::ResultsLate) => return Err(NotReady::ResultsLate.into()),
        None => {}
    }
    store.ping().await.map_err(NotReady::Database)?;
    Ok("ready")
}

/// Why the server cannot serve.
#[derive(Debug)]
pub enum NotReady {
    /// It is stopping.
    Stopping,
    /// It takes nobody new and will stop.
    Draining,
    /// Recordings of the last run are being saved.
    Recovering,
    /// The disk of the data directory is full.
    DiskFull,
    /// Results wait for the database.
    ResultsLate,
    /// The database does not answer.
    Database(StoreError),
}

impl NotReady {
    const STOPPING: Refusal = STOPPING.when("it is draining or stops");
    const RECOVERING: Refusal = STARTING.when("recordings of the last run are being saved");
    const DISK_FULL: Refusal = INTERNAL.with_status(503).when("the disk is full");
    const RESULTS_LATE: Refusal = INTERNAL.with_status(503).when("results wait for the database");
    const DATABASE: Refusal = INTERNAL.with_status(503).when("the database does not answer");
}

impl Refuse for NotReady {
    fn refusals() -> Vec<Refusal> {
        vec![Self::STOPPING, Self::RECOVERING, Self::DISK_FULL, Self::RESULTS_LATE, Self::DATABASE]
    }

    fn into_problem(self) -> ProblemResponse {
        match self {
            Self::Stopping => ProblemResponse::new(Self::STOPPING, "Try again in a few seconds."),
            Self::Draining => {
                let detail = "The server is draining: its rounds are played to their end, and it takes nobody new.";
                ProblemResponse::new(Self::STOPPING, detail)
            }
            Self::Recovering => {
                let detail =
                    "Recordings of the last run are being saved. Everything else is served.";
                ProblemResponse::new(Self::RECOVERING, detail)
            }
            Self::DiskFull => {
                let detail = "The disk is full, or takes no data. Rounds go on without a recording meanwhile.";
                ProblemResponse::new(Self::DISK_FULL, detail)
            }
            Self::ResultsLate => {
                let detail = "Results of rounds wait for the database: it takes no data, or another program holds it.";
                ProblemResponse::new(Self::RESULTS_LATE, detail)
            }
            Self::Database(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "the store failed");
                ProblemResponse::new(Self::DATABASE, super::failures::STORE_DETAIL)
            }
        }
    }
}

/// Reads the metrics in Prometheus' text format.
#[utoipa::path(
    get, path = "/metrics", operation_id = "readMetrics", tag = "operation",
    responses((status = 200, description = "Counters, gauges and histograms", body = String))
)]
pub async fn metrics(State(metrics): State<Arc<Metrics>>) -> Response {
    let text = metrics.render();
    ([(CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response()
}
