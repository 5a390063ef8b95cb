//! `/api/matchmaking`: ask for a match, hear how it stands by long-polling, give up.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::header::{CACHE_CONTROL, LOCATION};
use http::{HeaderName, StatusCode};
use serde::Deserialize;
use shared::api::{MatchRequest, MatchTicket, ProblemKind};
use tokio::time::timeout;

use super::error::{HttpError, HttpResult, sentence};
use super::{JsonBody, QueryParams, UrlPath};
use crate::app::SharedApp;
use crate::client_address::ClientAddress;
use crate::feeds::long_poll::clamp_wait;
use crate::matchmaking::{AskError, TicketUpdates};
use crate::player::Player;

const NOT_STORED: [(HeaderName, &str); 1] = [(CACHE_CONTROL, "no-store")];

/// Looks for a match.
///
/// The ticket survives any disconnect, and ends a minute after it was last asked for.
#[utoipa::path(
    post, path = "/api/matchmaking", operation_id = "askMatch", tag = "matchmaking",
    security(("bearer" = []), ("cookie" = [])),
    request_body(content = MatchRequest, example = json!({"mode": "duel"})),
    responses(
        (status = 201, description = "How the request stands", body = MatchTicket,
            headers(("Location" = String, description = "The request's address")),
            links(
                ("follow" = (operation_id = "followMatch", parameters(("ticket" = "$response.body#/ticket")))),
                ("cancel" = (operation_id = "cancelMatch", parameters(("ticket" = "$response.body#/ticket")))),
            ),
            example = json!({"ticket": "x0ZvYq3Jk8wN5tRr1LbM2A", "version": 1, "state": {
                "is": "waiting", "waited_s": 0, "window": 100, "in_queue": 1, "bots_in_s": 10}})),
        (status = 401, description = "sign-in"),
        (status = 429, description = "too-many: too many new rooms or requests for matches from one address"),
        (status = 503, description = "overloaded: too many people wait for a match\nstopping"),
    )
)]
pub async fn ask(
    State(app): State<SharedApp>,
    ClientAddress(address): ClientAddress,
    player: Player,
    JsonBody(wish): JsonBody<MatchRequest>,
) -> HttpResult<Response> {
    // Each may open a room, practice at once.
    app.limits.rooms.take(address).map_err(|wait| {
        HttpError::too_often(
            "Too many requests for matches from this address. Wait a little.",
            wait,
        )
    })?;
    let rating = app.ladder.rating(player.id).await?;
    let following = app.matchmaker.join(player.id, rating, wish.mode).await?;
    let ticket = following.borrow().clone();
    let location = format!("/api/matchmaking/{}", ticket.ticket);
    Ok((StatusCode::CREATED, NOT_STORED, [(LOCATION, location)], Json(ticket)).into_response())
}

/// Since when, and how long to wait.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct FollowQuery {
    /// The version that is known already. Without it, the answer comes at once.
    after: Option<u64>,
    /// Hold the answer for at most so many seconds until the version is a later one. Less than 1 counts as
    /// 1, more than 55 as 55.
    wait: Option<i64>,
}

/// How a request for a match stands: now, or as soon as it stands differently.
#[utoipa::path(
    get, path = "/api/matchmaking/{ticket}", operation_id = "followMatch", tag = "matchmaking",
    security(("bearer" = []), ("cookie" = [])),
    params(("ticket" = String, Path, description = "From the POST"), FollowQuery),
    responses(
        (status = 200, description = "How the request stands; `matched` names the room", body = MatchTicket,
            example = json!({"ticket": "x0ZvYq3Jk8wN5tRr1LbM2A", "version": 7,
                "state": {"is": "matched", "room": "7Q2M4K"}})),
        (status = 204, description = "Nothing new: ask again with the same version"),
        (status = 400, description = "bad-request"),
        (status = 401, description = "sign-in"),
        (status = 403, description = "forbidden: the request is somebody else's"),
        (status = 404, description = "not-found"),
        (status = 410, description = "gone: the request has ended"),
        (status = 503, description = "stopping"),
    )
)]
pub async fn follow(
    State(app): State<SharedApp>,
    UrlPath(ticket): UrlPath<String>,
    QueryParams(query): QueryParams<FollowQuery>,
    player: Player,
) -> HttpResult<Response> {
    let mut following = app.matchmaker.follow(player.id, ticket).await?;
    let known = query.after;
    let newer = |ticket: &MatchTicket| known.is_none_or(|known| ticket.version > known);
    let found = match query.wait {
        None => Some(following.borrow().clone()).filter(newer),
        Some(seconds) => {
            let _waiter = app.gauges.long_polls.enter();
            wait_for(&mut following, clamp_wait(seconds), newer).await.map_err(|Over| match app
                .tasks
                .is_stopping()
            {
                true => AskError::Stopping,
                false => AskError::Ended,
            })?
        }
    };
    Ok(match found {
        Some(ticket) => (NOT_STORED, Json(ticket)).into_response(),
        None => (StatusCode::NO_CONTENT, NOT_STORED).into_response(),
    })
}

/// The request has ended while somebody waited.
struct Over;

/// The first state that is new enough; none when the wait ends.
async fn wait_for(
    following: &mut TicketUpdates,
    wait: Duration,
    newer: impl Fn(&MatchTicket) -> bool,
) -> Result<Option<MatchTicket>, Over> {
    match timeout(wait, following.wait_for(|ticket| newer(ticket))).await {
        Ok(Ok(ticket)) => Ok(Some(ticket.clone())),
        Ok(Err(_)) => Err(Over),
        Err(_) => Ok(None),
    }
}

/// Gives up.
#[utoipa::path(
    delete, path = "/api/matchmaking/{ticket}", operation_id = "cancelMatch", tag = "matchmaking",
    security(("bearer" = []), ("cookie" = [])),
    params(("ticket" = String, Path, description = "From the POST")),
    responses(
        (status = 204, description = "Given up"),
        (status = 401, description = "sign-in"),
        (status = 403, description = "forbidden: the request is somebody else's"),
        (status = 404, description = "not-found"),
        (status = 410, description = "gone: the request had ended"),
        (status = 503, description = "stopping"),
    )
)]
pub async fn cancel(
    State(app): State<SharedApp>,
    UrlPath(ticket): UrlPath<String>,
    player: Player,
) -> HttpResult<StatusCode> {
    app.matchmaker.cancel(player.id, ticket).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl From<AskError> for HttpError {
    fn from(error: AskError) -> Self {
        let kind = match error {
            AskError::Unknown => ProblemKind::NotFound,
            AskError::Ended => ProblemKind::Gone,
            AskError::NotYours => ProblemKind::Forbidden,
            AskError::TooMany => ProblemKind::Overloaded,
            AskError::Stopping => ProblemKind::Stopping,
        };
        Self::new(kind, sentence(&error.to_string()))
    }
}
