//! `/api/replays`: the list, one entry, and the file with ranges.

use std::io;
use std::ops::Range;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures_util::stream;
use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE,
    ETAG,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use serde::Deserialize;
use shared::api::{ProblemKind, ReplayList, ReplaySummary};
use shared::id::{PlayerId, ReplayId};
use shared::replay::MEDIA_TYPE;
use shared::sim::Mode;

use super::error::{HttpError, HttpResult, internal};
use super::ranges::{Wanted, wanted};
use super::{QueryParams, UrlPath};
use crate::app::SharedApp;
use crate::etag;
use crate::storage::ReplayFilter;
use crate::storage::blobs::Blobs;

/// Replays on one page unless the client says otherwise.
const LIMIT: u32 = 20;
/// Replays on one page at most.
const LIMIT_MAX: u32 = 100;
/// Read from the disk at once, and all that a slow reader holds.
const CHUNK_BYTES: u64 = 32 * 1024;

/// Which replays.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ReplayQuery {
    /// Only those older than this one: `next` of the page before.
    before: Option<ReplayId>,
    /// At most so many. 20 unless it is said.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
    /// Only those where this player took part.
    player: Option<PlayerId>,
    /// Only this mode.
    mode: Option<Mode>,
}

/// Recorded rounds, the newest first.
#[utoipa::path(
    get, path = "/api/replays", operation_id = "listReplays", tag = "replays", params(ReplayQuery),
    responses(
        (status = 200, description = "A page; `next` is the `before` of the one after it", body = ReplayList),
        (status = 400, description = "bad-request"),
    )
)]
pub async fn list(
    State(app): State<SharedApp>,
    QueryParams(query): QueryParams<ReplayQuery>,
) -> HttpResult<Json<ReplayList>> {
    let limit = query.limit.unwrap_or(LIMIT);
    if !(1..=LIMIT_MAX).contains(&limit) {
        let detail = format!("A page has 1 to {LIMIT_MAX} replays.");
        return Err(HttpError::new(ProblemKind::BadRequest, detail));
    }
    let ReplayQuery { before, player, mode, .. } = query;
    let filter = ReplayFilter { before, limit, player, mode };
    Ok(Json(app.store.replays(filter).await?))
}

/// One recorded round.
#[utoipa::path(
    get, path = "/api/replays/{id}", operation_id = "readReplay", tag = "replays",
    params(("id" = ReplayId, Path, description = "The replay")),
    responses(
        (status = 200, description = "Mode, time, length, size, players", body = ReplaySummary),
        (status = 404, description = "not-found"),
    )
)]
pub async fn look(
    State(app): State<SharedApp>,
    UrlPath(id): UrlPath<ReplayId>,
) -> HttpResult<Json<ReplaySummary>> {
    Ok(Json(known(&app, id).await?))
}

