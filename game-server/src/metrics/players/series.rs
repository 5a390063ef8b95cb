//! The series of one player, by name.

use shared::protocol::PlayReport;

use super::statistics::PlayerStatistics;

/// Name, type, and value. `None` while the value is not known.
type Series = (&'static str, &'static str, fn(&PlayerStatistics) -> Option<f64>);

/// Every series of a player, after the prefix `pushback_player_`.
pub(super) const SERIES: [Series; 21] = [
    ("rtt_seconds", "gauge", |of| of.round_trip.map(|time| time.as_secs_f64())),
    ("jitter_seconds", "gauge", |of| Some(of.jitter.as_secs_f64())),
    ("input_margin_p99_seconds", "gauge", |of| of.margin_p99_ticks.map(seconds_of)),
    ("inputs_total", "counter", |of| whole(of.inputs)),
    ("inputs_late_total", "counter", |of| whole(of.inputs_late)),
    ("inputs_ahead_total", "counter", |of| whole(of.inputs_ahead)),
    ("inputs_missing_total", "counter", |of| whole(of.inputs_missing)),
    ("snapshots_skipped_total", "counter", |of| whole(of.skipped)),
    ("keyframes_total", "counter", |of| whole(of.keyframes)),
    ("diverged_total", "counter", |of| whole(of.diverged)),
    ("received_bytes_total", "counter", |of| whole(of.received_bytes)),
    ("sent_bytes_total", "counter", |of| whole(of.sent_bytes)),
    ("unsent_bytes", "gauge", |of| whole(of.unsent_bytes as u64)),
    ("reported_rtt_seconds", "gauge", |of| thousandths(of, |report| report.round_trip_ms)),
    ("reported_jitter_seconds", "gauge", |of| thousandths(of, |report| report.jitter_ms)),
    ("reported_snapshot_age_p50_seconds", "gauge", |of| {
        thousandths(of, |report| report.snapshot_age_p50_ms)
    }),
    ("reported_snapshot_age_p99_seconds", "gauge", |of| {
        thousandths(of, |report| report.snapshot_age_p99_ms)
    }),
    ("reported_corrections_per_minute", "gauge", |of| {
        of.reported.map(|report| f64::from(report.corrections_per_minute))
    }),
    ("reported_correction_p99_radii", "gauge", |of| {
        thousandths(of, |report| report.correction_p99_milliradii)
    }),
    ("reported_lead_seconds", "gauge", |of| thousandths(of, |report| report.lead_ms)),
    ("reported_stalls_per_minute", "gauge", |of| {
        of.reported.map(|report| f64::from(report.stalls_per_minute))
    }),
];

fn whole(count: u64) -> Option<f64> {
    Some(count as f64)
}

fn seconds_of(ticks: i16) -> f64 {
    f64::from(ticks) / f64::from(shared::tick::TICK_RATE_HZ)
}

/// A value that the client reports in thousandths.
fn thousandths(of: &PlayerStatistics, part: impl Fn(&PlayReport) -> u16) -> Option<f64> {
    of.reported.map(|report| f64::from(part(&report)) / 1_000.0)
}
