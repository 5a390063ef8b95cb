//! The quality of the prediction: for the net graph, for the report to the server, and for tests.

use serde::Serialize;
use shared::protocol::PlayReport;
use shared::protocol::report::{CORRECTIONS_PER_MINUTE_MAX, LEAD_MS_MAX};
use shared::sim::disc::RADIUS;
use shared::sim::fixed::Vec2;

use super::arrivals::{Arrivals, Outage, VISIBLE_MILLIRADII};
use super::hits::HitTracker;
use super::remote_errors::RemoteErrors;
use super::samples::Samples;

/// A minute in snapshots and in ticks.
const MINUTE_SNAPSHOTS: usize = CORRECTIONS_PER_MINUTE_MAX as usize;
const MINUTE_TICKS: usize = 3_600;

/// The counts and samples of one round.
#[derive(Debug, Clone, Default)]
pub struct Statistics {
    /// Snapshots that arrived.
    pub received: u32,
    /// Snapshots that were compared with a prediction. Of several that arrived at once, the last.
    pub compared: u32,
    /// Of these, predictions that were not exact bit for bit, mostly because another player turned.
    pub inexact: u32,
    /// Snapshots that corrected the own disc.
    pub corrections: u32,
    /// Of these, visible ones.
    visible_corrections: u32,
    /// Inputs that reached the server too late.
    pub late_inputs: u32,
    /// Inputs that the server received.
    pub inputs: u32,
    /// Jumps of the clock.
    pub jumps: u32,
    /// Bytes of the match stream that were received.
    pub down_bytes: u64,
    /// Bytes of inputs that were sent.
    pub up_bytes: u64,
    /// The correction of the own disc at each compared snapshot, in thousandths of its radius.
    pub(super) sizes: Samples,
    /// How many ticks the prediction was ahead of each snapshot.
    pub(super) ahead: Samples,
    pub(super) arrivals: Arrivals,
    pub(super) hits: HitTracker,
    pub(super) remote: RemoteErrors,
}

/// The figures of a round. Tests and benches read them as JSON.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PredictionReport {
    /// Snapshots that were compared with a prediction. Of several that arrived at once, the last: the others are not shown.
    pub snapshots: u32,
    /// Snapshots that corrected the own disc.
    pub corrections: u32,
    /// The size of each correction, in thousandths of a radius. Percentiles over many players need all of them.
    pub correction_sizes: Vec<u32>,
    /// Median correction over all compared snapshots, in radii.
    pub correction_p50_radii: f64,
    /// 99th percentile of the correction over all compared snapshots, in radii.
    pub correction_p99_radii: f64,
    /// Corrections of more than a tenth of a radius per minute. Smaller ones cannot be seen.
    pub corrections_seen_per_minute: f64,
    /// Median of the ticks by which the prediction was ahead of a snapshot. For the first of these ticks the inputs of other
    /// players may be known, because the server relays them.
    pub ahead_p50_ticks: u32,
    /// 99th percentile of the ticks by which the prediction was ahead of a snapshot.
    pub ahead_p99_ticks: u32,
    /// Median distance of other discs from where they were, in radii.
    pub others_error_p50_radii: f64,
    /// 99th percentile of the distance of other discs from where they were, in radii.
    pub others_error_p99_radii: f64,
    /// The same median for discs of other players only: bots are predicted better. Zero without other players.
    pub people_error_p50_radii: f64,
    /// The same 99th percentile for discs of other players only.
    pub people_error_p99_radii: f64,
    /// Hits of the player that were predicted or confirmed.
    pub hits: u32,
    /// The share of them that was predicted and confirmed: the same pulse and the same target.
    pub hit_agreement_percent: f64,
    /// Median age of the newest snapshot, above the smallest one-way delay seen. That delay is part of the round trip.
    pub snapshot_age_p50_ms: u32,
    /// 99th percentile of the age of the newest snapshot, above the smallest one-way delay seen.
    pub snapshot_age_p99_ms: u32,
    /// Gaps of more than 100 ms between two snapshots, per minute.
    pub stalls_per_minute: f64,
    /// Gaps of more than 300 ms between two snapshots, the longest first, and the recovery from each.
    pub outages: Vec<OutageReport>,
    /// Snapshots that were not predicted bit for bit, with all discs.
    pub inexact: u32,
    /// Inputs that reached the server too late, in percent.
    pub late_inputs_percent: f64,
    /// Jumps of the clock.
    pub clock_jumps: u32,
}

/// A silence, and the recovery from it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct OutageReport {
    /// The longest gap between two of its snapshots.
    pub silence_ms: f64,
    /// The time from the last snapshot before it until snapshots arrived in time and corrected nothing visible. `None` when
    /// that was not so at the end of the round.
    pub until_well_ms: Option<f64>,
}

impl OutageReport {
    fn of(outage: Outage) -> Self {
        let ms = |ticks: f64| hundredths(ticks / 0.06);
        Self { silence_ms: ms(outage.silence), until_well_ms: outage.until_calm.map(ms) }
    }
}

impl Statistics {
    /// A snapshot arrived at `at`, in ticks.
    pub(super) fn snapshot_received(&mut self, at: f64) {
        self.received += 1;
        self.arrivals.receive(at);
    }

