//! `/api/replays`: the list, one entry, and the file, whole or in ranges.

use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

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
use shared::api::{ReplayList, ReplaySummary};
use shared::id::{PlayerId, ReplayId};
use shared::replay::MEDIA_TYPE;
use shared::sim::Mode;

use super::arriving::{ArrivingFiles, Missing};
use super::error::{HttpResult, Refuse, one_of};
use super::extract::{QueryParams, UrlPath};
use super::failures::{Fault, NotFound, OtherVersion};
use super::problem::ProblemResponse;
use super::ranges::{Wanted, wanted};
use super::read_gate::Reading;
use super::refusal::{BAD_REQUEST, INTERNAL, Refusal};
use super::tagged_json::{self, TaggedError};
use crate::etag;
use crate::storage::blobs::{Blobs, Listed};
use crate::storage::{ReplayFilter, Store, StoreError};

/// Replays on one page when the request names no limit.
const LIMIT: u32 = 20;
/// Replays on one page at most.
const LIMIT_MAX: u32 = 100;
/// Bytes in one read from the disk or the bucket. A slow reader holds no more.
const CHUNK_BYTES: u64 = 64 * 1024;
/// When to ask again for a recording whose store does not answer.
const AWAY_FOR: Duration = Duration::from_secs(5);
/// When to ask again for a recording that is on its way.
const ARRIVING_FOR: Duration = Duration::from_secs(1);

/// The replays to list.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ReplayQuery {
    /// Only replays older than this one: the `next` of the page before.
    before: Option<ReplayId>,
    /// Replays on the page. 20 when missing.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
    /// Only replays with this player.
    player: Option<PlayerId>,
    /// Only replays of this mode.
    mode: Option<Mode>,
}

/// Lists recorded rounds, the newest first.
#[utoipa::path(
    get, path = "/api/replays", operation_id = "listReplays", tag = "replays",
    params(
        ReplayQuery,
        ("If-None-Match" = Option<String>, Header, nullable = false, description = "The ETags that the client has"),
        ("If-Match" = Option<String>, Header, nullable = false, description = "The ETags of the only versions that the client wants"),
    ),
    responses(
        (status = 200, description = "A page. Its `next` is the `before` of the page after it", body = ReplayList,
            headers(
                ("ETag" = String, description = "Identifies this page"),
                ("Vary" = String, description = "`Accept-Encoding`: long pages are compressed"),
            )),
        (status = 304, description = "The client has this page",
            headers(("ETag" = String, description = "The same ETag"))),
    )
)]
pub async fn list(
    _reading: Reading,
    State(store): State<Arc<dyn Store>>,
    QueryParams(query): QueryParams<ReplayQuery>,
    headers: HeaderMap,
) -> HttpResult<Response, ListError> {
    let limit = query.limit.unwrap_or(LIMIT);
    if !(1..=LIMIT_MAX).contains(&limit) {
        return Err(BadLimit.into());
    }
    let ReplayQuery { before, player, mode, .. } = query;
    let filter = ReplayFilter { before, limit, player, mode };
    let list: ReplayList = store.replays(filter).await?;
    Ok(tagged_json::answer(&list, &headers)?)
}

one_of! {
    /// Why there is no page.
    pub enum ListError {
        /// The client wants another version, or the page cannot be written.
        Tagged(TaggedError),
        /// The limit is out of range.
        Limit(BadLimit),
        /// The list cannot be read.
        Store(StoreError),
    }
}

/// The limit of a page is out of range.
#[derive(Debug)]
pub struct BadLimit;

impl Refuse for BadLimit {
    fn refusals() -> Vec<Refusal> {
        vec![BAD_REQUEST]
    }

    fn into_problem(self) -> ProblemResponse {
        ProblemResponse::new(BAD_REQUEST, format!("A page has 1 to {LIMIT_MAX} replays."))
    }
}

