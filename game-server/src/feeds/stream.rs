//! HTTP streaming: the envelopes as lines of JSON (NDJSON) in a body that goes on. A blank line is the
//! heartbeat. The body's machinery serves [`super::sse`] too.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

use super::feed::Event;
use super::reader::Reader;
use crate::metrics::Counted;

/// Proxies pass each event on at once.
const NO_BUFFERING: (&str, &str) = ("x-accel-buffering", "no");

/// How a stream writes.
pub(super) struct Form {
    pub(super) content_type: &'static str,
    /// The first bytes.
    pub(super) opening: &'static [u8],
    /// Something that readers skip.
    pub(super) heartbeat: &'static [u8],
    pub(super) event: fn(&Event) -> Bytes,
}

const LINES: Form = Form {
    content_type: "application/x-ndjson",
    opening: b"\n",
    heartbeat: b"\n",
    event: Event::line,
};

/// Answers with lines, from where the reader stands until the client or the server leaves.
#[must_use]
pub fn answer(reader: Reader, heartbeat: Duration, counted: Counted) -> Response {
    respond(reader, &LINES, heartbeat, counted)
}

pub(super) fn respond(
    reader: Reader,
    form: &'static Form,
    heartbeat: Duration,
    counted: Counted,
) -> Response {
    let live = Live {
        reader,
        form,
        beat: beat(heartbeat),
        quiet: false,
        opened: false,
        _counted: counted,
    };
    let chunks = stream::unfold(live, async |mut live| {
        let chunk = live.next().await?;
        Some((Ok::<_, Infallible>(chunk), live))
    });
    let mut response = Response::new(Body::from_stream(chunks));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(form.content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(NO_BUFFERING.0, HeaderValue::from_static(NO_BUFFERING.1));
    response
}

/// A body that goes on.
struct Live {
    reader: Reader,
    form: &'static Form,
    beat: Interval,
    /// No event since the last beat.
    quiet: bool,
    opened: bool,
    /// Counted as an open stream while it lives.
    _counted: Counted,
}

impl Live {
    async fn next(&mut self) -> Option<Bytes> {
        if !self.opened {
            self.opened = true;
            return Some(Bytes::from_static(self.form.opening));
        }
        loop {
            tokio::select! {
                biased; // An event goes before a heartbeat.
                event = self.reader.next() => {
                    self.quiet = false;
                    return event.map(|event| (self.form.event)(&event));
                }
                _ = self.beat.tick() => {
                    if std::mem::replace(&mut self.quiet, true) {
                        return Some(Bytes::from_static(self.form.heartbeat));
                    }
                }
            }
        }
    }
}

/// Beats twice as often as the heartbeat is due: one is sent when a whole beat was quiet, and no timer is
/// touched for an event. The first beat falls anywhere, so that streams opened together beat apart.
fn beat(heartbeat: Duration) -> Interval {
    let period = heartbeat / 2;
    let mut beat = interval_at(Instant::now() + period.mul_f64(rand::random()), period);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    beat
}
