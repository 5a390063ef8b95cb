//! Polling: one request, one answer at once, as plain JSON. Long-polling answers with the same pages.

use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use bytes::{BufMut as _, Bytes, BytesMut};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use shared::feed::Cursor;

use super::feed::{Event, Gone, Snapshot, Source};
use crate::etag::{is_known, is_wanted};

/// The header with the cursor, for answers without a body.
pub const CURSOR_HEADER: HeaderName = HeaderName::from_static("pushback-cursor");
/// Events in one answer. The next request gets the rest.
pub const PAGE_EVENTS_MAX: usize = 256;

/// Answers with the snapshot, or with the events after a cursor. `None` when the client wants another version.
///
/// # Errors
/// [`CursorGone`] when events after the cursor are forgotten.
pub fn answer(
    source: &dyn Source,
    after: Option<Cursor>,
    headers: &HeaderMap,
) -> Result<Option<Response>, CursorGone> {
    let Some(after) = after else {
        let snapshot = source.snapshot();
        let tag = format!("\"{}\"", snapshot.cursor);
        return Ok(tagged(&tag, headers, snapshot.cursor, || snapshot.page.clone()));
    };
    let events = source.after(after, PAGE_EVENTS_MAX).map_err(|Gone| CursorGone::of(source))?;
    let cursor = events.last().map_or(after, |event| event.cursor);
    let tag = format!("\"{after}+{}\"", events.len());
    Ok(tagged(&tag, headers, cursor, || events_page(cursor, &events)))
}

/// The events after a cursor are forgotten: the client starts again from this snapshot.
#[derive(Debug)]
pub struct CursorGone(pub Arc<Snapshot>);

impl CursorGone {
    /// With the current snapshot.
    #[must_use]
    pub fn of(source: &dyn Source) -> Self {
        Self(source.snapshot())
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

fn tagged(
    tag: &str,
    headers: &HeaderMap,
    cursor: Cursor,
    body: impl FnOnce() -> Bytes,
) -> Option<Response> {
    if !is_wanted(tag, headers) {
        return None;
    }
    let mut response = if is_known(tag, headers) {
        bare(StatusCode::NOT_MODIFIED, cursor, Body::empty())
    } else {
        page(StatusCode::OK, cursor, body())
    };
    if let Ok(tag) = HeaderValue::from_str(tag) {
        response.headers_mut().insert(ETAG, tag);
    }
    Some(response)
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
