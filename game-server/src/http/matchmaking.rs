//! `/api/matchmaking`: ask for a match, follow the request by long-polling, cancel it.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::header::{CACHE_CONTROL, LOCATION};
use http::{HeaderName, StatusCode};
use serde::Deserialize;
use shared::api::{MatchRequest, MatchTicket, ProblemKind};
use tokio::time::timeout;

use super::error::{HttpResult, Refuse, one_of};
use super::extract::{JsonBody, QueryParams, UrlPath};
use super::failures::TooManyMatches;
use super::problem::ProblemResponse;
use super::refusal::{NOT_FOUND, Refusal, SHARED_AWAY, STOPPING};
use crate::client_address::ClientAddress;
use crate::feeds::long_poll::clamp_wait;
use crate::ladder::LadderHandle;
use crate::limits::Limits;
use crate::matchmaking::{AskError, JoinError, Matchmaker, TicketUpdates};
use crate::metrics::Metrics;
use crate::player::Player;
use crate::storage::StoreError;
use crate::tasks::Tasks;

const NOT_STORED: [(HeaderName, &str); 1] = [(CACHE_CONTROL, "no-store")];

/// Looks for a match.
///
/// The ticket survives any disconnect. It ends when no request has named it for a minute, at the latest 75 seconds after the
/// last one, and when the seat that it found is no longer kept. A ticket whose room is lost before its player came waits
/// again, and is matched again as soon as a request names it. A server whose queue was lost answers 404: make another request.
#[utoipa::path(
    post, path = "/api/matchmaking", operation_id = "askMatch", tag = "matchmaking",
    security(("bearer" = []), ("cookie" = [])),
    request_body(content = MatchRequest, example = json!({"mode": "duel"})),
    responses(
        (status = 201, description = "The state of the request", body = MatchTicket,
            headers(("Location" = String, description = "The request's address")),
            links(
                ("follow" = (operation_id = "followMatch", parameters(("ticket" = "$response.body#/ticket")))),
                ("cancel" = (operation_id = "cancelMatch", parameters(("ticket" = "$response.body#/ticket")))),
            ),
            example = json!({"ticket": "x0ZvYq3Jk8wN5tRr1LbM2A", "version": 1, "state": {
                "is": "waiting", "waited_s": 0, "window": 100, "in_queue": 1, "bots_in_s": 10, "full": false}})),
    )
)]
pub async fn seek(
    State(matchmaker): State<Matchmaker>,
    State(ladder): State<LadderHandle>,
    State(limits): State<Arc<Limits>>,
    address: ClientAddress,
    player: Player,
    JsonBody(wish): JsonBody<MatchRequest>,
) -> HttpResult<Response, SeekError> {
    // Counted as a new room: each match may open one, and practice opens it at once.
    limits.rooms.take(address.0).map_err(TooManyMatches)?;
    let rating = ladder.rating(player.id).await?;
    let following = matchmaker.join(player.id, address, rating, wish.mode).await?;
    let ticket = following.borrow().clone();
    let location = format!("/api/matchmaking/{}", ticket.ticket);
    Ok((StatusCode::CREATED, NOT_STORED, [(LOCATION, location)], Json(ticket)).into_response())
}

one_of! {
    /// Why no match is looked for.
    pub enum SeekError {
        /// The address asks too often.
        TooOften(TooManyMatches),
        /// The rating cannot be read.
        Store(StoreError),
        /// The queue takes no request.
        Join(JoinError),
    }
}

/// From which version on, and how long to wait.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct FollowQuery {
    /// The version that the client has. Without it, the answer comes at once.
    after: Option<u64>,
    /// The seconds for which the server holds the answer until there is a later version. Less than 1 counts as 1, more
    /// than 55 as 55.
    wait: Option<i64>,
}

