//! What was measured: a table for people, one flat JSON object for programs.

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
    /// Adds a figure with its unit and a few words.
    pub fn add(&mut self, name: impl Into<String>, value: f64, unit: &'static str, words: &str) {
        let name = name.into();
        self.figures.insert(name.clone(), value);
        self.lines.push((name, value, unit, words.to_owned()));
    }

    /// A figure that was added before. Nothing of that name: not a number.
    #[must_use]
    pub fn figure(&self, name: &str) -> f64 {
        self.figures.get(name).copied().unwrap_or(f64::NAN)
    }

    /// Adds a sentence that stands under the table: what could not be measured, and why.
    pub fn note(&mut self, sentence: String) {
        self.notes.push(sentence);
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

    /// Writes the flat JSON object.
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
