//! `cargo xtask figures`: writes the figures of the documents from the reports that are kept.
//!
//! `docs/figures/NAME.json` is a report as `cargo xtask bench … --json` wrote it, never edited. A template beside it is
//! the text around the numbers: `{NAME/KEY:PLACES}` stands for a figure with this number of decimal places. The filled
//! template stands between two marks of its document. A test compares the two, so no number there is typed by hand.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

const FOLDER: &str = "docs/figures";
/// Each template, and the document that it fills a part of.
const PAGES: [(&str, &str); 2] = [
    ("docs/figures/performance.md", "docs/performance.md"),
    ("docs/figures/readme.md", "README.md"),
];
const BEGIN: &str = "<!-- Figures, written by `cargo xtask figures` from docs/figures. -->\n";
const END: &str = "<!-- End of the figures. -->\n";

/// By report and key, as `players/players.320.ratio_to_floor`. `None`: it could not be measured.
type Figures = BTreeMap<String, Option<f64>>;

/// Writes the figures into every document.
///
/// # Errors
/// When a report cannot be read, or has no figure that a template names.
pub(crate) fn write(root: &Path) -> Result<()> {
    for (template, document) in PAGES {
        let text = filled(root, template, document)?;
        fs::write(root.join(document), text).with_context(|| format!("writing {document}"))?;
        println!("{document} has the figures of {FOLDER}");
    }
    Ok(())
}

/// The document as it should be.
fn filled(root: &Path, template: &str, document: &str) -> Result<String> {
    let read =
        |path: &str| fs::read_to_string(root.join(path)).with_context(|| format!("reading {path}"));
    let part = fill(&read(template)?, &kept(&root.join(FOLDER))?)?;
    between_marks(&read(document)?, &part).with_context(|| document.to_owned())
}

/// Every report of a folder.
fn kept(folder: &Path) -> Result<Figures> {
    let mut figures = Figures::new();
    for entry in fs::read_dir(folder).context("looking for reports")? {
        let path = entry?.path();
        if path.extension().is_none_or(|ending| ending != "json") {
            continue;
        }
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let text = fs::read_to_string(&path)?;
        let report: BTreeMap<String, Value> = serde_json::from_str(&text)
            .with_context(|| format!("{} is no report", path.display()))?;
        figures.extend(
            report.into_iter().map(|(key, value)| (format!("{name}/{key}"), value.as_f64())),
        );
    }
    Ok(figures)
}

/// The template with its figures.
fn fill(template: &str, figures: &Figures) -> Result<String> {
    let mut filled = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, behind)) = rest.split_once('{') {
        let (name, after) = behind.split_once('}').context("a { without its }")?;
        let (key, places) = name.rsplit_once(':').with_context(|| format!("{name}: no places"))?;
        let places = places.parse().with_context(|| format!("{name}: places are a number"))?;
        let figure = figures.get(key).with_context(|| format!("no report has {key}"))?;
        filled.push_str(before);
        filled.push_str(&figure.map_or_else(|| "–".to_owned(), |figure| number(figure, places)));
        rest = after;
    }
    filled.push_str(rest);
    Ok(filled)
}

/// A number as people read it: thousands are set apart.
fn number(figure: f64, places: usize) -> String {
    let digits = format!("{:.places$}", figure.abs());
    let (whole, part) = digits.split_at(digits.find('.').unwrap_or(digits.len()));
    let is_negative = figure < 0.0 && digits.bytes().any(|digit| (b'1'..=b'9').contains(&digit));
    let mut text = String::from(if is_negative { "−" } else { "" });
    for (place, digit) in whole.char_indices() {
        if place > 0 && (whole.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text + part
}

fn between_marks(document: &str, part: &str) -> Result<String> {
    let (before, rest) = document.split_once(BEGIN).context("the figures have no begin mark")?;
    let (_, after) = rest.split_once(END).context("the figures have no end mark")?;
    ensure!(!part.contains(END), "the template contains the end mark");
    Ok(format!("{before}{BEGIN}{part}{END}{after}"))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::{BEGIN, END, Figures, PAGES, between_marks, fill, filled, number};

    #[test]
    fn the_documents_say_what_was_measured() {
        // Cargo runs tests in the folder of their package.
        let root = Path::new("..");
        for (template, document) in PAGES {
            let text = fs::read_to_string(root.join(document)).expect("a document");
            let wanted = filled(root, template, document).expect("every figure is there");
            assert!(wanted == text, "{document}: run `cargo xtask figures`");
        }
    }

    #[test]
    fn a_template_is_filled() {
        let figures: Figures =
            [("a/x.320.us".to_owned(), Some(1_234.56)), ("a/none".to_owned(), None)].into();
        assert_eq!(fill("{a/x.320.us:1} µs, {a/none:2}.", &figures).unwrap(), "1,234.6 µs, –.");
        for wrong in ["{b/x:1}", "{a/x.320.us}", "{a/x.320.us:y}", "{a/x.320.us:1"] {
            assert!(fill(wrong, &figures).is_err(), "{wrong}");
        }
    }

    #[test]
    fn numbers_are_as_people_read_them() {
        let numbers = [(0.0, 0), (-0.001, 2), (-12.5, 1), (999.6, 0), (1_234_567.0, 0), (1e3, 2)];
        let written = numbers.map(|(figure, places)| number(figure, places));
        assert_eq!(written, ["0", "0.00", "−12.5", "1,000", "1,234,567", "1,000.00"]);
    }

    #[test]
    fn only_what_is_between_the_marks_changes() {
        let readme = format!("a\n{BEGIN}old\n{END}b\n");
        assert_eq!(between_marks(&readme, "new\n").unwrap(), format!("a\n{BEGIN}new\n{END}b\n"));
        assert!(between_marks("a\n", "new\n").is_err());
    }
}
