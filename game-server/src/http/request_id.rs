//! A name for each request: in `x-request-id` of its answer, in the problem when it is refused, and in each line of the
//! log that belongs to it.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::extract::Request;

use http::{HeaderName, HeaderValue};
use shared::invitation::RoomAddress;
use tower_http::classify::{ServerErrorsAsFailures, SharedClassifier};
use tower_http::request_id::{MakeRequestId, RequestId};
use tower_http::trace::{MakeSpan, OnResponse, TraceLayer};
use tracing::Span;

/// Carries the id, from a proxy and to the client.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The longest id that is taken from a proxy, in bytes. UUIDs have 36.
const REQUEST_ID_BYTES_MAX: usize = 64;

/// Drops an id that is too long or holds anything but letters, digits and `-_.`, so that [`RequestIds`] gives another.
pub(super) fn drop_unclean(mut request: Request) -> Request {
    if request.headers().get(REQUEST_ID).is_some_and(|id| !is_clean(id)) {
        request.headers_mut().remove(REQUEST_ID);
    }
    request
}

fn is_clean(id: &HeaderValue) -> bool {
    let id = id.as_bytes();
    let is_fit = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
    (1..=REQUEST_ID_BYTES_MAX).contains(&id.len()) && id.iter().all(is_fit)
}

/// Makes ids: a random number for each start of the server, then a count.
#[derive(Clone)]
pub(super) struct RequestIds {
    epoch: u32,
    count: Arc<AtomicU64>,
}

impl RequestIds {
    pub(super) fn new() -> Self {
        Self { epoch: rand::random(), count: Arc::default() }
    }
}

impl MakeRequestId for RequestIds {
    fn make_request_id<B>(&mut self, _: &http::Request<B>) -> Option<RequestId> {
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        let id = HeaderValue::try_from(format!("{:08x}-{number}", self.epoch));
        id.ok().map(RequestId::new)
    }
}

/// The layer that puts every line of a request's log into one span.
pub(super) type Trace =
    TraceLayer<SharedClassifier<ServerErrorsAsFailures>, RequestSpan, (), Answered, (), (), ()>;

/// Makes the layer. It logs the answer's head at the level `debug`. A failure is logged where it is found.
pub(super) fn trace() -> Trace {
    TraceLayer::new_for_http()
        .make_span_with(RequestSpan)
        .on_request(())
        .on_response(Answered)
        .on_body_chunk(())
        .on_eos(())
        .on_failure(())
}

/// The span of a request.
#[derive(Clone, Copy)]
pub(super) struct RequestSpan;

impl<B> MakeSpan<B> for RequestSpan {
    fn make_span(&mut self, request: &http::Request<B>) -> Span {
        let id = request.extensions().get::<RequestId>();
        let id = id.and_then(|id| id.header_value().to_str().ok());
        let path = without_secret(request.uri().path());
        // At the level of errors, so that no filter drops the id from the lines it lets through. Never the query: it
        // may hold a ticket.
        tracing::error_span!("request", id, method = request.method().as_str(), path = &*path)
    }
}

/// A path without the secret of an invitation: a log is read by more people than were invited.
fn without_secret(path: &str) -> Cow<'_, str> {
    let secret = path
        .split('/')
        .find(|part| part.parse::<RoomAddress>().is_ok_and(|address| address.secret.is_some()));
    match secret.and_then(|part| part.split_once('-')) {
        Some((_, secret)) => path.replace(secret, "…").into(),
        None => path.into(),
    }
}

/// Logs the head of an answer.
#[derive(Clone, Copy)]
pub(super) struct Answered;

impl<B> OnResponse<B> for Answered {
    fn on_response(self, response: &http::Response<B>, latency: Duration, _: &Span) {
        let latency_us = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        tracing::debug!(status = response.status().as_u16(), latency_us, "answered");
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::extract::Request;
    use tower_http::request_id::MakeRequestId as _;

    use super::{REQUEST_ID, REQUEST_ID_BYTES_MAX, RequestIds, drop_unclean, without_secret};

    #[test]
    fn only_a_short_and_clean_id_is_taken_over() {
        let longest = "a".repeat(REQUEST_ID_BYTES_MAX);
        for (id, is_kept) in [
            ("7f3c-0001_a.b", true),
            (longest.as_str(), true),
            (&format!("{longest}a"), false),
            ("", false),
            ("a b", false),
            ("a\"b", false),
            ("{}", false),
        ] {
            let request = Request::builder().header(REQUEST_ID, id).body(Body::empty()).unwrap();
            let kept = drop_unclean(request).headers().contains_key(REQUEST_ID);
            assert_eq!(kept, is_kept, "{id:?}");
        }
    }

    #[test]
    fn the_secret_of_an_invitation_stays_out_of_the_log() {
        let live = "/api/rooms/7Q2M4K-3M9C8R5T1W7XZ/live";
        assert_eq!(without_secret(live), "/api/rooms/7Q2M4K-…/live");
        for path in ["/api/rooms/7Q2M4K/live", "/app-0a1b2c3d4e5f.js", "/", ""] {
            assert_eq!(without_secret(path), path);
        }
    }

    #[test]
    fn no_two_requests_have_one_id() {
        let ids = RequestIds::new();
        let request = Request::new(Body::empty());
        let make = || ids.clone().make_request_id(&request).unwrap().into_header_value();
        assert_ne!(make(), make());
        assert!(super::is_clean(&make()));
    }
}
