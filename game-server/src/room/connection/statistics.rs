//! Statistics of one connection: published in `/metrics` once a second, and logged when the connection ends (at
//! debug level every minute as well).
//!
//! A message costs an addition or two. Everything slower is done together with the timing message, twice a second.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use shared::id::{PlayerId, RoomId};
use shared::protocol::PlayReport;
use shared::protocol::report::REPORT_EVERY_TICKS;
use shared::sim::Slot;
use shared::tick::{TICK_DURATION, Tick};

use crate::metrics::RoomMetrics;
use crate::metrics::players::{PlayerEntry, PlayerStatistics};
use crate::room::broadcast::Skips;
use crate::room::inputs::lead_histogram::LeadHistory;
use crate::room::inputs::{Arrivals, InputBuffer};

/// The round-trip time is the least of this many pings.
const PINGS: usize = 4;
/// A report of the client is ignored when it arrives sooner after the last one.
const REPORT_PAUSE: Duration = TICK_DURATION.saturating_mul(REPORT_EVERY_TICKS / 2);
/// A desynced client gets a keyframe, and is counted and logged, at most this often.
const RESYNC_PAUSE: Duration = Duration::from_millis(900);
/// Time between two log lines at debug level.
const LOG_EVERY: Duration = Duration::from_secs(60);

/// The player of a connection.
#[derive(Debug, Clone, Copy)]
pub(in crate::room) struct Owner {
    pub(in crate::room) room: RoomId,
    pub(in crate::room) player: PlayerId,
    /// `None` for a spectator.
    pub(in crate::room) slot: Option<Slot>,
}

/// The bytes of one connection since its beginning. Counted by the connection itself, sixty times a second.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Traffic {
    pub(super) received: u64,
    /// Accepted by the kernel, or waiting for it.
    pub(super) sent: u64,
}

/// The statistics of one connection.
#[derive(Debug)]
pub(in crate::room) struct Statistics {
    owner: Owner,
    /// `None` for a spectator, whose statistics are not published.
    entry: Option<PlayerEntry>,
    /// Of all connections to rooms.
    metrics: Arc<RoomMetrics>,
    began: Instant,
    values: PlayerStatistics,
    /// When the ping was sent that is not answered yet.
    pinged_at: Option<Instant>,
    round_trips: VecDeque<Duration>,
    reported_at: Option<Instant>,
    resynced_at: Option<Instant>,
    leads: LeadHistory,
    log_due: Instant,
    /// How the connection ended, for the log.
    end: &'static str,
}

impl Statistics {
    pub(in crate::room) fn new(
        owner: Owner,
        entry: Option<PlayerEntry>,
        metrics: Arc<RoomMetrics>,
        now: Instant,
    ) -> Self {
        Self {
            owner,
            entry,
            metrics,
            began: now,
            values: PlayerStatistics::default(),
            pinged_at: None,
            round_trips: VecDeque::new(),
            reported_at: None,
            resynced_at: None,
            leads: LeadHistory::default(),
            log_due: now + LOG_EVERY,
            end: "the room is gone",
        }
    }

    pub(super) fn ping_sent(&mut self, now: Instant) {
        self.pinged_at = Some(now);
    }

    pub(super) fn pong_received(&mut self, now: Instant) {
        let Some(pinged_at) = self.pinged_at.take() else { return };
        if self.round_trips.len() == PINGS {
            self.round_trips.pop_front();
        }
        self.round_trips.push_back(now.saturating_duration_since(pinged_at));
        self.values.round_trip = self.round_trips.iter().min().copied();
    }

    /// The client reports its view of the round.
    pub(super) fn reported(&mut self, report: PlayReport, now: Instant) {
        if is_soon(self.reported_at, now, REPORT_PAUSE) {
            return;
        }
        self.reported_at = Some(now);
        self.values.reported = Some(report);
    }

    /// The client's world differs from the server's. Returns whether to send it a keyframe.
    pub(super) fn diverged(&mut self, tick: Tick, now: Instant) -> bool {
        if is_soon(self.resynced_at, now, RESYNC_PAUSE) {
            return false;
        }
        self.resynced_at = Some(now);
        self.values.diverged += 1;
        self.metrics.diverged.add(1);
        let Owner { room, player, slot } = self.owner;
        let seat = slot.map(|slot| slot.0);
        tracing::warn!(%room, %player, seat, tick = tick.0, "a client is desynced");
        true
    }

