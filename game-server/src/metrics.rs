//! Counters, gauges and histograms of one server, and `/metrics` in Prometheus' text format 0.0.4.
//!
//! A part takes the group that it counts on. There is no static: two servers in one process count apart.
//!
//! Counting costs 3 ns and timing 7 ns (optimised, one thread), as much as with `prometheus-client` 0.24, whose text would
//! rename the buckets (`le="5e-5"`). The facade `metrics` looks a name up for 47 and 73 ns, and keeps every sample of a
//! histogram until the next scrape.

mod engines;
mod http;
mod memory;
pub mod players;
mod role;
mod text;
mod value;

use std::sync::Arc;

pub use engines::{Engine, Engines, Waits};
pub use http::{HttpMetrics, Measured};
pub use role::RoleMetric;
pub use value::{Counted, Counter, Family, Gauge, Histogram};

use players::{PLAYERS_MAX, PlayerSeries};
use text::Text;

/// Every metric of a server.
#[derive(Debug)]
pub struct Metrics {
    /// Requests.
    pub http: HttpMetrics,
    /// TCP connections.
    pub connections: Arc<ConnectionMetrics>,
    /// Readers of feeds.
    pub feeds: FeedMetrics,
    /// The chat hub.
    pub chat: ChatMetrics,
    /// Rooms.
    pub rooms: Arc<RoomMetrics>,
    /// The ladder.
    pub ladder: LadderMetrics,
    /// Recordings of rounds.
    pub recordings: RecordingMetrics,
    /// The engines beside the server.
    pub engines: Engines,
    /// Whether this node does what only one may do.
    pub steward: RoleMetric,
    /// The tasks of the server.
    pub tasks: TaskMetrics,
}

/// The tasks of the server.
#[derive(Debug, Clone, Default)]
pub struct TaskMetrics {
    /// Panics, by the name of the task.
    pub panics: Arc<Family<&'static str, Counter>>,
}

/// TCP connections.
#[derive(Debug, Default)]
pub struct ConnectionMetrics {
    /// Open now.
    pub open: Gauge,
    /// Refused, by the problem type's URI.
    pub refused: Family<&'static str, Counter>,
    /// Closed because the client read nothing for too long.
    pub slow_clients_cut: Counter,
}

/// Readers of feeds.
#[derive(Debug, Clone, Default)]
pub struct FeedMetrics {
    /// Requests that a long-poll holds, those of matchmaking as well.
    pub long_polls: Gauge,
    /// Streams of server-sent events.
    pub sse: Gauge,
    /// Streams of NDJSON.
    pub ndjson: Gauge,
    /// Feeds over WebSockets.
    pub sockets: Gauge,
}

/// The chat hub.
#[derive(Debug, Clone, Default)]
pub struct ChatMetrics {
    /// Open connections.
    pub sockets: Gauge,
}

/// Rooms, their connections and their rounds.
#[derive(Debug)]
pub struct RoomMetrics {
    /// Open rooms.
    pub open: Gauge,
    /// Seats that people have.
    pub people: Gauge,
    /// Seats that bots have.
    pub bots: Gauge,
    /// Connections to rooms, of players and spectators.
    pub sockets: Gauge,
    /// Rounds that are read as growing HTTP bodies.
    pub live_streams: Gauge,
    /// From a tick's beginning to its end.
    pub tick: Histogram,
    /// From the time at which a tick was due to its beginning.
    pub tick_late: Histogram,
    /// Rounds that ended with a result.
    pub rounds: Counter,
    /// Inputs received.
    pub inputs: Counter,
    /// Of these, received after their tick.
    pub inputs_late: Counter,
    /// Inputs refused because their tick is too far ahead.
    pub inputs_ahead: Counter,
    /// Ticks of a player without an input.
    pub inputs_missing: Counter,
    /// Times that a connection left parts of the stream out.
    pub outbox_skips: Counter,
    /// Desyncs that clients reported.
    pub diverged: Counter,
    /// The same counter as [`ConnectionMetrics::slow_clients_cut`].
    pub slow_clients_cut: Counter,
    /// Statistics of each player's connection.
    pub players: PlayerSeries,
}

/// The ladder.
#[derive(Debug, Clone, Default)]
pub struct LadderMetrics {
    /// Reports of rooms that found the queue full.
    pub reports_dropped: Counter,
}

/// Recordings of rounds.
#[derive(Debug, Clone)]
pub struct RecordingMetrics {
    /// Recordings cut off because the disk was too slow or full.
    pub torn: Counter,
    /// The database, for which results wait.
    pub database: Engine,
}

