//! How well the prediction does: counted, shown in the net graph, and told to the tests.

use serde::Serialize;
use shared::protocol::PlayReport;
use shared::protocol::report::{CORRECTIONS_PER_MINUTE_MAX, LEAD_MS_MAX};
use shared::sim::disc::RADIUS;
use shared::sim::fixed::Vec2;

use super::flow::{Flow, Outage};
use super::hits::Hits;
use super::samples::Samples;
use super::shown::Shown;

/// A correction that one sees, in thousandths of a radius.
pub(super) const SEEN: u32 = 100;
/// The last minute, in snapshots and in ticks.
const MINUTE_SNAPSHOTS: usize = CORRECTIONS_PER_MINUTE_MAX as usize;
const MINUTE_TICKS: usize = 3_600;

/// Counts over a round.
#[derive(Debug, Clone, Default)]
pub struct Statistics {
    /// Snapshots that came.
    pub heard: u32,
    /// Snapshots that were compared with a prediction. Of several that came at once, the last.
    pub compared: u32,
    /// Of these, not right bit for bit (mostly: somebody else turned).
    pub inexact: u32,
    /// Snapshots that moved the own disc's present.
    pub corrections: u32,
    /// Of these, so far that one sees it.
    corrections_seen: u32,
    /// Inputs that came too late at the server.
    pub late_inputs: u32,
    /// Inputs that the server got.
    pub inputs: u32,
    /// Jumps of the clock.
    pub jumps: u32,
    /// Bytes of the match stream that came.
    pub down_bytes: u64,
    /// Bytes of inputs that went.
    pub up_bytes: u64,
    /// How far the own disc was off at each snapshot that was compared, in thousandths of its radius.
    pub(super) sizes: Samples,
    /// How many ticks were foretold beyond each snapshot.
    pub(super) ahead: Samples,
    pub(super) flow: Flow,
    pub(super) hits: Hits,
    pub(super) shown: Shown,
}

/// Counts as a test reads them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PredictionReport {
    /// Snapshots that were compared with a prediction. Of several that came at once, the last: nobody sees the others.
    pub snapshots: u32,
    /// Snapshots that moved the own disc.
    pub corrections: u32,
    /// How far each of them moved it, in thousandths of a radius: whoever asks many players asks of all of these.
    pub correction_sizes: Vec<u32>,
    /// Half of those that were compared moved it by no more, in radii.
    pub correction_p50_radii: f64,
    /// All but 1 % moved it by no more, in radii.
    pub correction_p99_radii: f64,
    /// Snapshots that moved it by more than a tenth of a radius, a minute: below that, nobody sees it.
    pub corrections_seen_per_minute: f64,
    /// Half of the snapshots found the own world no more ticks ahead of them. What other people hold is known for the
    /// first of these, if it was announced.
    pub ahead_p50_ticks: u32,
    /// All but 1 % of the snapshots found it no more ticks ahead.
    pub ahead_p99_ticks: u32,
    /// Half of the time others were shown no farther from where they were, in radii.
    pub others_error_p50_radii: f64,
    /// All but 1 % of the time others were shown no farther from where they were, in radii.
    pub others_error_p99_radii: f64,
    /// The same of other people: what bots do is foreseen here. Zero without any.
    pub people_error_p50_radii: f64,
    /// The same of other people.
    pub people_error_p99_radii: f64,
    /// Own hits that were seen here at once or counted by the server.
    pub hits: u32,
    /// Of these, both seen and counted: the same shot, and the same target.
    pub hit_agreement_percent: f64,
    /// Half of the time what the newest snapshot told was no older, beyond the quickest way here: what comes late, or is sent
    /// once more, counts in full; how long the quickest takes is in the round trip.
    pub snapshot_age_p50_ms: u32,
    /// All but 1 % of the time it was no older.
    pub snapshot_age_p99_ms: u32,
    /// Gaps between snapshots over 100 ms, a minute.
    pub stalls_per_minute: f64,
    /// Gaps between snapshots over 300 ms, and how long it took until all was well: those with the longest silence.
    pub outages: Vec<OutageReport>,
    /// Snapshots that were not predicted bit for bit, everybody included.
    pub inexact: u32,
    /// Inputs that came too late, in percent.
    pub late_inputs_percent: f64,
    /// Jumps of the clock.
    pub clock_jumps: u32,
}

/// The line was silent for a while.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct OutageReport {
    /// The longest gap between two snapshots in it.
    pub silence_ms: f64,
    /// From the last snapshot before it until snapshots came in time and corrected nothing that one could see. Nothing: that
    /// was not yet so at the end of the round.
    pub until_well_ms: Option<f64>,
}

impl OutageReport {
    fn of(outage: Outage) -> Self {
        let ms = |ticks: f64| hundredths(ticks / 0.06);
        Self { silence_ms: ms(outage.silence), until_well_ms: outage.until_well.map(ms) }
    }
}

impl Statistics {
    /// A snapshot came at `at`, in ticks.
    pub(super) fn heard(&mut self, at: f64) {
        self.heard += 1;
        self.flow.heard(at);
    }

    /// The newest snapshot moved the own disc's present by `way`; nothing when it was as predicted.
    pub(super) fn record(&mut self, exact: bool, way: Option<Vec2>) {
        self.compared += 1;
        self.inexact += u32::from(!exact);
        let size = way.map_or(0, |way| way.length().unsigned_abs() * 1_000 / RADIUS.unsigned_abs());
        self.corrections += u32::from(way.is_some());
        self.corrections_seen += u32::from(size > SEEN);
        self.sizes.add(size);
        self.flow.corrected(size);
    }