/// Describes one recorded round.
#[utoipa::path(
    get, path = "/api/replays/{id}", operation_id = "readReplay", tag = "replays",
    params(("id" = ReplayId, Path, description = "The replay")),
    responses(
        (status = 200, description = "Mode, time, length, size, players", body = ReplaySummary),
    )
)]
pub async fn read(
    State(store): State<Arc<dyn Store>>,
    UrlPath(id): UrlPath<ReplayId>,
) -> HttpResult<Json<ReplaySummary>, ReplayError> {
    Ok(Json(known(&*store, id).await?))
}

/// Reads the recording itself: the match stream as a file.
#[utoipa::path(
    get, path = "/api/replays/{id}/file", operation_id = "readReplayFile", tag = "replays",
    params(
        ("id" = ReplayId, Path, description = "The replay"),
        ("Range" = Option<String>, Header, nullable = false, description = "One range of bytes, such as `bytes=0-999`"),
        ("If-Range" = Option<String>, Header, nullable = false, description = "The ETag of the file that the range belongs to"),
        ("If-None-Match" = Option<String>, Header, nullable = false, description = "The ETags that the client has"),
        ("If-Match" = Option<String>, Header, nullable = false, description = "The ETags of the only versions that the client wants"),
    ),
    responses(
        (status = 200, description = "The whole file",
            content(("application/vnd.pushback.replay")), headers(
            ("ETag" = String, description = "Identifies these bytes for ever"),
            ("Accept-Ranges" = String, description = "`bytes`"),
            ("Content-Disposition" = String, description = "A file name to save it under"),
        )),
        (status = 206, description = "The bytes that `Range` names",
            content(("application/vnd.pushback.replay")), headers(
            ("ETag" = String, description = "Identifies these bytes for ever"),
            ("Content-Range" = String, description = "The range, and the size of the file"),
        )),
        (status = 304, description = "The client has this file",
            headers(("ETag" = String, description = "Identifies these bytes for ever"))),
    )
)]
pub async fn file(
    State(store): State<Arc<dyn Store>>,
    State(blobs): State<Blobs>,
    State(arriving): State<Arc<ArrivingFiles>>,
    UrlPath(id): UrlPath<ReplayId>,
    method: Method,
    headers: HeaderMap,
) -> HttpResult<Response, FileError> {
    let summary = known(&*store, id).await?;
    let listed = Listed { id, bytes: summary.bytes };
    let size = match arriving.size(&blobs, &summary).await {
        Ok(size) => size,
        Err(Missing::Arriving) => return Err(Unreadable::Arriving.into()),
        Err(Missing::Failed(error)) => return Err(unreadable(id, &error).into()),
    };
    // A recording never changes, but one that was cut off and recovered gets another size.
    let tag = format!("\"{id}-{size:x}\"");
    if !etag::is_wanted(&tag, &headers) {
        return Err(OtherVersion.into());
    }
    if etag::is_known(&tag, &headers) {
        return Ok((StatusCode::NOT_MODIFIED, [(ETAG, tag)]).into_response());
    }
    // Only GET has ranges (RFC 9110 §14.2).
    let wanted = if method == Method::GET { wanted(&headers, &tag, size) } else { Wanted::Whole };
    let (status, part) = match wanted {
        Wanted::Whole => (StatusCode::OK, 0..size),
        Wanted::Part(part) => (StatusCode::PARTIAL_CONTENT, part),
        Wanted::Nothing => return Err(NoSuchBytes { size }.into()),
    };
    let mut response = Response::new(match method {
        Method::HEAD => Body::empty(),
        _ => chunks(blobs, listed, part.clone()),
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

async fn known(store: &dyn Store, id: ReplayId) -> Result<ReplaySummary, ReplayError> {
    Ok(store.replay(id).await?.ok_or(NotFound("replay"))?)
}

one_of! {
    /// Why a replay is not known.
    pub enum ReplayError {
        /// There is none of that id.
        NotFound(NotFound),
        /// The list cannot be read.
        Store(StoreError),
    }
}

one_of! {
    /// Why there is no file.
    pub enum FileError {
        /// The replay is not known.
        Replay(ReplayError),
        /// The file is not there, or not to be had now.
        Unreadable(Unreadable),
        /// The client wants another version.
        OtherVersion(OtherVersion),
        /// The file has no such bytes.
        Range(NoSuchBytes),
        /// The answer cannot be written.
        Fault(Fault),
    }
}

/// A listed recording is not there, or where it is does not answer.
#[derive(Debug)]
pub enum Unreadable {
    /// It is not there any more.
    Gone(NotFound),
    /// It may be there again in a while.
    Away,
    /// Its round ended on another node, which may still send it.
    Arriving,
}

impl Unreadable {
    const AWAY: Refusal = INTERNAL.with_status(503).when(
        "where the recordings are kept does not answer, or the file is still on its way there",
    );
}

impl Refuse for Unreadable {
    fn refusals() -> Vec<Refusal> {
        let mut refusals = NotFound::refusals();
        refusals.push(Self::AWAY);
        refusals
    }

    fn into_problem(self) -> ProblemResponse {
        match self {
            Self::Gone(gone) => gone.into_problem(),
            Self::Away => {
                let detail = "The store of the recordings does not answer. Try again in a while.";
                ProblemResponse::new(Self::AWAY, detail).with_wait(AWAY_FOR)
            }
            Self::Arriving => {
                let detail = "The recording is still on its way. Try again in a moment.";
                ProblemResponse::new(Self::AWAY, detail).with_wait(ARRIVING_FOR)
            }
        }
    }
}

fn unreadable(id: ReplayId, error: &io::Error) -> Unreadable {
    tracing::error!(replay = %id, %error, "a listed recording cannot be read");
    match error.kind() {
        io::ErrorKind::NotFound => Unreadable::Gone(NotFound("recording any more")),
        _ => Unreadable::Away,
    }
}

/// A range begins after the end of the file.
#[derive(Debug)]
pub struct NoSuchBytes {
    /// The size of the file in bytes.
    size: u64,
}

impl NoSuchBytes {
    const REFUSAL: Refusal = BAD_REQUEST.with_status(416).when("the file has no such bytes");
}

impl Refuse for NoSuchBytes {
    fn refusals() -> Vec<Refusal> {
        vec![Self::REFUSAL]
    }

    fn into_problem(self) -> ProblemResponse {
        let problem =
            ProblemResponse::new(Self::REFUSAL, format!("The file has {} bytes.", self.size));
        match HeaderValue::try_from(format!("bytes */{}", self.size)) {
            Ok(range) => problem.with_header(CONTENT_RANGE, range),
            Err(_) => problem,
        }
    }
}

/// Reads each chunk after the one before it is sent.
fn chunks(blobs: Blobs, listed: Listed, part: Range<u64>) -> Body {
    Body::from_stream(stream::try_unfold((blobs, part), move |(blobs, part)| async move {
        let read = chunk(&blobs, listed, part.clone()).await;
        read.map(|bytes| {
            let bytes = bytes?;
            let rest = part.start + bytes.len() as u64..part.end;
            Some((bytes, (blobs, rest)))
        })
    }))
}

async fn chunk(blobs: &Blobs, listed: Listed, part: Range<u64>) -> io::Result<Option<Bytes>> {
    if part.is_empty() {
        return Ok(None);
    }
    let length = usize::try_from((part.end - part.start).min(CHUNK_BYTES)).unwrap_or(0);
    let bytes = blobs.read(listed, part.start, length).await?;
    // When bytes are missing, the connection breaks, so that the client notices.
    if bytes.is_empty() { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(Some(bytes.into())) }
}

fn disposition(summary: &ReplaySummary) -> String {
    let mode = summary.mode.title().to_lowercase();
    format!("attachment; filename=\"pushback-{mode}-{}.replay\"", summary.id)
}

fn header(text: &str) -> Result<HeaderValue, Fault> {
    HeaderValue::from_str(text).map_err(|_unprintable| Fault)
}
