//! How one connection does: counted as it goes, shown in `/metrics` once a second, and told to the operator's log at its
//! end (every minute too, at debug level).
//!
//! A message costs an addition or two; what takes longer is done with the report that the client gets twice a second.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use shared::id::{PlayerId, RoomId};
use shared::protocol::PlayReport;
use shared::protocol::report::REPORT_EVERY_TICKS;
use shared::sim::Slot;
use shared::tick::{TICK_DURATION, Tick};

use super::inputs::{Arrivals, InputBuffer};
use super::margins::History;
use super::outbox::Skips;
use crate::metrics::players::{Figures, Place};

/// Pings that the round trip is the quickest of.
const PINGS: usize = 4;
/// Reports of the client that come sooner after another are not looked at.
const REPORT_PAUSE: Duration = TICK_DURATION.saturating_mul(REPORT_EVERY_TICKS / 2);
/// A client is given a keyframe, and its trouble is counted and logged, no more often than that.
const HEAL_PAUSE: Duration = Duration::from_millis(900);
/// Between two lines at debug level.
const LINE_EVERY: Duration = Duration::from_secs(60);
/// Whose connection it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Whose {
    pub(super) room: RoomId,
    pub(super) player: PlayerId,
    /// Nothing for a spectator.
    pub(super) slot: Option<Slot>,
}

/// Bytes of one connection since its beginning. Counted where they pass, for that happens sixty times a second.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Traffic {
    /// That came.
    pub(super) received: u64,
    /// That the kernel took, or that wait for it.
    pub(super) sent: u64,
}

/// What is counted of one connection.
#[derive(Debug)]
pub(super) struct Meter {
    whose: Whose,
    /// Nothing for a spectator: nothing is shown of them.
    place: Option<Place>,
    began: Instant,
    figures: Figures,
    /// A ping that was not answered yet.
    pinged_at: Option<Instant>,
    round_trips: VecDeque<Duration>,
    reported_at: Option<Instant>,
    healed_at: Option<Instant>,
    margins: History,
    line_due: Instant,
    /// How it ended, for the log.
    end: &'static str,
}

impl Meter {
    pub(super) fn new(whose: Whose, place: Option<Place>, now: Instant) -> Self {
        Self {
            whose,
            place,
            began: now,
            figures: Figures::default(),
            pinged_at: None,
            round_trips: VecDeque::new(),
            reported_at: None,
            healed_at: None,
            margins: History::default(),
            line_due: now + LINE_EVERY,
            end: "the room is gone",
        }
    }

    pub(super) fn pinged(&mut self, now: Instant) {
        self.pinged_at = Some(now);
    }

    pub(super) fn ponged(&mut self, now: Instant) {
        let Some(pinged_at) = self.pinged_at.take() else { return };
        if self.round_trips.len() == PINGS {
            self.round_trips.pop_front();
        }
        self.round_trips.push_back(now.saturating_duration_since(pinged_at));
        self.figures.round_trip = self.round_trips.iter().min().copied();
    }

    /// The client says how it sees the round.
    pub(super) fn reported(&mut self, report: PlayReport, now: Instant) {
        if is_soon(self.reported_at, now, REPORT_PAUSE) {
            return;
        }
        self.reported_at = Some(now);
        self.figures.reported = Some(report);
    }

    /// The client's world went elsewhere. Whether it shall get a keyframe.
    pub(super) fn diverged(&mut self, tick: Tick, now: Instant) -> bool {
        if is_soon(self.healed_at, now, HEAL_PAUSE) {
            return false;
        }
        self.healed_at = Some(now);
        self.figures.diverged += 1;
        metrics::counter!("pushback_diverged_total").increment(1);
        let Whose { room, player, slot } = self.whose;
        let seat = slot.map(|slot| slot.0);
        tracing::warn!(%room, %player, seat, tick = tick.0, "a client's world went elsewhere");
        true
    }

    /// What came since the last call.
    pub(super) fn count(&mut self, arrivals: &Arrivals, inputs: &InputBuffer) {
        let figures = &mut self.figures;
        figures.inputs += u64::from(arrivals.received);
        figures.inputs_late += u64::from(arrivals.late);
        figures.inputs_ahead += u64::from(arrivals.ahead);
        figures.inputs_missing += u64::from(arrivals.missing);
        figures.jitter = TICK_DURATION.mul_f64(inputs.jitter_ticks());
        self.margins.add(&arrivals.margins);
    }

    /// What the client did not take since the last call.
    pub(super) fn skipped(&mut self, skips: Skips) {
        self.figures.skipped += skips.entries;
        self.figures.keyframes += u64::from(skips.keyframes);
    }

