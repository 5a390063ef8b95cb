//! Prometheus' text format, version 0.0.4.
//!
//! Labels and names are the server's own words: none of them needs escaping.

use std::fmt::{Display, Write as _};

use super::value::{BUCKETS_S, Counter, Family, Gauge, Histogram};

/// The text so far.
#[derive(Default)]
pub(super) struct Text(String);

/// The labels of one series.
#[derive(Default)]
pub(super) struct Labels(String);

impl Labels {
    /// One label.
    pub(super) fn of(name: &str, value: impl Display) -> Self {
        let mut labels = Self::default();
        labels.push(name, value);
        labels
    }

    pub(super) fn push(&mut self, name: &str, value: impl Display) {
        let comma = if self.0.is_empty() { "" } else { "," };
        // Writing to a string does not fail.
        write!(self.0, "{comma}{name}=\"{value}\"").ok();
    }

    /// In braces, or nothing without any label.
    fn in_braces(&self) -> String {
        if self.0.is_empty() { String::new() } else { format!("{{{}}}", self.0) }
    }
}

impl Text {
    pub(super) fn counter(&mut self, name: &str, counter: &Counter) {
        self.begin(name, "counter");
        self.sample(name, &Labels::default(), counter.get());
    }

    /// A count of the whole process.
    pub(super) fn process_counter(&mut self, name: &str, count: u64) {
        self.begin(name, "counter");
        self.sample(name, &Labels::default(), count);
    }

    pub(super) fn gauge(&mut self, name: &str, gauge: &Gauge) {
        self.begin(name, "gauge");
        self.sample(name, &Labels::default(), gauge.count());
    }

    pub(super) fn histogram(&mut self, name: &str, histogram: &Histogram) {
        self.begin(name, "histogram");
        self.buckets(name, &Labels::default(), histogram);
    }

    pub(super) fn counters<L: Ord + Clone>(
        &mut self,
        name: &str,
        family: &Family<L, Counter>,
        label: impl Fn(&L, &mut Labels),
    ) {
        self.begin(name, "counter");
        for (key, counter) in family.all() {
            let mut labels = Labels::default();
            label(&key, &mut labels);
            self.sample(name, &labels, counter.get());
        }
    }

    pub(super) fn histograms<L: Ord + Clone>(
        &mut self,
        name: &str,
        family: &Family<L, Histogram>,
        label: impl Fn(&L, &mut Labels),
    ) {
        self.begin(name, "histogram");
        for (key, histogram) in family.all() {
            let mut labels = Labels::default();
            label(&key, &mut labels);
            self.buckets(name, &labels, &histogram);
        }
    }

    /// Begins the samples of a metric.
    pub(super) fn begin(&mut self, name: &str, kind: &str) {
        self.line(format_args!("# TYPE {name} {kind}"));
    }

    pub(super) fn sample(&mut self, name: &str, labels: &Labels, value: impl Display) {
        self.line(format_args!("{name}{} {value}", labels.in_braces()));
    }

    pub(super) fn into_string(self) -> String {
        self.0
    }

    pub(super) fn buckets(&mut self, name: &str, Labels(labels): &Labels, histogram: &Histogram) {
        let comma = if labels.is_empty() { "" } else { "," };
        let bounds = BUCKETS_S.iter().map(f64::to_string).chain(["+Inf".to_owned()]);
        let mut count = 0;
        for (bound, in_bucket) in bounds.zip(histogram.counts()) {
            count += in_bucket;
            self.line(format_args!("{name}_bucket{{{labels}{comma}le=\"{bound}\"}} {count}"));
        }
        let labels = Labels(labels.clone()).in_braces();
        self.line(format_args!("{name}_sum{labels} {}", histogram.sum().as_secs_f64()));
        self.line(format_args!("{name}_count{labels} {count}"));
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        // Writing to a string does not fail.
        writeln!(self.0, "{line}").ok();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Text;
    use crate::metrics::{Family, Histogram};

    fn assert_lines(text: &Text, lines: &[&str]) {
        for line in lines {
            assert!(text.0.lines().any(|known| known == *line), "{line} in\n{}", text.0);
        }
    }

    #[test]
    fn a_bucket_counts_durations_up_to_its_bound() {
        let (ticks, mut text) = (Histogram::default(), Text::default());
        for ms in [1, 2, 3, 90_000] {
            ticks.record(Duration::from_millis(ms));
        }

        text.histogram("tick_seconds", &ticks);

        assert_lines(
            &text,
            &[
                "# TYPE tick_seconds histogram",
                "tick_seconds_bucket{le=\"0.0005\"} 0",
                "tick_seconds_bucket{le=\"0.001\"} 1",
                "tick_seconds_bucket{le=\"0.003\"} 3",
                "tick_seconds_bucket{le=\"5\"} 3",
                "tick_seconds_bucket{le=\"+Inf\"} 4",
                "tick_seconds_sum 90.006",
                "tick_seconds_count 4",
            ],
        );
    }

    #[test]
    fn a_family_has_a_series_for_each_set_of_labels() {
        let (family, mut text) = (Family::<_, Histogram>::default(), Text::default());
        family.of("/api/rooms/{id}").record(Duration::from_secs(6));
        family.of("/").record(Duration::from_secs(2));

        text.histograms("head_seconds", &family, |route, labels| labels.push("route", route));

        assert_lines(
            &text,
            &[
                "head_seconds_bucket{route=\"/\",le=\"1\"} 0",
                "head_seconds_bucket{route=\"/\",le=\"5\"} 1",
                "head_seconds_sum{route=\"/api/rooms/{id}\"} 6",
                "head_seconds_count{route=\"/api/rooms/{id}\"} 1",
            ],
        );
        assert_eq!(text.0.matches("# TYPE").count(), 1);
    }
}
