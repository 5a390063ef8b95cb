//! The report of a measurement: a table for people, one flat JSON object for programs.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;
use std::path::Path;

/// Figures by name, such as `players.320.ratio_to_floor`.
#[derive(Debug, Default, Clone)]
pub struct Report {
    figures: BTreeMap<String, f64>,
    lines: Vec<(String, f64, &'static str, String)>,
    notes: Vec<String>,
}

impl Report {
    /// Adds a figure with its unit and a short explanation.
    pub fn add(&mut self, name: impl Into<String>, value: f64, unit: &'static str, words: &str) {
        let name = name.into();
        self.figures.insert(name.clone(), value);
        self.lines.push((name, value, unit, words.to_owned()));
    }

    /// A figure that was added before; NaN when there is none of this name.
    #[must_use]
    pub fn figure(&self, name: &str) -> f64 {
        self.figures.get(name).copied().unwrap_or(f64::NAN)
    }

    /// The names of all figures.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.figures.keys().map(String::as_str)
    }

    /// Adds a sentence under the table, such as what could not be measured and why. A repeated sentence is dropped.
    pub fn note(&mut self, sentence: String) {
        if !self.notes.contains(&sentence) {
            self.notes.push(sentence);
        }
    }

    /// Notes the seed of a measurement, and what follows from it.
    pub fn note_seed(&mut self, bench: &str, seed: u64, what: &str) {
        self.note(format!("{bench}: seed {seed} (--seed), of {what}."));
    }

    /// Adds a sentence when connections were lost, because then the machine or the server could not carry all players.
    pub fn note_lost(&mut self, who: &str, count: usize, lost: u64) {
        if lost > 0 {
            self.note(format!(
                "{who}: {lost} of {count} connections were lost during the measurement."
            ));
        }
    }

    /// The table, in the order in which the figures came, and the notes.
    #[must_use]
    pub fn table(&self) -> String {
        let width = self.lines.iter().map(|(name, ..)| name.len()).max().unwrap_or(0);
        let mut table = String::new();
        for (name, value, unit, words) in &self.lines {
            let places = if value.abs() >= 100.0 { 0 } else { 2 };
            // Writing into a string cannot fail.
            writeln!(table, "{name:width$}  {value:>12.places$} {unit:<7} {words}").ok();
        }
        for note in &self.notes {
            writeln!(table, "{note}").ok();
        }
        table
    }

    /// Writes the flat JSON object. NaN is `null` in it.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write_json(&self, path: &Path) -> io::Result<()> {
        let text = serde_json::to_string_pretty(&self.figures).map_err(io::Error::other)?;
        std::fs::write(path, text + "\n")
    }
}

/// The value below which `percent` of the samples lie.
#[must_use]
pub fn percentile(samples: &mut [usize], percent: usize) -> usize {
    samples.sort_unstable();
    samples.get(samples.len().saturating_sub(1) * percent / 100).copied().unwrap_or(0)
}

/// Asserts that a report has these figures, each after its prefix.
#[cfg(test)]
#[track_caller]
pub(super) fn assert_names(report: &Report, prefix: &str, names: &[&str]) {
    for name in names.iter().map(|name| format!("{prefix}.{name}")) {
        let all: Vec<_> = report.names().collect();
        assert!(all.contains(&&*name), "{name} is not among {all:?}");
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::Report;

    #[test]
    fn what_is_not_a_number_is_null_for_programs() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("figures.json");
        let mut report = Report::default();
        report.add("a.b", 1.5, "ms", "");
        report.add("a.c", f64::NAN, "ms", "not measured");

        report.write_json(&path).unwrap();

        let read: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        assert_eq!(read, json!({ "a.b": 1.5, "a.c": null }));
        assert!(report.table().contains("NaN"), "{}", report.table());
    }

    #[test]
    fn nothing_is_noted_twice() {
        let mut report = Report::default();

        [1, 2, 1].into_iter().for_each(|seed| report.note(format!("seed {seed}")));

        assert_eq!(report.table(), "seed 1\nseed 2\n");
    }
}
