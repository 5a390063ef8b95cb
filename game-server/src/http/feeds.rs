//! `/api/feeds/{name}`: one address for five transports. The request's headers choose one.

use std::sync::Arc;

use axum::extract::{FromRef, Request, State};
use axum::response::{AppendHeaders, Response};
use http::header::VARY;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;
use shared::api::ProblemKind;
use shared::feed::Cursor;

use super::accept;
use super::error::{HttpResult, Refuse, Refused, one_of};
use super::extract::{QueryParams, UrlPath};
use super::failures::{BadCursor, NotFound, OtherVersion};
use super::openapi::{CursorGone, FeedEnvelope, FeedName, FeedPage, ServerSentEvent};
use super::problem::ProblemResponse;
use super::refusal::{CURSOR_GONE, Refusal};
use super::state::{HttpSettings, HttpState};
use super::upgrade::{self, Upgrade, UpgradeError};
use crate::feeds::Feeds;
use crate::feeds::feed::Source;
use crate::feeds::poll::CURSOR_HEADER;
use crate::feeds::reader::{Reader, Start};
use crate::feeds::{long_poll, poll, sse, stream, websocket};
use crate::metrics::Metrics;
use crate::tasks::Tasks;

const OFFERED: [&str; 3] = ["application/json", "text/event-stream", "application/x-ndjson"];

const SSE_EXAMPLE: &str = r#"retry: 2000

id: 9f3c51d2a07be846-17
event: beat
data: {"id":"9f3c51d2a07be846-17","type":"beat","at_ms":1795255200500,"data":{"n":17,"at_ms":1795255200500}}

"#;
const NDJSON_EXAMPLE: &str = r#"
{"id":"9f3c51d2a07be846-17","type":"beat","at_ms":1795255200500,"data":{"n":17,"at_ms":1795255200500}}
"#;

/// Where to begin, and how long to wait.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct FeedQuery {
    /// The id of the last event that the client has.
    #[param(value_type = Option<Cursor>)]
    after: Option<String>,
    /// With `after`: the seconds for which the server holds the answer until there is an event. Less than 1 counts as
    /// 1, more than 55 as 55.
    wait: Option<i64>,
}

