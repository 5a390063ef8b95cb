//! `/api/rooms/{id}/recent`: the newest moments of a room's stream, for who looks at it now and then.
//!
//! The lobby's list of rooms shows each room in motion, and a browser has six connections to a server. So a row asks
//! for what was recorded since it asked last, gets some hundred bytes of the same stream that everybody reads, and
//! keeps no connection: a room that nobody looks at costs nothing, and the server remembers nobody.

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};
use serde::Deserialize;
use shared::api::ProblemKind;
use shared::feed::Cursor;
use shared::id::RoomId;
use shared::replay::MEDIA_TYPE;

use super::error::{HttpError, HttpResult, internal};
use super::{QueryParams, UrlPath};
use crate::app::SharedApp;
use crate::feeds::poll::CURSOR_HEADER;

/// Where to go on.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct RecentQuery {
    /// What the last answer called `Pushback-Cursor`. Good for about two seconds.
    #[param(value_type = Option<Cursor>)]
    after: Option<String>,
}

/// The running round since a cursor: the same records as in `live`, without waiting.
///
/// Without a cursor, or with one that is too old or of another round, the answer begins anew: as a file does,
/// with `PUSHBACK`, a header and the newest keyframe. Otherwise it goes on exactly where the last one ended.
#[utoipa::path(
    get, path = "/api/rooms/{id}/recent", operation_id = "readRecent", tag = "rooms",
    params(("id" = RoomId, Path, description = "The room"), RecentQuery),
    responses(
        (status = 200, description = "Records of the match stream",
            content(("application/vnd.pushback.replay")),
            headers(("Pushback-Cursor" = Cursor, description = "Ask for what follows with `?after=` and this"))),
        (status = 204, description = "Nothing new, or no round runs"),
        (status = 400, description = "bad-request\nbad-cursor"),
        (status = 404, description = "not-found"),
        (status = 410, description = "room-ended"),
    )
)]
pub async fn read(
    State(app): State<SharedApp>,
    UrlPath(id): UrlPath<RoomId>,
    QueryParams(query): QueryParams<RecentQuery>,
) -> HttpResult<Response> {
    let room = app.rooms.find(id)?;
    let refuse = |_| {
        HttpError::new(
            ProblemKind::BadCursor,
            "A cursor is what the last answer called Pushback-Cursor.",
        )
    };
    let after = query.after.map(|text| text.parse().map_err(refuse)).transpose()?;
    let mut response = match room.since(after) {
        Some((bytes, cursor)) => {
            let cursor = HeaderValue::try_from(cursor.to_string()).or(Err(internal()))?;
            let mut response = if bytes.is_empty() {
                StatusCode::NO_CONTENT.into_response()
            } else {
                ([(CONTENT_TYPE, MEDIA_TYPE)], bytes).into_response()
            };
            response.headers_mut().insert(CURSOR_HEADER, cursor);
            response
        }
        None => StatusCode::NO_CONTENT.into_response(),
    };
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}
