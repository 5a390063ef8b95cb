//! Server-sent events (WHATWG HTML §9.2): one way, text, and the browser resumes by itself.
//!
//! Each event names its type; `data` is the whole envelope, as on the other transports. The heartbeat is an event and no
//! comment, because a page never sees comments: it could not tell a quiet line from a dead one.

use std::time::Duration;

use axum::response::Response;

use super::feed::Event;
use super::reader::Reader;
use super::stream::{self, Form};
use crate::metrics::Counted;

/// `retry` is how long a browser waits before it comes back, in milliseconds.
const EVENT_STREAM: Form = Form {
    content_type: "text/event-stream",
    opening: b"retry: 2000\n\n",
    heartbeat: |cursor, late, every| Event::heartbeat(cursor, late, every).sse(),
    event: Event::sse,
};

/// Answers with an event stream, from the reader's position until the client or the server closes it.
#[must_use]
pub fn answer(reader: Reader, heartbeat: Duration, counted: Counted) -> Response {
    stream::respond(reader, &EVENT_STREAM, heartbeat, counted)
}