    /// Brings `/metrics` up to date, and the log when a line is due.
    pub(super) fn show(&mut self, traffic: Traffic, unsent_bytes: usize, now: Instant) {
        let Some(place) = &self.place else { return };
        (self.figures.received_bytes, self.figures.sent_bytes) = (traffic.received, traffic.sent);
        self.figures.unsent_bytes = unsent_bytes;
        self.figures.margin_p99_ticks = self.margins.p99_lately().or(self.figures.margin_p99_ticks);
        place.show(self.figures);
        if now >= self.line_due {
            self.line_due = now + LINE_EVERY;
            if tracing::enabled!(tracing::Level::DEBUG) {
                self.tell(tracing::Level::DEBUG, "player");
            }
            self.margins.end_minute();
        }
    }

    /// The connection is over, and why.
    pub(super) fn ended(&mut self, traffic: Traffic, why: &'static str) {
        (self.figures.received_bytes, self.figures.sent_bytes) = (traffic.received, traffic.sent);
        self.end = why;
    }

    fn tell(&self, level: tracing::Level, what: &'static str) {
        let of = &self.figures;
        let report = of.reported.as_ref();
        let ms = |time: Duration| time.as_secs_f64() * 1_000.0;
        macro_rules! line {
            ($level:ident) => {
                tracing::$level!(
                    room = %self.whose.room,
                    seat = self.whose.slot.map(|slot| slot.0),
                    player = %self.whose.player,
                    end = (what == LEFT).then_some(self.end),
                    seconds = self.began.elapsed().as_secs(),
                    rtt_ms = of.round_trip.map(ms),
                    jitter_ms = ms(of.jitter),
                    margin_p99_ticks = self.margins.p99(),
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

/// What the last line says.
const LEFT: &str = "player left";

impl Drop for Meter {
    fn drop(&mut self) {
        if self.place.is_some() {
            self.tell(tracing::Level::INFO, LEFT);
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

    use super::{Meter, REPORT_PAUSE, Traffic, Whose};
    use crate::metrics::players::PlayerSeries;

    fn spectators(now: Instant) -> Meter {
        let (room, player) = (RoomId::from_bits(1), PlayerId::from_bits(2));
        Meter::new(Whose { room, player, slot: None }, None, now)
    }

    #[test]
    fn the_log_has_a_line_every_minute_for_who_looks_closely_and_one_at_the_end() {
        let lines = Lines::default();
        let sink = lines.clone();
        let log = tracing_subscriber::fmt().with_max_level(tracing::Level::DEBUG).json();
        // With one subscriber alone, what another thread says first is taken to interest nobody.
        let _other = tracing::Dispatch::new(tracing_subscriber::registry());
        let _log = tracing::subscriber::set_default(log.with_writer(move || sink.clone()).finish());
        let now = Instant::now();
        let place = PlayerSeries::up_to(1).enter("ABC123".into(), Slot(4));
        let whose = Whose { slot: Some(Slot(4)), ..spectators(now).whose };
        let mut meter = Meter::new(whose, Some(place), now);
        let traffic = Traffic { received: 7, sent: 9 };

        (1..=121).for_each(|second| meter.show(traffic, 0, now + Duration::from_secs(second)));
        meter.reported(
            PlayReport { lead_ms: 150, stalls_per_minute: 4, ..PlayReport::default() },
            now,
        );
        meter.ended(traffic, "gave up the seat");
        drop(meter);

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
    fn reports_that_come_too_often_are_not_looked_at() {
        let now = Instant::now();
        let mut meter = spectators(now);
        let report = |ms| PlayReport { round_trip_ms: ms, ..PlayReport::default() };

        meter.reported(report(1), now);
        meter.reported(report(2), now + Duration::from_secs(1));
        assert_eq!(meter.figures.reported, Some(report(1)));
        meter.reported(report(3), now + REPORT_PAUSE);

        assert_eq!(meter.figures.reported, Some(report(3)));
    }

    #[test]
    fn a_client_is_healed_once_a_second_however_often_it_asks() {
        let now = Instant::now();
        let mut meter = spectators(now);

        let asks = (0..300).map(|tick| now + Duration::from_millis(10) * tick);
        let healed = asks.filter(|at| meter.diverged(Tick(7), *at)).count();

        assert_eq!((healed, meter.figures.diverged), (4, 4));
    }

    #[test]
    fn the_round_trip_is_the_quickest_of_the_last_pings() {
        let now = Instant::now();
        let mut meter = spectators(now);
        let mut at = now;

        for ms in [20, 40, 50, 60, 70] {
            meter.pinged(at);
            at += Duration::from_millis(ms);
            meter.ponged(at);
            meter.ponged(at + Duration::from_secs(1));
        }

        assert_eq!(meter.figures.round_trip, Some(Duration::from_millis(40)));
    }
}
