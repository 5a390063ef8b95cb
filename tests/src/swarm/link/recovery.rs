//! Cuts the link repeatedly while a round is played, and reports the time to recover from each cut.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt as _;
use serde_json::Value;
use shared::tick::TICK_RATE_HZ;
use tokio::time::sleep;

use super::network::Network;
use super::outcomes::percentile;
use crate::client::Client;
use crate::swarm::Report;

/// Length of a cut.
const CUT: Duration = Duration::from_millis(500);
/// Ticks from the start of the round to the first cut. The clients' clocks settle in this time.
const FIRST_AT_TICK: u32 = 360;
/// Ticks from one cut to the next, and from the last one to the end of the round. Enough to recover.
const EVERY_TICKS: usize = 240;

/// Cuts the link as often as the round leaves time for it. Returns the number of cuts.
pub(super) async fn cut_repeatedly(
    line: &Network,
    clients: &mut [Client],
    round: Duration,
) -> usize {
    let round_ticks = round.as_secs_f64() * f64::from(TICK_RATE_HZ);
    let leaves_time = |tick: f64| tick + EVERY_TICKS as f64 <= round_ticks;
    let moments = (FIRST_AT_TICK..).step_by(EVERY_TICKS).map(f64::from);
    let mut cuts = 0;
    for at in moments.take_while(|at| leaves_time(*at)) {
        let mut farthest = at;
        for client in &mut *clients {
            let status = client.status_where("the moment of a cut", |status| tick(status) >= at);
            // A client that failed says so when its outcome is read. The others are cut all the same.
            let Ok(status) = AssertUnwindSafe(status).catch_unwind().await else { continue };
            farthest = farthest.max(tick(&status));
        }
        // Rooms do not start at the same moment.
        if !leaves_time(farthest) {
            break;
        }
        line.cut(true);
        sleep(CUT).await;
        line.cut(false);
        cuts += 1;
    }
    cuts
}

/// The tick of the client's round; −∞ when it is in none.
fn tick(status: &Value) -> f64 {
    status["tick"].as_f64().unwrap_or(f64::NEG_INFINITY)
}

/// Adds the time to recover from the cuts: NaN and a note when a client did not recover.
pub(super) fn add(line: &str, outcomes: &[Value], cuts: usize, report: &mut Report) {
    let mut recoveries: Vec<_> =
        outcomes.iter().flat_map(|outcome| recoveries_ms(outcome, cuts)).collect();
    recoveries.sort_by(f64::total_cmp);
    let lasting = recoveries.iter().filter(|ms| ms.is_infinite()).count();
    if lasting > 0 {
        let all = recoveries.len();
        report.note(format!("{line}: a client did not recover from {lasting} of {all} cuts."));
    }
    if recoveries.is_empty() {
        report.note(format!(
            "{line}: recovery is unknown, because no client felt any of {cuts} cuts."
        ));
    }
    let words = format!("from the end of a {} ms cut to recovery", CUT.as_millis());
    for (name, percent, part) in [
        ("recovery_p50_ms", 50, "half of all"),
        ("recovery_ms", 90, "nine of ten"),
        ("recovery_worst_ms", 100, "the slowest"),
    ] {
        let recovery = Some(percentile(&recoveries, percent)).filter(|ms| ms.is_finite());
        let words = format!("{words}: {part}");
        report.add(format!("{line}.{name}"), recovery.unwrap_or(f64::NAN), "ms", &words);
    }
    let words = format!("of {cuts} for each client, these were felt");
    report.add(format!("{line}.cuts"), recoveries.len() as f64, "", &words);
}

/// Time from the end of each cut that the client felt to recovery, in ms. Infinite when the client did not recover.
fn recoveries_ms(outcome: &Value, cuts: usize) -> Vec<f64> {
    let mut outages: Vec<_> = outcome["outages"].as_array().into_iter().flatten().collect();
    // Packets that the link loses by itself cause a shorter silence than a cut.
    let silence_ms = |outage: &Value| outage["silence_ms"].as_f64().unwrap_or_default();
    outages.sort_by(|a, b| silence_ms(b).total_cmp(&silence_ms(a)));
    let recovery_ms = |outage: &Value| {
        let until_well = outage["until_well_ms"].as_f64();
        // An outage may be shorter than the cut, because packets in flight still arrive.
        until_well.map_or(f64::INFINITY, |ms| (ms - CUT.as_secs_f64() * 1_000.0).max(0.0))
    };
    outages.into_iter().take(cuts).map(recovery_ms).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::Report;
    use super::add;
    use crate::swarm::report::assert_names;

    /// Silence and time to recover of each outage.
    fn client(outages: &[(f64, Option<f64>)]) -> Value {
        let outages = outages.iter().map(
            |(silence, until_well)| json!({ "silence_ms": silence, "until_well_ms": until_well }),
        );
        json!({ "outages": outages.collect::<Vec<_>>() })
    }

    fn told(outcomes: &[Value], cuts: usize) -> Report {
        let mut report = Report::default();
        add("x", outcomes, cuts, &mut report);
        report
    }

    fn recovery(report: &Report) -> [f64; 3] {
        ["p50_ms", "ms", "worst_ms"].map(|name| report.figure(&format!("x.recovery_{name}")))
    }

    #[test]
    fn recovery_is_counted_from_the_end_of_each_cut_that_a_client_felt() {
        let often: Vec<_> = (0..9).map(|n| (500.0, Some(510.0 + f64::from(n)))).collect();
        let clients = [client(&often), client(&[(480.0, Some(480.0))])];

        let report = told(&[&clients[..], &[client(&[(500.0, Some(800.0))])]].concat(), 9);

        assert_eq!(recovery(&report), [14.0, 18.0, 300.0]);
        assert_eq!(report.figure("x.cuts"), 11.0);
        assert_names(&report, "x", &["recovery_ms"]);
    }

    #[test]
    fn packets_that_the_link_loses_by_itself_are_no_cut() {
        let outages = [(310.0, Some(2_000.0)), (500.0, Some(600.0)), (320.0, None)];

        let report = told(&[client(&outages)], 1);

        assert_eq!(recovery(&report), [100.0; 3]);
    }

    #[test]
    fn a_client_that_has_not_recovered_is_not_left_out() {
        let lasting = client(&[(500.0, Some(700.0)), (500.0, None)]);

        let report = told(&[client(&[(500.0, Some(600.0)), (500.0, Some(650.0))]), lasting], 2);

        let [half, _, slowest] = recovery(&report);
        assert_eq!(half, 150.0);
        assert!(slowest.is_nan(), "{}", report.table());
        assert!(report.table().contains("from 1 of 4 cuts"), "{}", report.table());
    }

    #[test]
    fn a_cut_that_no_client_felt_is_noted() {
        let report = told(&[client(&[])], 2);

        assert!(report.figure("x.recovery_ms").is_nan());
        assert!(report.table().contains("felt any of 2 cuts"), "{}", report.table());
    }
}