impl Metrics {
    /// All at zero. `per_player` adds series for single players.
    #[must_use]
    pub fn new(per_player: bool) -> Self {
        let connections = ConnectionMetrics::default();
        let slow_clients_cut = connections.slow_clients_cut.clone();
        let engines = Engines::default();
        Self {
            http: HttpMetrics::default(),
            connections: Arc::new(connections),
            feeds: FeedMetrics::default(),
            chat: ChatMetrics::default(),
            rooms: Arc::new(RoomMetrics::new(per_player, slow_clients_cut)),
            ladder: LadderMetrics::default(),
            recordings: RecordingMetrics {
                torn: Counter::default(),
                database: engines.database.clone(),
            },
            engines,
            steward: RoleMetric::default(),
            tasks: TaskMetrics::default(),
        }
    }

    /// The text of `/metrics`.
    #[must_use]
    pub fn render(&self) -> String {
        let Self { http, connections, feeds, chat, rooms, ladder, recordings, .. } = self;
        let Self { engines, steward, tasks, .. } = self;
        let mut text = Text::default();
        http.render(&mut text);
        text.gauge("pushback_connections", &connections.open);
        let refused = "pushback_connections_refused_total";
        text.counters(refused, &connections.refused, |why, labels| labels.push("why", why));
        text.counter("pushback_slow_clients_cut_total", &connections.slow_clients_cut);
        text.gauge("pushback_long_poll_waiters", &feeds.long_polls);
        text.gauge("pushback_sse_streams", &feeds.sse);
        text.gauge("pushback_ndjson_streams", &feeds.ndjson);
        text.gauge("pushback_feed_sockets", &feeds.sockets);
        text.gauge("pushback_chat_sockets", &chat.sockets);
        text.counter("pushback_score_reports_dropped_total", &ladder.reports_dropped);
        text.counter("pushback_recordings_torn_total", &recordings.torn);
        engines.render(&mut text);
        steward.render("pushback_steward", &mut text);
        let panics = "pushback_task_panics_total";
        text.counters(panics, &tasks.panics, |task, labels| labels.push("task", task));
        text.process_counter("pushback_panics_total", crate::log::panics());
        text.process_counter("pushback_log_lines_lost_total", crate::log::lines_lost());
        rooms.render(&mut text);
        memory::render(&mut text);
        text.into_string()
    }
}

impl RoomMetrics {
    fn new(per_player: bool, slow_clients_cut: Counter) -> Self {
        Self {
            open: Gauge::default(),
            people: Gauge::default(),
            bots: Gauge::default(),
            sockets: Gauge::default(),
            live_streams: Gauge::default(),
            tick: Histogram::default(),
            tick_late: Histogram::default(),
            rounds: Counter::default(),
            inputs: Counter::default(),
            inputs_late: Counter::default(),
            inputs_ahead: Counter::default(),
            inputs_missing: Counter::default(),
            outbox_skips: Counter::default(),
            diverged: Counter::default(),
            slow_clients_cut,
            players: PlayerSeries::up_to(if per_player { PLAYERS_MAX } else { 0 }),
        }
    }

    fn render(&self, text: &mut Text) {
        text.gauge("pushback_rooms", &self.open);
        text.gauge("pushback_seats_people", &self.people);
        text.gauge("pushback_seats_bots", &self.bots);
        text.gauge("pushback_room_sockets", &self.sockets);
        text.gauge("pushback_live_streams", &self.live_streams);
        text.counter("pushback_rounds_total", &self.rounds);
        text.counter("pushback_inputs_total", &self.inputs);
        text.counter("pushback_inputs_late_total", &self.inputs_late);
        text.counter("pushback_inputs_ahead_total", &self.inputs_ahead);
        text.counter("pushback_inputs_missing_total", &self.inputs_missing);
        text.counter("pushback_outbox_skips_total", &self.outbox_skips);
        text.counter("pushback_diverged_total", &self.diverged);
        text.histogram("pushback_tick_seconds", &self.tick);
        text.histogram("pushback_tick_late_seconds", &self.tick_late);
        self.players.render(text);
    }
}

#[cfg(test)]
mod tests {
    use super::Metrics;

    #[test]
    fn two_servers_in_one_process_count_apart() {
        let (one, other) = (Metrics::new(true), Metrics::new(true));

        one.rooms.rounds.add(2);
        let _open = one.rooms.open.enter();

        let text = one.render();
        assert!(text.contains("\n# TYPE pushback_rounds_total counter\npushback_rounds_total 2\n"));
        assert!(text.contains("\npushback_rooms 1\n"), "{text}");
        let text = other.render();
        assert!(text.contains("\npushback_rounds_total 0\n"), "{text}");
        assert!(text.contains("\npushback_rooms 0\n"), "{text}");
    }

    #[test]
    fn rooms_and_the_accept_loop_count_slow_clients_together() {
        let metrics = Metrics::new(false);

        metrics.rooms.slow_clients_cut.add(1);
        metrics.connections.slow_clients_cut.add(1);
        metrics.connections.refused.of("/problems/overloaded").add(3);

        let text = metrics.render();
        assert!(text.contains("\npushback_slow_clients_cut_total 2\n"), "{text}");
        let refused = "pushback_connections_refused_total{why=\"/problems/overloaded\"} 3\n";
        assert!(text.contains(refused), "{text}");
    }
}
