//! Polling: one request, one answer at once, as plain JSON. Long-polling answers with the same pages.

use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use bytes::{BufMut as _, Bytes, BytesMut};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use shared::api::ProblemKind;
use shared::feed::Cursor;

use super::feed::{Event, Source};
use crate::etag::is_known;

/// The header with the cursor, for answers without a body.
pub const CURSOR_HEADER: HeaderName = HeaderName::from_static("pushback-cursor");
/// Events in one answer. The next request gets the rest.
pub const PAGE_EVENTS_MAX: usize = 256;

/// Answers with the snapshot, or with the events after a cursor.
#[must_use]
pub fn answer(source: &dyn Source, after: Option<Cursor>, headers: &HeaderMap) -> Response {
    let Some(after) = after else {
        let snapshot = source.snapshot();
        let tag = format!("\"{}\"", snapshot.cursor);
        return tagged(&tag, headers, snapshot.cursor, || snapshot.page.clone());
    };
    match source.after(after, PAGE_EVENTS_MAX) {
        Ok(events) => {
            let cursor = events.last().map_or(after, |event| event.cursor);
            let tag = format!("\"{after}+{}\"", events.len());
            tagged(&tag, headers, cursor, || events_page(cursor, &events))
        }
        Err(_) => gone(source),
    }
}

/// 200 with events, of which there is at least one.
#[must_use]
pub fn events(cursor: Cursor, events: &[Arc<Event>]) -> Response {
    page(StatusCode::OK, cursor, events_page(cursor, events))
}

/// 204: no event; the client asks again with the same cursor.
#[must_use]
pub fn nothing(cursor: Cursor) -> Response {
    bare(StatusCode::NO_CONTENT, cursor, Body::empty())
}

/// 410: the client starts again from this snapshot. The body is also a problem document, for clients that only know
/// those.
#[must_use]
pub fn gone(source: &dyn Source) -> Response {
    let snapshot = source.snapshot();
    let kind = ProblemKind::CursorGone;
    let problem = serde_json::json!({
        "type": kind.uri(), "title": kind.title(), "status": kind.status(),
        "detail": "The events after that cursor are forgotten. Continue from this snapshot.",
    });
    let mut body = problem.to_string().into_bytes();
    // Two JSON objects become one: the problem's members, then the page's.
    body.pop();
    body.push(b',');
    body.extend_from_slice(&snapshot.page[1..]);
    let mut response = page(StatusCode::GONE, snapshot.cursor, body.into());
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    response
}

fn tagged(
    tag: &str,
    headers: &HeaderMap,
    cursor: Cursor,
    body: impl FnOnce() -> Bytes,
) -> Response {
    let mut response = if is_known(tag, headers) {
        bare(StatusCode::NOT_MODIFIED, cursor, Body::empty())
    } else {
        page(StatusCode::OK, cursor, body())
    };
    if let Ok(tag) = HeaderValue::from_str(tag) {
        response.headers_mut().insert(ETAG, tag);
    }
    response
}

fn events_page(cursor: Cursor, events: &[Arc<Event>]) -> Bytes {
    let size = events.iter().map(|event| event.text().len() + 1).sum::<usize>();
    let mut body = BytesMut::with_capacity(size + 80);
    body.put_slice(format!(r#"{{"cursor":"{cursor}","events":["#).as_bytes());
    for (index, event) in events.iter().enumerate() {
        if index > 0 {
            body.put_u8(b',');
        }
        body.put_slice(event.text().as_bytes());
    }
    body.put_slice(b"]}");
    body.freeze()
}

fn page(status: StatusCode, cursor: Cursor, body: Bytes) -> Response {
    let mut response = bare(status, cursor, Body::from(body));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn bare(status: StatusCode, cursor: Cursor, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(cursor) = HeaderValue::from_str(&cursor.to_string()) {
        headers.insert(CURSOR_HEADER, cursor);
    }
    response
}
