//! Figures for Prometheus: counters of the whole process, and gauges of this server.

mod memory;
pub mod players;
pub mod ticks;

use std::fmt::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request};
use axum::response::Response;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use crate::tasks::Tasks;
use players::{PLAYERS_MAX, PlayerSeries};
use ticks::Ticks;

/// How often old samples of histograms are folded away.
const UPKEEP: Duration = Duration::from_secs(5);
/// Bounds of what is timed: the head of an answer, a tick, its lateness.
const BUCKETS_S: [f64; 23] = [
    0.000_05, 0.000_1, 0.000_2, 0.000_5, 0.001, 0.001_25, 0.001_5, 0.001_75, 0.002, 0.003, 0.005,
    0.008, 0.010, 0.012, 0.013, 0.014, 0.015, 0.016, 0.033, 0.1, 0.25, 1.0, 5.0,
];

/// The process's recorder. Several servers in one process (in tests) share it.
static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();

/// Makes the `metrics` macros count. Harmless when it was done before.
pub fn install() {
    RECORDER.get_or_init(|| {
        let builder = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &BUCKETS_S)
            .unwrap_or_else(|_| PrometheusBuilder::new());
        let recorder = builder.build_recorder();
        let handle = recorder.handle();
        if metrics::set_global_recorder(recorder).is_err() {
            tracing::warn!("another metrics recorder was installed first");
        }
        handle
    });
}

/// Keeps the histograms small.
pub fn start_upkeep(tasks: &Tasks) {
    let stop = tasks.clone();
    tasks.spawn(async move {
        let mut beat = tokio::time::interval(UPKEEP);
        loop {
            tokio::select! {
                () = stop.stopping() => break,
                _ = beat.tick() => RECORDER.get().inspect(|handle| handle.run_upkeep()),
            };
        }
    });
}

/// How many of something are open now.
#[derive(Clone, Default)]
pub struct Gauge(Arc<AtomicUsize>);

/// One that is open. Dropping it counts it out.
pub struct Counted(Gauge);

impl Gauge {
    /// Counts one in.
    #[must_use]
    pub fn enter(&self) -> Counted {
        self.0.fetch_add(1, Ordering::Relaxed);
        Counted(self.clone())
    }

    /// How many are in.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What is open on this server now.
pub struct Gauges {
    /// How the rooms keep time.
    pub ticks: Ticks,
    /// How each seated player does.
    pub players: PlayerSeries,
    /// TCP connections.
    pub connections: Gauge,
    /// Requests held by a long-poll.
    pub long_polls: Gauge,
    /// Event streams.
    pub sse: Gauge,
    /// NDJSON streams.
    pub ndjson: Gauge,
    /// Feeds over WebSockets.
    pub feed_sockets: Gauge,
    /// Chat connections.
    pub chat_sockets: Gauge,
    /// Connections to rooms, as player or spectator.
    pub room_sockets: Gauge,
    /// Rounds read as growing HTTP bodies.
    pub live_streams: Gauge,
    /// Seats with people in them.
    pub people: Gauge,
    /// Seats with bots in them.
    pub bots: Gauge,
    /// Rooms.
    pub rooms: Gauge,
}

impl Gauges {
    /// Nothing is open yet. Players have series of their own, or none has.
    #[must_use]
    pub fn new(per_player: bool) -> Self {
        Self {
            ticks: Ticks::default(),
            players: PlayerSeries::up_to(if per_player { PLAYERS_MAX } else { 0 }),
            connections: Gauge::default(),
            long_polls: Gauge::default(),
            sse: Gauge::default(),
            ndjson: Gauge::default(),
            feed_sockets: Gauge::default(),
            chat_sockets: Gauge::default(),
            room_sockets: Gauge::default(),
            live_streams: Gauge::default(),
            people: Gauge::default(),
            bots: Gauge::default(),
            rooms: Gauge::default(),
        }
    }

    /// Everything in Prometheus' text format.
    #[must_use]
    pub fn render(&self) -> String {
        let mut text = RECORDER.get().map(PrometheusHandle::render).unwrap_or_default();
        for (name, gauge) in [
            ("pushback_connections", &self.connections),
            ("pushback_long_poll_waiters", &self.long_polls),
            ("pushback_sse_streams", &self.sse),
            ("pushback_ndjson_streams", &self.ndjson),
            ("pushback_feed_sockets", &self.feed_sockets),
            ("pushback_chat_sockets", &self.chat_sockets),
            ("pushback_room_sockets", &self.room_sockets),
            ("pushback_live_streams", &self.live_streams),
            ("pushback_seats_people", &self.people),
            ("pushback_seats_bots", &self.bots),
            ("pushback_rooms", &self.rooms),
        ] {
            // Writing to a string does not fail.
            writeln!(text, "# TYPE {name} gauge\n{name} {}", gauge.count()).ok();
        }
        memory::render(&mut text);
        self.ticks.render(&mut text);
        self.players.render(&mut text);
        text
    }
}

/// A request that is counted by route and status, and timed until its head is ready.
pub struct Measured {
    began: Instant,
    route: Option<MatchedPath>,
    method: &'static str,
}

impl Measured {
    /// The request came.
    #[must_use]
    pub fn begin(request: &Request) -> Self {
        Self {
            began: Instant::now(),
            route: request.extensions().get().cloned(),
            method: method_label(request.method()),
        }
    }

    /// The answer goes.
    pub fn end(self, response: &Response) {
        let route = self.route.as_ref().map_or("other", MatchedPath::as_str).to_owned();
        let status = response.status().as_u16().to_string();
        metrics::counter!("pushback_http_requests_total",
            "route" => route.clone(), "method" => self.method, "status" => status)
        .increment(1);
        metrics::histogram!("pushback_http_head_seconds", "route" => route)
            .record(self.began.elapsed().as_secs_f64());
    }
}

/// Clients may invent methods; labels must not grow with them.
fn method_label(method: &http::Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "DELETE" => "DELETE",
        _ => "other",
    }
}