    /// The newest snapshot was compared. It corrected the own disc by `shift`; `None` when the disc was predicted exactly.
    pub(super) fn record_correction(&mut self, exact: bool, shift: Option<Vec2>) {
        self.compared += 1;
        self.inexact += u32::from(!exact);
        let size =
            shift.map_or(0, |shift| shift.length().unsigned_abs() * 1_000 / RADIUS.unsigned_abs());
        self.corrections += u32::from(shift.is_some());
        self.visible_corrections += u32::from(size > VISIBLE_MILLIRADII);
        self.sizes.add(size);
        self.arrivals.record_correction(size);
    }

    /// A percentile of the correction over all compared snapshots, in radii of a disc.
    #[must_use]
    pub fn percentile(&self, percent: usize) -> f64 {
        thousandths(self.sizes.percentile(percent))
    }

    /// The report to the server about the last minute. Round trip, jitter and lead are in ticks.
    pub(super) fn play_report(&self, round_trip: f64, jitter: f64, lead: f64) -> PlayReport {
        // Not every snapshot that arrives is compared.
        let in_a_minute = MINUTE_SNAPSHOTS * self.compared as usize / self.received.max(1) as usize;
        let sizes = self.sizes.last(in_a_minute);
        let count = sizes.len().max(1);
        let visible = sizes.filter(|size| *size > VISIBLE_MILLIRADII).count();
        let ages = &self.arrivals.ages_ms;
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
            corrections_per_minute: u16::try_from(visible * in_a_minute / count)
                .unwrap_or(CORRECTIONS_PER_MINUTE_MAX),
            correction_p99_milliradii: short(self.sizes.percentile_of_last(in_a_minute, 99)),
            round_trip_ms: ms(round_trip),
            jitter_ms: ms(jitter),
            lead_ms: ms(lead).min(LEAD_MS_MAX),
            stalls_per_minute: self.arrivals.stalls_per_minute(),
        }
    }

    /// The figures of the round.
    #[must_use]
    pub fn report(&self) -> PredictionReport {
        let late = f64::from(self.late_inputs) * 100.0 / f64::from(self.inputs.max(1));
        let per_minute = |count: u32| f64::from(count) / self.arrivals.minutes();
        PredictionReport {
            snapshots: self.compared,
            corrections: self.corrections,
            correction_sizes: self.sizes.last(usize::MAX).filter(|size| *size > 0).collect(),
            correction_p50_radii: self.percentile(50),
            correction_p99_radii: self.percentile(99),
            corrections_seen_per_minute: hundredths(per_minute(self.visible_corrections)),
            ahead_p50_ticks: self.ahead.percentile(50),
            ahead_p99_ticks: self.ahead.percentile(99),
            others_error_p50_radii: thousandths(self.remote.errors.percentile(50)),
            others_error_p99_radii: thousandths(self.remote.errors.percentile(99)),
            people_error_p50_radii: thousandths(self.remote.people_errors.percentile(50)),
            people_error_p99_radii: thousandths(self.remote.people_errors.percentile(99)),
            hits: self.hits.count(),
            hit_agreement_percent: hundredths(self.hits.agreement_percent()),
            snapshot_age_p50_ms: self.arrivals.ages_ms.percentile(50),
            snapshot_age_p99_ms: self.arrivals.ages_ms.percentile(99),
            stalls_per_minute: hundredths(per_minute(self.arrivals.stalls)),
            outages: self.arrivals.outages().map(OutageReport::of).collect(),
            inexact: self.inexact,
            late_inputs_percent: hundredths(late),
            clock_jumps: self.jumps,
        }
    }
}

/// A number, cut to what fits.
fn short(number: u32) -> u16 {
    u16::try_from(number).unwrap_or(u16::MAX)
}

fn thousandths(count: u32) -> f64 {
    f64::from(count) / 1_000.0
}

/// A value rounded to two places.
fn hundredths(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use shared::sim::fixed::{Vec2, units};

    use super::Statistics;

    fn note(statistics: &mut Statistics, shift: Option<Vec2>) {
        statistics.snapshot_received(0.0);
        statistics.record_correction(shift.is_none(), shift);
    }

    #[test]
    fn sizes_are_in_radii() {
        let mut statistics = Statistics::default();

        (0..98).for_each(|_| note(&mut statistics, None));
        let half = Some(Vec2::new(units(12), 0));
        (0..2).for_each(|_| note(&mut statistics, half));

        let report = statistics.report();
        assert_eq!((report.snapshots, report.corrections, report.inexact), (100, 2, 2));
        assert!((report.correction_p50_radii, report.correction_p99_radii) == (0.0, 0.5));
    }

    #[test]
    fn the_report_covers_the_last_minute() {
        let mut statistics = Statistics::default();
        let half = Some(Vec2::new(units(12), 0));
        (0..500).for_each(|_| note(&mut statistics, half));
        (0..=3_600_u16).for_each(|now| statistics.arrivals.age(now.into(), 60.0));

        (0..1_790).for_each(|_| note(&mut statistics, None));
        (3_601..=7_100_u16).for_each(|now| statistics.arrivals.age(now.into(), 1.2));
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