/// The recording itself: the match stream as a file, with ranges.
#[utoipa::path(
    get, path = "/api/replays/{id}/file", operation_id = "readReplayFile", tag = "replays",
    params(
        ("id" = ReplayId, Path, description = "The replay"),
        ("Range" = Option<String>, Header, nullable = false, description = "One range of bytes, such as `bytes=0-999`"),
        ("If-Range" = Option<String>, Header, nullable = false, description = "The ETag that the range belongs to"),
        ("If-None-Match" = Option<String>, Header, nullable = false, description = "ETags that the client has"),
    ),
    responses(
        (status = 200, description = "The whole file",
            content(("application/vnd.pushback.replay")), headers(
            ("ETag" = String, description = "Names these bytes for ever"),
            ("Accept-Ranges" = String, description = "`bytes`"),
            ("Content-Disposition" = String, description = "A name to save it under"),
        )),
        (status = 206, description = "The bytes that Range asked for",
            content(("application/vnd.pushback.replay")), headers(
            ("ETag" = String, description = "Names these bytes for ever"),
            ("Content-Range" = String, description = "Which of how many"),
        )),
        (status = 304, description = "The client has it",
            headers(("ETag" = String, description = "Names these bytes for ever"))),
        (status = 404, description = "not-found"),
        (status = 416, description = "bad-request: the file has no such bytes",
            headers(("Content-Range" = String, description = "How many bytes there are"))),
    )
)]
pub async fn file(
    State(app): State<SharedApp>,
    UrlPath(id): UrlPath<ReplayId>,
    method: Method,
    headers: HeaderMap,
) -> HttpResult<Response> {
    let summary = known(&app, id).await?;
    let size = app.blobs.size(id).await.map_err(|error| {
        tracing::error!(replay = %id, %error, "a listed recording cannot be read");
        HttpError::not_found("recording any more")
    })?;
    // A recording never changes; one that was cut off and saved has another size.
    let tag = format!("\"{id}-{size:x}\"");
    if etag::is_known(&tag, &headers) {
        return Ok((StatusCode::NOT_MODIFIED, [(ETAG, tag)]).into_response());
    }
    // Only GET has ranges (RFC 9110 §14.2).
    let wanted = if method == Method::GET { wanted(&headers, &tag, size) } else { Wanted::Whole };
    let (status, part) = match wanted {
        Wanted::Whole => (StatusCode::OK, 0..size),
        Wanted::Part(part) => (StatusCode::PARTIAL_CONTENT, part),
        Wanted::Nothing => return Err(not_there(size)?),
    };
    let mut response = Response::new(match method {
        Method::HEAD => Body::empty(),
        _ => chunks(&app, id, part.clone()),
    });
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
    headers.insert(CONTENT_LENGTH, (part.end - part.start).into());
    headers.insert(ETAG, header(&tag)?);
    headers.insert(CONTENT_DISPOSITION, header(&disposition(&summary))?);
    if status == StatusCode::PARTIAL_CONTENT {
        let last = part.end - 1;
        headers.insert(CONTENT_RANGE, header(&format!("bytes {}-{last}/{size}", part.start))?);
    }
    Ok(response)
}

async fn known(app: &SharedApp, id: ReplayId) -> HttpResult<ReplaySummary> {
    app.store.replay(id).await?.ok_or_else(|| HttpError::not_found("replay"))
}

fn not_there(size: u64) -> HttpResult<HttpError> {
    let refusal = HttpError::new(ProblemKind::BadRequest, format!("The file has {size} bytes."));
    let refusal = refusal.with_status(StatusCode::RANGE_NOT_SATISFIABLE);
    Ok(refusal.with_header(CONTENT_RANGE, header(&format!("bytes */{size}"))?))
}

/// One chunk is read when the one before it is on its way.
fn chunks(app: &SharedApp, id: ReplayId, part: Range<u64>) -> Body {
    let blobs = app.blobs.clone();
    Body::from_stream(stream::try_unfold((blobs, id, part), async |(blobs, id, part)| {
        let read = chunk(&*blobs, id, part.clone()).await;
        read.map(|bytes| {
            let bytes = bytes?;
            let rest = part.start + bytes.len() as u64..part.end;
            Some((bytes, (blobs, id, rest)))
        })
    }))
}

async fn chunk(blobs: &dyn Blobs, id: ReplayId, part: Range<u64>) -> io::Result<Option<Bytes>> {
    if part.is_empty() {
        return Ok(None);
    }
    let length = usize::try_from((part.end - part.start).min(CHUNK_BYTES)).unwrap_or(0);
    let bytes = blobs.read(id, part.start, length).await?;
    // When something is missing the connection breaks, so that the client sees it.
    if bytes.is_empty() { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(Some(bytes.into())) }
}

fn disposition(summary: &ReplaySummary) -> String {
    let mode = summary.mode.title().to_lowercase();
    format!("attachment; filename=\"pushback-{mode}-{}.replay\"", summary.id)
}

fn header(text: &str) -> HttpResult<HeaderValue> {
    HeaderValue::from_str(text).map_err(|_unprintable| internal())
}