    /// Adds how inputs arrived since the last call.
    pub(super) fn add(&mut self, arrivals: &Arrivals, inputs: &InputBuffer) {
        let (values, metrics) = (&mut self.values, &self.metrics);
        for (own, of_all, count) in [
            (&mut values.inputs, &metrics.inputs, arrivals.received),
            (&mut values.inputs_late, &metrics.inputs_late, arrivals.late),
            (&mut values.inputs_ahead, &metrics.inputs_ahead, arrivals.ahead),
            (&mut values.inputs_missing, &metrics.inputs_missing, arrivals.missing),
        ] {
            *own += u64::from(count);
            of_all.add(count.into());
        }
        values.jitter = TICK_DURATION.mul_f64(inputs.jitter_ticks());
        self.leads.add(&arrivals.leads);
    }

    /// Adds how often the client could not follow since the last call.
    pub(super) fn skipped(&mut self, skips: Skips) {
        self.values.skipped += skips.entries;
        self.values.keyframes += u64::from(skips.keyframes);
        self.metrics.outbox_skips.add(skips.restarts.into());
    }

    /// Counts the connection as closed because its client read too slowly.
    pub(super) fn cut(&self) {
        self.metrics.slow_clients_cut.add(1);
    }

    /// Updates `/metrics`, and writes a log line when one is due.
    pub(super) fn publish(&mut self, traffic: Traffic, unsent_bytes: usize, now: Instant) {
        let Some(entry) = &self.entry else { return };
        (self.values.received_bytes, self.values.sent_bytes) = (traffic.received, traffic.sent);
        self.values.unsent_bytes = unsent_bytes;
        self.values.margin_p99_ticks =
            self.leads.p99_this_minute().or(self.values.margin_p99_ticks);
        entry.publish(self.values);
        if now >= self.log_due {
            self.log_due = now + LOG_EVERY;
            if tracing::enabled!(tracing::Level::DEBUG) {
                self.log(tracing::Level::DEBUG, "player");
            }
            self.leads.end_minute();
        }
    }

    /// The connection is no longer open, for this reason.
    pub(super) fn end(&mut self, traffic: Traffic, reason: &'static str) {
        (self.values.received_bytes, self.values.sent_bytes) = (traffic.received, traffic.sent);
        self.end = reason;
    }

    fn log(&self, level: tracing::Level, what: &'static str) {
        let of = &self.values;
        let report = of.reported.as_ref();
        let ms = |time: Duration| time.as_secs_f64() * 1_000.0;
        macro_rules! line {
            ($level:ident) => {
                tracing::$level!(
                    room = %self.owner.room,
                    seat = self.owner.slot.map(|slot| slot.0),
                    player = %self.owner.player,
                    end = (what == LEFT).then_some(self.end),
                    seconds = self.began.elapsed().as_secs(),
                    rtt_ms = of.round_trip.map(ms),
                    jitter_ms = ms(of.jitter),
                    margin_p99_ticks = self.leads.p99(),
                    inputs = of.inputs,
                    late = of.inputs_late,
                    ahead = of.inputs_ahead,
                    missing = of.inputs_missing,
                    skipped = of.skipped,
                    keyframes = of.keyframes,
                    diverged = of.diverged,
                    received_bytes = of.received_bytes,
                    sent_bytes = of.sent_bytes,
                    unsent_bytes = of.unsent_bytes,
                    reported_rtt_ms = report.map(|report| report.round_trip_ms),
                    reported_jitter_ms = report.map(|report| report.jitter_ms),
                    reported_age_p50_ms = report.map(|report| report.snapshot_age_p50_ms),
                    reported_age_p99_ms = report.map(|report| report.snapshot_age_p99_ms),
                    reported_corrections_per_minute = report.map(|r| r.corrections_per_minute),
                    reported_correction_p99_milliradii = report.map(|r| r.correction_p99_milliradii),
                    reported_lead_ms = report.map(|report| report.lead_ms),
                    reported_stalls_per_minute = report.map(|report| report.stalls_per_minute),
                    "{what}"
                )
            };
        }
        if level == tracing::Level::DEBUG { line!(debug) } else { line!(info) }
    }
}

