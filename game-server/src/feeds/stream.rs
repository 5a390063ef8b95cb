//! HTTP streaming: the envelopes as lines of JSON (NDJSON) in an endless body. A blank line is the heartbeat.
//! [`super::sse`] uses the same body.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use shared::feed::Cursor;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

use super::feed::Event;
use super::reader::{Next, Reader};
use crate::metrics::Counted;

/// Asks proxies to forward each event at once.
const NO_BUFFERING: (&str, &str) = ("x-accel-buffering", "no");

/// The format of a stream.
pub(super) struct Form {
    pub(super) content_type: &'static str,
    /// The first bytes.
    pub(super) opening: &'static [u8],
    /// Encodes a heartbeat for this position: the stream is alive, and the feed is late since then. A reader that is up to date
    /// gets one, too.
    pub(super) heartbeat: fn(Cursor, Option<u64>, Duration) -> Bytes,
    pub(super) event: fn(&Event) -> Bytes,
}

const LINES: Form = Form {
    content_type: "application/x-ndjson",
    opening: b"\n",
    heartbeat: |_cursor, _late_since_ms, _every| Bytes::from_static(b"\n"),
    event: Event::line,
};

/// Answers with lines, from the reader's position until the client or the server closes the body.
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
        every: heartbeat,
        timer: heartbeat_timer(heartbeat),
        quiet: false,
        opened: false,
        greeted: false,
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

/// An endless body.
struct Live {
    reader: Reader,
    form: &'static Form,
    /// The longest silence.
    every: Duration,
    timer: Interval,
    /// Whether no event came since the last tick.
    quiet: bool,
    opened: bool,
    /// Whether the first heartbeat was sent: it tells a page the server's clock, and how long silence may last.
    greeted: bool,
    /// Counts the stream while it is open.
    _counted: Counted,
}

impl Live {
    async fn next(&mut self) -> Option<Bytes> {
        if !self.opened {
            self.opened = true;
            return Some(Bytes::from_static(self.form.opening));
        }
        if !self.greeted {
            if let Some(event) = self.reader.next_ready() {
                return Some((self.form.event)(&event));
            }
            self.greeted = true;
            return Some(self.heartbeat());
        }
        loop {
            tokio::select! {
                biased; // An event takes precedence over a heartbeat.
                next = self.reader.next() => {
                    self.quiet = false;
                    return Some(match next? {
                        Next::Event(event) => (self.form.event)(&event),
                        Next::Lateness => self.heartbeat(),
                    });
                }
                _ = self.timer.tick() => {
                    if std::mem::replace(&mut self.quiet, true) {
                        return Some(self.heartbeat());
                    }
                }
            }
        }
    }

    fn heartbeat(&mut self) -> Bytes {
        let late_since_ms = self.reader.late_since_ms();
        (self.form.heartbeat)(self.reader.cursor(), late_since_ms, self.every)
    }
}

/// Ticks twice as often as a heartbeat is due: one is sent after a quiet tick, and an event touches no timer. The first
/// tick falls at a random moment, so that streams opened together do not send together.
fn heartbeat_timer(heartbeat: Duration) -> Interval {
    let period = heartbeat / 2;
    let mut timer = interval_at(Instant::now() + period.mul_f64(rand::random()), period);
    timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
    timer
}