    /// The size that a part of the snapshots does not exceed, in radii of a disc.
    #[must_use]
    pub fn percentile(&self, percent: usize) -> f64 {
        thousandths(self.sizes.percentile(percent))
    }

    /// The last minute as the server is told of it. Round trip, jitter and lead are in ticks.
    pub(super) fn play_report(&self, round_trip: f64, jitter: f64, lead: f64) -> PlayReport {
        // Not every snapshot that comes is compared.
        let in_a_minute = MINUTE_SNAPSHOTS * self.compared as usize / self.heard.max(1) as usize;
        let sizes = self.sizes.last(in_a_minute);
        let count = sizes.len().max(1);
        let seen = sizes.filter(|size| *size > SEEN).count();
        let ages = &self.flow.ages_ms;
        let age_p50 = ages.percentile_of_last(MINUTE_TICKS, 50);
        let ms = |ticks: f64| {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "milliseconds; what does not fit is cut"
            )]
            let ms = (ticks / 0.06).round() as u16;
            ms
        };
        PlayReport {
            snapshot_age_p50_ms: short(age_p50),
            snapshot_age_p99_ms: short(ages.percentile_of_last(MINUTE_TICKS, 99)),
            corrections_per_minute: u16::try_from(seen * in_a_minute / count)
                .unwrap_or(CORRECTIONS_PER_MINUTE_MAX),
            correction_p99_milliradii: short(self.sizes.percentile_of_last(in_a_minute, 99)),
            round_trip_ms: ms(round_trip),
            jitter_ms: ms(jitter),
            lead_ms: ms(lead).min(LEAD_MS_MAX),
            stalls_per_minute: self.flow.stalls_lately(),
        }
    }

    /// Everything as a test reads it.
    #[must_use]
    pub fn report(&self) -> PredictionReport {
        let late = f64::from(self.late_inputs) * 100.0 / f64::from(self.inputs.max(1));
        let per_minute = |count: u32| f64::from(count) / self.flow.minutes();
        PredictionReport {
            snapshots: self.compared,
            corrections: self.corrections,
            correction_sizes: self.sizes.last(usize::MAX).filter(|size| *size > 0).collect(),
            correction_p50_radii: self.percentile(50),
            correction_p99_radii: self.percentile(99),
            corrections_seen_per_minute: hundredths(per_minute(self.corrections_seen)),
            ahead_p50_ticks: self.ahead.percentile(50),
            ahead_p99_ticks: self.ahead.percentile(99),
            others_error_p50_radii: thousandths(self.shown.errors.percentile(50)),
            others_error_p99_radii: thousandths(self.shown.errors.percentile(99)),
            people_error_p50_radii: thousandths(self.shown.people_errors.percentile(50)),
            people_error_p99_radii: thousandths(self.shown.people_errors.percentile(99)),
            hits: self.hits.count(),
            hit_agreement_percent: hundredths(self.hits.agreement_percent()),
            snapshot_age_p50_ms: self.flow.ages_ms.percentile(50),
            snapshot_age_p99_ms: self.flow.ages_ms.percentile(99),
            stalls_per_minute: hundredths(per_minute(self.flow.stalls)),
            outages: self.flow.outages().map(OutageReport::of).collect(),
            inexact: self.inexact,
            late_inputs_percent: hundredths(late),
            clock_jumps: self.jumps,
        }
    }
}

/// What does not fit is cut.
fn short(number: u32) -> u16 {
    u16::try_from(number).unwrap_or(u16::MAX)
}

fn thousandths(count: u32) -> f64 {
    f64::from(count) / 1_000.0
}

/// Cut to two places: more would be noise.
fn hundredths(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use shared::sim::fixed::{Vec2, units};

    use super::Statistics;

    fn note(statistics: &mut Statistics, way: Option<Vec2>) {
        statistics.heard(0.0);
        statistics.record(way.is_none(), way);
    }

    #[test]
    fn sizes_are_told_in_radii() {
        let mut statistics = Statistics::default();

        (0..98).for_each(|_| note(&mut statistics, None));
        let half = Some(Vec2::new(units(12), 0));
        (0..2).for_each(|_| note(&mut statistics, half));

        let report = statistics.report();
        assert_eq!((report.snapshots, report.corrections, report.inexact), (100, 2, 2));
        assert!((report.correction_p50_radii, report.correction_p99_radii) == (0.0, 0.5));
    }

    #[test]
    fn the_server_is_told_of_the_last_minute() {
        let mut statistics = Statistics::default();
        let half = Some(Vec2::new(units(12), 0));
        (0..500).for_each(|_| note(&mut statistics, half));
        (0..=3_600_u16).for_each(|now| statistics.flow.age(now.into(), 60.0));

        (0..1_790).for_each(|_| note(&mut statistics, None));
        (3_601..=7_100_u16).for_each(|now| statistics.flow.age(now.into(), 1.2));
        let report = statistics.play_report(6.0, 0.3, 9.0);

        assert!(report.is_valid());
        assert_eq!((report.corrections_per_minute, report.correction_p99_milliradii), (10, 0));
        assert_eq!((report.snapshot_age_p50_ms, report.snapshot_age_p99_ms), (20, 1_000));
        assert_eq!((report.round_trip_ms, report.jitter_ms, report.lead_ms), (100, 5, 150));
        let nothing = Statistics::default().play_report(0.0, 0.0, 0.0);
        assert_eq!(nothing, shared::protocol::PlayReport::default());
        assert!(Statistics::default().play_report(1e9, 1e9, 1e9).is_valid());
    }
}