/// Reads a feed: its state now, the events after a cursor, or every event as it happens.
///
/// Five transports carry the same envelopes and resume after the same cursors:
///
/// | ask with | answer |
/// | --- | --- |
/// | nothing more | polling: JSON at once |
/// | `after` and `wait` | long-polling: JSON at the first event, or 204 |
/// | `Accept: text/event-stream` | server-sent events |
/// | `Accept: application/x-ndjson` | a line of JSON for each event |
/// | `Upgrade: websocket` | a text frame for each event |
#[utoipa::path(
    get, path = "/api/feeds/{name}", operation_id = "readFeed", tag = "feeds",
    params(
        ("name" = inline(FeedName), Path, description = "The feed"),
        FeedQuery,
        ("Last-Event-ID" = Option<String>, Header, nullable = false,
            description = "Event stream only: the id of the last event. Takes precedence over `after`"),
        ("If-None-Match" = Option<String>, Header, nullable = false, description = "Poll only: the ETags that the client has"),
        ("If-Match" = Option<String>, Header, nullable = false,
            description = "Poll only: the ETags of the only versions that the client wants"),
    ),
    extensions(("x-websocket" = json!({"server": {"$ref": "#/components/schemas/FeedEnvelope"}}))),
    responses(
        (status = 101, description = "A WebSocket (ask with `Upgrade: websocket`): one `FeedEnvelope` in each text frame"),
        (status = 200, description = "JSON: the snapshot, or with `after` the events after it. The other types are streams: they go on \
                until either side closes, with blank traffic at least every 15 s.",
            headers(
                ("Pushback-Cursor" = Cursor, description = "JSON only: the cursor for the next request"),
                ("ETag" = String, description = "JSON only: identifies this answer"),
                ("Vary" = String, description = "`Accept`"),
            ),
            content(
                (FeedPage = "application/json", examples(
                    ("snapshot" = (summary = "Without a cursor", value = json!({
                        "cursor": "9f3c51d2a07be846-16", "snapshot": {"n": 16, "at_ms": 1_795_255_200_000_u64}}))),
                    ("events" = (summary = "With a cursor", value = json!({"cursor": "9f3c51d2a07be846-17", "events": [
                        {"id": "9f3c51d2a07be846-17", "type": "beat", "at_ms": 1_795_255_200_500_u64,
                            "data": {"n": 17, "at_ms": 1_795_255_200_500_u64}}]}))),
                )),
                (String = "text/event-stream", item_schema = ServerSentEvent, example = json!(SSE_EXAMPLE)),
                (String = "application/x-ndjson", item_schema = FeedEnvelope, example = json!(NDJSON_EXAMPLE)),
            )),
        (status = 204, description = "The wait ended without an event: ask again with the same cursor",
            headers(("Pushback-Cursor" = Cursor, description = "The same cursor"))),
        (status = 304, description = "The client has this answer",
            headers(("ETag" = String, description = "The same ETag"))),
        (status = 410, description = "",
            body = CursorGone, content_type = "application/problem+json"),
    )
)]
pub async fn read(
    State(with): State<FeedParts>,
    UrlPath(name): UrlPath<String>,
    QueryParams(query): QueryParams<FeedQuery>,
    request: Request,
) -> (AppendHeaders<[(HeaderName, &'static str); 1]>, HttpResult<Response, FeedError>) {
    let answer = answer(&with, &name, &query, request).await;
    (AppendHeaders([(VARY, "Accept")]), answer.map_err(Refused))
}

/// The parts that serve a feed.
#[derive(Clone)]
pub struct FeedParts {
    feeds: Arc<Feeds>,
    metrics: Arc<Metrics>,
    settings: Arc<HttpSettings>,
    tasks: Tasks,
}

impl FromRef<HttpState> for FeedParts {
    fn from_ref(state: &HttpState) -> Self {
        let (feeds, metrics) = (FromRef::from_ref(state), FromRef::from_ref(state));
        Self { feeds, metrics, settings: FromRef::from_ref(state), tasks: FromRef::from_ref(state) }
    }
}

async fn answer(
    with: &FeedParts,
    name: &str,
    query: &FeedQuery,
    request: Request,
) -> Result<Response, FeedError> {
    let source = with.feeds.by_name(name);
    let source = source.ok_or(NotFound("feed: there are scoreboard, rooms and lab"))?;
    if upgrade::is_wanted(request.headers()) {
        // Boxed: its size would otherwise be part of every request that waits.
        return Box::pin(over_websocket(with, source, query, request)).await;
    }
    over_http(with, source, query, request.headers()).await
}

one_of! {
    /// Why a feed is not read.
    pub enum FeedError {
        /// There is no such feed.
        NotFound(NotFound),
        /// The request does not become a WebSocket.
        Upgrade(UpgradeError),
        /// The cursor cannot be read.
        Cursor(BadCursor),
        /// The client takes none of the offered types.
        Type(NotAcceptable),
        /// The events after the cursor are forgotten.
        Gone(poll::CursorGone),
        /// The client wants another version.
        OtherVersion(OtherVersion),
    }
}

/// The client takes none of the offered types.
#[derive(Debug)]
pub struct NotAcceptable;

impl NotAcceptable {
    const REFUSAL: Refusal =
        Refusal::new(ProblemKind::NotAcceptable).when("there are JSON, event streams and NDJSON");
}

impl Refuse for NotAcceptable {
    fn refusals() -> Vec<Refusal> {
        vec![Self::REFUSAL]
    }

    fn into_problem(self) -> ProblemResponse {
        let detail = format!("A feed is served as {}.", OFFERED.join(", "));
        ProblemResponse::new(Self::REFUSAL, detail)
    }
}

impl Refuse for poll::CursorGone {
    fn refusals() -> Vec<Refusal> {
        vec![CURSOR_GONE]
    }

    fn into_problem(self) -> ProblemResponse {
        let Self(snapshot) = self;
        let detail = "The events after that cursor are forgotten. Continue from this snapshot.";
        let problem = ProblemResponse::new(CURSOR_GONE, detail).with_members(snapshot.page.clone());
        match HeaderValue::try_from(snapshot.cursor.to_string()) {
            Ok(cursor) => problem.with_header(CURSOR_HEADER, cursor),
            Err(_) => problem,
        }
    }
}

async fn over_websocket(
    with: &FeedParts,
    source: Arc<dyn Source>,
    query: &FeedQuery,
    request: Request,
) -> Result<Response, FeedError> {
    let (mut parts, _) = request.into_parts();
    let upgrade = Upgrade::of(&mut parts, &with.tasks, &with.settings).await?;
    let reader = Reader::open(source, start(cursor(query.after.as_deref())?));
    let ping = with.settings.ping;
    let counted = with.metrics.feeds.sockets.enter();
    Ok(upgrade.run(async move |socket| {
        websocket::serve(socket, reader, ping, counted).await;
    }))
}

async fn over_http(
    with: &FeedParts,
    source: Arc<dyn Source>,
    query: &FeedQuery,
    headers: &HeaderMap,
) -> Result<Response, FeedError> {
    let metrics = &with.metrics.feeds;
    let heartbeat = with.settings.heartbeat;
    match accept::choose(headers, &OFFERED) {
        Some(0) => {
            let after = cursor(query.after.as_deref())?;
            Ok(match (after, query.wait) {
                (Some(after), Some(wait)) => {
                    let wait = long_poll::clamp_wait(wait);
                    long_poll::answer(source, after, wait, &metrics.long_polls).await?
                }
                (after, _) => poll::answer(&*source, after, headers)?.ok_or(OtherVersion)?,
            })
        }
        Some(1) => {
            let reader = Reader::open(source, event_stream_start(headers, query));
            Ok(sse::answer(reader, heartbeat, metrics.sse.enter()))
        }
        Some(_) => {
            let reader = Reader::open(source, start(cursor(query.after.as_deref())?));
            Ok(stream::answer(reader, heartbeat, metrics.ndjson.enter()))
        }
        None => Err(NotAcceptable.into()),
    }
}

/// `Last-Event-ID` takes precedence over `after`. A browser never retries after a refusal, so a cursor that cannot be read
/// leads to a reset.
fn event_stream_start(headers: &HeaderMap, query: &FeedQuery) -> Start {
    let last = headers.get("last-event-id").map(|id| id.to_str().unwrap_or("garbage"));
    match last.or(query.after.as_deref()) {
        None => Start::Snapshot,
        Some(id) => id.parse().map_or(Start::Unknown, Start::After),
    }
}

fn start(after: Option<Cursor>) -> Start {
    after.map_or(Start::Snapshot, Start::After)
}

fn cursor(after: Option<&str>) -> Result<Option<Cursor>, BadCursor> {
    let refuse =
        |_| BadCursor("A cursor is the id of an event, or the `cursor` of the last answer.");
    after.map(|text| text.parse().map_err(refuse)).transpose()
}
