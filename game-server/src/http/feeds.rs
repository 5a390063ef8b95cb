//! `/api/feeds/{name}`: one address, five transports, by content negotiation.

use std::sync::Arc;

use axum::extract::{FromRequestParts as _, Request, State};
use axum::response::{IntoResponse as _, Response};
use http::header::VARY;
use http::{HeaderMap, HeaderValue};
use serde::Deserialize;
use shared::api::ProblemKind;
use shared::feed::Cursor;

use super::docs::{CursorGone, FeedEnvelope, FeedName, FeedPage, ServerSentEvent};
use super::error::{HttpError, HttpResult};
use super::upgrade::{self, Upgrade};
use super::{QueryParams, UrlPath, accept};
use crate::app::SharedApp;
use crate::feeds::feed::Source;
use crate::feeds::reader::{Reader, Start};
use crate::feeds::{long_poll, poll, sse, stream, websocket};

const OFFERED: [&str; 3] = ["application/json", "text/event-stream", "application/x-ndjson"];

const SSE_EXAMPLE: &str = r#"retry: 2000

id: 9f3c51d2a07be846-17
event: beat
data: {"id":"9f3c51d2a07be846-17","type":"beat","at_ms":1795255200500,"data":{"n":17,"at_ms":1795255200500}}

"#;
const NDJSON_EXAMPLE: &str = r#"
{"id":"9f3c51d2a07be846-17","type":"beat","at_ms":1795255200500,"data":{"n":17,"at_ms":1795255200500}}
"#;

/// Where to begin and how long to wait.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct FeedQuery {
    /// The id of the last event that was seen.
    #[param(value_type = Option<Cursor>)]
    after: Option<String>,
    /// With `after`, hold the answer for at most so many seconds until there is one. Less than 1 counts as
    /// 1, more than 55 as 55.
    wait: Option<i64>,
}

/// Reads a feed: now, from a cursor on, or for as long as one likes.
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
        ("name" = inline(FeedName), Path, description = "Which feed"),
        FeedQuery,
        ("Last-Event-ID" = Option<String>, Header, nullable = false,
            description = "Of an event stream: the id of the last event; goes before `after`"),
        ("If-None-Match" = Option<String>, Header, nullable = false, description = "Of a poll: ETags that the client has"),
    ),
    extensions(("x-websocket" = json!({"server": {"$ref": "#/components/schemas/FeedEnvelope"}}))),
    responses(
        (status = 101, description = "A WebSocket (ask with `Upgrade: websocket`): a `FeedEnvelope` a text frame"),
        (status = 200, description = "JSON: the snapshot, or with `after` the events since. The other types go on \
                until either side leaves, with blank traffic at least every 15 s.",
            headers(
                ("Pushback-Cursor" = Cursor, description = "Of JSON: ask for what comes after this"),
                ("ETag" = String, description = "Of JSON: names this answer"),
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
                ("text/event-stream", item_schema = ServerSentEvent, example = json!(SSE_EXAMPLE)),
                ("application/x-ndjson", item_schema = FeedEnvelope, example = json!(NDJSON_EXAMPLE)),
            )),
        (status = 204, description = "The wait ended: ask again with the same cursor",
            headers(("Pushback-Cursor" = Cursor, description = "The same cursor"))),
        (status = 304, description = "Nothing changed since the ETag",
            headers(("ETag" = String, description = "The same"))),
        (status = 400, description = "bad-request\nbad-cursor\nbad-upgrade"),
        (status = 403, description = "foreign-origin: a page of another site asked for a WebSocket"),
        (status = 404, description = "not-found"),
        (status = 406, description = "not-acceptable: there are JSON, event streams and NDJSON"),
        (status = 410, description = "cursor-gone: continue from the snapshot that comes with it",
            body = CursorGone, content_type = "application/problem+json"),
        (status = 426, description = "bad-upgrade: another version of WebSockets than 13",
            headers(("Sec-WebSocket-Version" = String, description = "`13`"))),
    )
)]
pub async fn read(
    State(app): State<SharedApp>,
    UrlPath(name): UrlPath<String>,
    QueryParams(query): QueryParams<FeedQuery>,
    request: Request,
) -> Response {
    let Some(source) = app.feeds.by_name(&name) else {
        return HttpError::not_found("feed: there are scoreboard, rooms and lab").into_response();
    };
    let answer = if upgrade::is_wanted(request.headers()) {
        // Boxed: its size would be added to every request that waits.
        Box::pin(over_websocket(&app, source, &query, request)).await
    } else {
        over_http(&app, source, &query, request.headers()).await
    };
    let mut response = answer.into_response();
    response.headers_mut().append(VARY, HeaderValue::from_static("Accept"));
    response
}

async fn over_websocket(
    app: &SharedApp,
    source: Arc<dyn Source>,
    query: &FeedQuery,
    request: Request,
) -> HttpResult<Response> {
    let (mut parts, _) = request.into_parts();
    let upgrade = Upgrade::from_request_parts(&mut parts, app).await?;
    let reader = Reader::open(source, start(cursor(query.after.as_deref())?));
    let ping = app.config.ping;
    let counted = app.gauges.feed_sockets.enter();
    Ok(upgrade.run(app, async move |socket| {
        websocket::serve(socket, reader, ping, counted).await;
    }))
}

async fn over_http(
    app: &SharedApp,
    source: Arc<dyn Source>,
    query: &FeedQuery,
    headers: &HeaderMap,
) -> HttpResult<Response> {
    let gauges = &app.gauges;
    let heartbeat = app.config.heartbeat;
    match accept::choose(headers, &OFFERED) {
        Some(0) => {
            let after = cursor(query.after.as_deref())?;
            Ok(match (after, query.wait) {
                (Some(after), Some(wait)) => {
                    let wait = long_poll::clamp_wait(wait);
                    long_poll::answer(source, after, wait, gauges).await
                }
                (after, _) => poll::answer(&*source, after, headers),
            })
        }
        Some(1) => {
            let reader = Reader::open(source, event_stream_start(headers, query));
            Ok(sse::answer(reader, heartbeat, gauges.sse.enter()))
        }
        Some(_) => {
            let reader = Reader::open(source, start(cursor(query.after.as_deref())?));
            Ok(stream::answer(reader, heartbeat, gauges.ndjson.enter()))
        }
        None => {
            let detail = format!("A feed is served as {}.", OFFERED.join(", "));
            Err(HttpError::new(ProblemKind::NotAcceptable, detail))
        }
    }
}

/// `Last-Event-ID` goes before `after`. A browser takes any refusal as final, so garbage is a reset.
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

fn cursor(after: Option<&str>) -> HttpResult<Option<Cursor>> {
    let refuse = |_| {
        let detail = "A cursor is the id of an event, or what the last answer called cursor.";
        HttpError::new(ProblemKind::BadCursor, detail)
    };
    after.map(|text| text.parse().map_err(refuse)).transpose()
}
