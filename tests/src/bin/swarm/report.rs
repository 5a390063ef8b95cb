//! Figures: a table for people, flat JSON for programs.

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::path::Path;

use anyhow::{Context as _, Result};

/// What was measured.
#[derive(Debug, Default)]
pub(crate) struct Report {
    figures: BTreeMap<String, f64>,
}

impl Report {
    /// Begins a part of the table.
    pub(crate) fn section(&mut self, title: &str) -> Result<()> {
        line(&format!("\n{title}"))
    }

    /// One figure: its key in JSON, what it is, and in which unit.
    pub(crate) fn figure(&mut self, key: &str, what: &str, value: f64, unit: &str) -> Result<()> {
        self.figures.insert(key.to_owned(), value);
        let digits = if value.abs() >= 100.0 || value.fract() == 0.0 { 0 } else { 2 };
        line(&format!("  {what:<46} {value:>12.digits$} {unit}"))
    }

    /// A remark.
    pub(crate) fn remark(&mut self, text: &str) -> Result<()> {
        line(&format!("  {text}"))
    }

    /// Everything as one flat object.
    pub(crate) fn write_json(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(&self.figures).context("figures are numbers")?;
        std::fs::write(path, text + "\n").with_context(|| format!("writing {}", path.display()))
    }
}

fn line(text: &str) -> Result<()> {
    writeln!(io::stdout(), "{text}").context("writing the table")
}

/// The value that so many percent are not above. Zero of nothing.
pub(crate) fn percentile(sorted: &[u32], percent: usize) -> f64 {
    let place = sorted.len().saturating_sub(1) * percent / 100;
    sorted.get(place).copied().map_or(0.0, f64::from)
}
