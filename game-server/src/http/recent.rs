//! `/api/rooms/{id}/recent`: the newest records of a room's match stream, for clients that poll it.
//!
//! The lobby's list shows each room in motion, and a browser opens at most six connections to one server. So each row
//! polls for the records since its last request: some hundred bytes of the stream that all readers share. No
//! connection stays open, the server keeps no state for a reader, and a room without readers costs nothing.

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};
use serde::Deserialize;
use shared::feed::Cursor;
use shared::invitation::RoomAddress;
use shared::replay::MEDIA_TYPE;

use super::error::{HttpResult, one_of};
use super::extract::{QueryParams, UrlPath};
use super::failures::{BadCursor, Fault};
use super::room_finder::{RoomError, RoomFinder};
use crate::client_address::ClientAddress;
use crate::feeds::poll::CURSOR_HEADER;

/// Where to continue.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct RecentQuery {
    /// The `Pushback-Cursor` of the last answer. Valid for about two seconds.
    #[param(value_type = Option<Cursor>)]
    after: Option<String>,
}

/// Reads the running round after a cursor: the same records as in `live`, without waiting.
///
/// Without a cursor, or with one that is too old or of another round, the answer begins as a replay file does: with
/// `PUSHBACK`, a header and the newest keyframe. Otherwise it continues exactly where the last one ended.
#[utoipa::path(
    get, path = "/api/rooms/{id}/recent", operation_id = "readRecent", tag = "rooms",
    params(("id" = RoomAddress, Path, description = "The room"), RecentQuery),
    responses(
        (status = 200, description = "Records of the match stream",
            content(("application/vnd.pushback.replay")),
            headers(("Pushback-Cursor" = Cursor, description = "The `?after=` of the next request"))),
        (status = 204, description = "Nothing new, or no round runs"),
    )
)]
pub async fn read(
    State(finder): State<RoomFinder>,
    UrlPath(at): UrlPath<RoomAddress>,
    QueryParams(query): QueryParams<RecentQuery>,
    address: ClientAddress,
) -> HttpResult<Response, RecentError> {
    let room = finder.find(at, None, address).await?;
    let refuse = |_| BadCursor("A cursor is the Pushback-Cursor of the last answer.");
    let after = query.after.map(|text| text.parse().map_err(refuse)).transpose()?;
    let mut response = match room.since(after) {
        Some((bytes, cursor)) => {
            let cursor = HeaderValue::try_from(cursor.to_string()).or(Err(Fault))?;
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

one_of! {
    /// Why there are no records.
    pub enum RecentError {
        /// The room is not found.
        Room(RoomError),
        /// The cursor cannot be read.
        Cursor(BadCursor),
        /// The answer cannot be written.
        Fault(Fault),
    }
}
