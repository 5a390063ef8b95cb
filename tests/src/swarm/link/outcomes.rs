//! The clients' outcomes of their round, as figures.
//!
//! A client reports its own percentiles and not the samples, so percentiles over all clients are unknown: for a p50 the
//! report has the mean of the clients, for a p99 the worst client's. Corrections are reported one by one, and their
//! percentiles are those of all clients together.

use serde_json::Value;

use super::Report;

/// Combines a figure of all clients.
type Summary = fn(&[Value], &str) -> f64;

/// The figures: name, the clients' name, unit, how the clients' values are combined, explanation.
const FIGURES: [(&str, &str, &str, Summary, &str); 11] = [
    (
        "snapshot_age_p50_ms",
        "snapshot_age_p50_ms",
        "ms",
        mean,
        "age of the newest snapshot above the smallest one-way delay; mean of the clients",
    ),
    ("snapshot_age_p99_ms", "snapshot_age_p99_ms", "ms", worst, "the worst client's"),
    (
        "stalls_per_minute",
        "stalls_per_minute",
        "/min",
        mean,
        "gaps over 100 ms; mean of the clients",
    ),
    (
        "own_corrections_per_minute",
        "corrections_seen_per_minute",
        "/min",
        mean,
        "over a tenth of a radius; mean of the clients",
    ),
    (
        "ahead_p50_ticks",
        "ahead_p50_ticks",
        "ticks",
        mean,
        "predicted beyond each snapshot; mean of the clients",
    ),
    ("ahead_p99_ticks", "ahead_p99_ticks", "ticks", worst, "the worst client's"),
    (
        "others_error_p50_radii",
        "others_error_p50_radii",
        "radii",
        mean,
        "as shown, against the truth; mean of the clients",
    ),
    ("others_error_p99_radii", "others_error_p99_radii", "radii", worst, "the worst client's"),
    (
        "people_error_p50_radii",
        "people_error_p50_radii",
        "radii",
        mean,
        "the same for people only, because bots are predicted exactly; mean of the clients",
    ),
    ("people_error_p99_radii", "people_error_p99_radii", "radii", worst, "the worst client's"),
    (
        "late_inputs_percent",
        "late_inputs_percent",
        "%",
        mean,
        "of the inputs came too late; mean of the clients",
    ),
];

/// Adds the clients' figures to the report.
pub(super) fn add(line: &str, outcomes: &[Value], report: &mut Report) {
    for (name, told, unit, summary, words) in FIGURES {
        report.add(format!("{line}.{name}"), summary(outcomes, told), unit, words);
    }
    report.add(
        format!("{line}.clients"),
        outcomes.len() as f64,
        "",
        "came to the end of the round",
    );
    add_corrections(line, outcomes, report);
    let hits: f64 = outcomes.iter().map(|outcome| figure(outcome, "hits")).sum();
    let agreed = outcomes
        .iter()
        .map(|outcome| figure(outcome, "hits") * figure(outcome, "hit_agreement_percent"));
    let agreement = agreed.sum::<f64>() / hits;
    let words = format!("of {hits} own hits were seen here and counted there");
    report.add(format!("{line}.hit_agreement"), agreement, "%", &words);
}

fn add_corrections(line: &str, outcomes: &[Value], report: &mut Report) {
    let all = corrections(outcomes);
    let moved = &all[all.partition_point(|size| *size == 0.0)..];
    let over_all = format!("own disc, over all {} snapshots of all clients", all.len());
    let over_moved = format!("own disc, over the {} corrections alone", moved.len());
    for (name, sizes, words) in
        [("own_correction", &all[..], over_all), ("own_correction_size", moved, over_moved)]
    {
        for percent in [50, 99] {
            let size = percentile(sizes, percent);
            report.add(format!("{line}.{name}_p{percent}_radii"), size, "radii", &words);
        }
    }
}

fn figure(outcome: &Value, name: &str) -> f64 {
    outcome[name].as_f64().unwrap_or(f64::NAN)
}

fn mean(outcomes: &[Value], name: &str) -> f64 {
    outcomes.iter().map(|outcome| figure(outcome, name)).sum::<f64>() / outcomes.len() as f64
}

/// The highest value. NaN counts as the highest, so that it shows.
fn worst(outcomes: &[Value], name: &str) -> f64 {
    let figures = outcomes.iter().map(|outcome| figure(outcome, name));
    figures.max_by(f64::total_cmp).unwrap_or(f64::NAN)
}

/// How far each snapshot of each client corrected the own disc, in radii, sorted. Most are zero.
fn corrections(outcomes: &[Value]) -> Vec<f64> {
    let mut sizes = Vec::new();
    for outcome in outcomes {
        let moved = outcome["correction_sizes"].as_array().into_iter().flatten();
        let begin = sizes.len();
        sizes.extend(moved.filter_map(Value::as_f64).map(|thousandths| thousandths / 1_000.0));
        let compared = outcome["snapshots"].as_u64().and_then(|count| usize::try_from(count).ok());
        sizes.resize(begin + compared.unwrap_or(0).max(sizes.len() - begin), 0.0);
    }
    sizes.sort_by(f64::total_cmp);
    sizes
}

/// A percentile of sorted numbers.
pub(super) fn percentile(sorted: &[f64], percent: usize) -> f64 {
    let place = sorted.len().saturating_sub(1) * percent / 100;
    sorted.get(place).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::Report;
    use super::add;
    use crate::swarm::report::assert_names;

    fn told(outcomes: &[Value]) -> Report {
        let mut report = Report::default();
        add("x", outcomes, &mut report);
        report
    }

    #[test]
    fn corrections_are_those_of_all_clients_together_with_and_without_the_snapshots_that_moved_nothing()
     {
        let calm = json!({ "snapshots": 300, "correction_sizes": [] });
        let tossed = json!({ "snapshots": 100, "correction_sizes": [900, 20, 500, 700, 40] });

        let report = told(&[calm.clone(), tossed]);

        let of = |name: &str| report.figure(&format!("x.{name}_radii"));
        assert_eq!([of("own_correction_p50"), of("own_correction_p99")], [0.0, 0.02]);
        assert_eq!([of("own_correction_size_p50"), of("own_correction_size_p99")], [0.5, 0.7]);
        assert!(report.table().contains("over all 400 snapshots"), "{}", report.table());
        assert!(report.table().contains("over the 5 corrections alone"), "{}", report.table());
        assert!(told(&[calm]).figure("x.own_correction_size_p99_radii").is_nan());
    }

    #[test]
    fn a_p99_is_the_worst_client_s_and_a_p50_the_mean() {
        let clients = [(10, 40), (20, 90), (30, 50)]
            .map(|(p50, p99)| json!({ "snapshot_age_p50_ms": p50, "snapshot_age_p99_ms": p99 }));

        let report = told(&clients);

        assert_eq!(report.figure("x.snapshot_age_p50_ms"), 20.0);
        assert_eq!(report.figure("x.snapshot_age_p99_ms"), 90.0);
        assert!(report.figure("x.ahead_p99_ticks").is_nan(), "no client reported it");
    }

    #[test]
    fn figures_have_the_names_that_programs_know() {
        let line = "link.rtt100_jitter20_loss1";
        let mut report = Report::default();

        add(line, &[json!({})], &mut report);

        assert_names(&report, line, &["own_correction_p99_radii", "hit_agreement"]);
    }
}