/// Reads the state of a request for a match: now, or as soon as it changes.
#[utoipa::path(
    get, path = "/api/matchmaking/{ticket}", operation_id = "followMatch", tag = "matchmaking",
    security(("bearer" = []), ("cookie" = [])),
    params(("ticket" = String, Path, description = "The ticket from the POST"), FollowQuery),
    responses(
        (status = 200, description = "The state of the request. `matched` names the room", body = MatchTicket,
            example = json!({"ticket": "x0ZvYq3Jk8wN5tRr1LbM2A", "version": 7,
                "state": {"is": "matched", "room": "7Q2M4K", "full": false,
                    "until_ms": 1_795_255_230_000_u64}})),
        (status = 204, description = "No later version: ask again with the same one"),
    )
)]
pub async fn follow(
    State(matchmaker): State<Matchmaker>,
    State(metrics): State<Arc<Metrics>>,
    State(tasks): State<Tasks>,
    UrlPath(ticket): UrlPath<String>,
    QueryParams(query): QueryParams<FollowQuery>,
    player: Player,
) -> HttpResult<Response, AskError> {
    let mut following = matchmaker.follow(player.id, ticket.clone()).await?;
    let known = query.after;
    let newer = |ticket: &MatchTicket| known.is_none_or(|known| ticket.version > known);
    let found = match query.wait {
        None => Some(following.borrow().clone()).filter(newer),
        Some(seconds) => {
            let _waiter = metrics.feeds.long_polls.enter();
            match wait_for(&mut following, clamp_wait(seconds), newer).await {
                Ok(found) => found,
                Err(RequestEnded) if tasks.is_stopping() => return Err(AskError::Stopping.into()),
                Err(RequestEnded) => {
                    // Asked for again, to say why.
                    let ended = matchmaker.follow(player.id, ticket).await.err();
                    return Err(ended.unwrap_or(AskError::Unknown).into());
                }
            }
        }
    };
    Ok(match found {
        Some(ticket) => (NOT_STORED, Json(ticket)).into_response(),
        None => (StatusCode::NO_CONTENT, NOT_STORED).into_response(),
    })
}

/// The request ended during the wait.
struct RequestEnded;

/// Waits for the first state that `newer` accepts. `None` when the wait ends.
async fn wait_for(
    following: &mut TicketUpdates,
    wait: Duration,
    newer: impl Fn(&MatchTicket) -> bool,
) -> Result<Option<MatchTicket>, RequestEnded> {
    match timeout(wait, following.wait_for(|ticket| newer(ticket))).await {
        Ok(Ok(ticket)) => Ok(Some(ticket.clone())),
        Ok(Err(_)) => Err(RequestEnded),
        Err(_) => Ok(None),
    }
}

/// Cancels a request for a match.
#[utoipa::path(
    delete, path = "/api/matchmaking/{ticket}", operation_id = "cancelMatch", tag = "matchmaking",
    security(("bearer" = []), ("cookie" = [])),
    params(("ticket" = String, Path, description = "The ticket from the POST")),
    responses(
        (status = 204, description = "Cancelled"),
    )
)]
pub async fn cancel(
    State(matchmaker): State<Matchmaker>,
    UrlPath(ticket): UrlPath<String>,
    player: Player,
) -> HttpResult<StatusCode, AskError> {
    matchmaker.cancel(player.id, ticket).await?;
    Ok(StatusCode::NO_CONTENT)
}

const TOO_MANY_WAIT: Refusal =
    Refusal::new(ProblemKind::Overloaded).when("too many people wait for a match");
const NOT_YOURS: Refusal =
    Refusal::new(ProblemKind::Forbidden).when("the request is another player's");
const ENDED: Refusal = Refusal::new(ProblemKind::Gone).when("the request has ended");

impl Refuse for JoinError {
    fn refusals() -> Vec<Refusal> {
        vec![TOO_MANY_WAIT, SHARED_AWAY, STOPPING]
    }

    fn into_problem(self) -> ProblemResponse {
        let refusal = match self {
            Self::TooMany => TOO_MANY_WAIT,
            Self::Away => SHARED_AWAY,
            Self::Stopping => STOPPING,
        };
        ProblemResponse::of(refusal, &self)
    }
}

impl Refuse for AskError {
    fn refusals() -> Vec<Refusal> {
        vec![NOT_FOUND, ENDED, NOT_YOURS, SHARED_AWAY, STOPPING]
    }

    fn into_problem(self) -> ProblemResponse {
        let refusal = match &self {
            Self::Unknown => NOT_FOUND,
            Self::Ended(_) => ENDED,
            Self::NotYours => NOT_YOURS,
            Self::Away => SHARED_AWAY,
            Self::Stopping => STOPPING,
        };
        ProblemResponse::of(refusal, &self)
    }
}