/// The message of the last line.
const LEFT: &str = "player left";

impl Drop for Statistics {
    fn drop(&mut self) {
        if self.entry.is_some() {
            self.log(tracing::Level::INFO, LEFT);
        }
    }
}

fn is_soon(last: Option<Instant>, now: Instant, pause: Duration) -> bool {
    last.is_some_and(|last| now.saturating_duration_since(last) < pause)
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};
    use std::time::{Duration, Instant};

    use shared::id::{PlayerId, RoomId};
    use shared::protocol::PlayReport;
    use shared::sim::Slot;
    use shared::tick::Tick;

    use super::{Owner, REPORT_PAUSE, Statistics, Traffic};
    use crate::metrics::Metrics;
    use crate::metrics::players::PlayerSeries;

    fn of_spectator(now: Instant) -> Statistics {
        let (room, player) = (RoomId::from_bits(1), PlayerId::from_bits(2));
        Statistics::new(Owner { room, player, slot: None }, None, Metrics::new(false).rooms, now)
    }

    #[test]
    fn the_debug_log_has_a_line_every_minute_and_the_log_has_one_at_the_end() {
        let lines = Lines::default();
        let sink = lines.clone();
        let log = tracing_subscriber::fmt().with_max_level(tracing::Level::DEBUG).json();
        // With only one subscriber, a line that another thread logs first would be disabled for all.
        let _other = tracing::Dispatch::new(tracing_subscriber::registry());
        let _log = tracing::subscriber::set_default(log.with_writer(move || sink.clone()).finish());
        let now = Instant::now();
        let entry = PlayerSeries::up_to(1).enter("ABC123".into(), Slot(4));
        let owner = Owner { slot: Some(Slot(4)), ..of_spectator(now).owner };
        let mut statistics = Statistics::new(owner, Some(entry), Metrics::new(false).rooms, now);
        let traffic = Traffic { received: 7, sent: 9 };

        (1..=121)
            .for_each(|second| statistics.publish(traffic, 0, now + Duration::from_secs(second)));
        statistics.reported(
            PlayReport { lead_ms: 150, stalls_per_minute: 4, ..PlayReport::default() },
            now,
        );
        statistics.end(traffic, "gave up the seat");
        drop(statistics);

        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        let said: Vec<_> = text.lines().map(|line| line.contains("\"end\"")).collect();
        assert_eq!(said, [false, false, true], "{text}");
        let last = text.lines().last().unwrap();
        assert!(last.contains("\"reported_lead_ms\":150"), "{last}");
        assert!(last.contains("\"reported_stalls_per_minute\":4"), "{last}");
        assert!(text.lines().all(|line| line.contains("\"received_bytes\":7")), "{text}");
    }

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn reports_that_arrive_too_often_are_ignored() {
        let now = Instant::now();
        let mut statistics = of_spectator(now);
        let report = |ms| PlayReport { round_trip_ms: ms, ..PlayReport::default() };

        statistics.reported(report(1), now);
        statistics.reported(report(2), now + Duration::from_secs(1));
        assert_eq!(statistics.values.reported, Some(report(1)));
        statistics.reported(report(3), now + REPORT_PAUSE);

        assert_eq!(statistics.values.reported, Some(report(3)));
    }

    #[test]
    fn a_client_is_resynced_once_a_second_however_often_it_asks() {
        let now = Instant::now();
        let mut statistics = of_spectator(now);

        let asks = (0..300).map(|tick| now + Duration::from_millis(10) * tick);
        let resynced = asks.filter(|at| statistics.diverged(Tick(7), *at)).count();

        assert_eq!((resynced, statistics.values.diverged), (4, 4));
    }

    #[test]
    fn the_round_trip_time_is_the_least_of_the_last_pings() {
        let now = Instant::now();
        let mut statistics = of_spectator(now);
        let mut at = now;

        for ms in [20, 40, 50, 60, 70] {
            statistics.ping_sent(at);
            at += Duration::from_millis(ms);
            statistics.pong_received(at);
            statistics.pong_received(at + Duration::from_secs(1));
        }

        assert_eq!(statistics.values.round_trip, Some(Duration::from_millis(40)));
    }
}
