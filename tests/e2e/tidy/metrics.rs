//! The names of metrics that are written down outside of the server: in the files for operators, and in their chapter.

use std::collections::BTreeSet;
use std::fs;

use super::{root, sources};

/// What the names of the server begin with.
const PREFIX: &str = "pushback_";
/// One player's series are written without this.
const PLAYER_PREFIX: &str = "pushback_player_";
const PLAYER_SERIES: &str = "game-server/src/metrics/players/series.rs";
/// What a histogram adds to its name.
const OF_HISTOGRAMS: [&str; 3] = ["_bucket", "_sum", "_count"];

fn is_of_name(c: char) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'
}

/// The names in a text, whatever stands around them. `pushback_player_…` names none.
fn names(text: &str) -> BTreeSet<&str> {
    let begins = text.match_indices(PREFIX).map(|(at, _)| at);
    let alone = begins.filter(|at| !text[..*at].ends_with(is_of_name));
    let name = |at: usize| text[at..].split(|c| !is_of_name(c)).next().unwrap_or_default();
    alone.map(name).filter(|name| !name.ends_with('_')).collect()
}

/// The strings of a source file that could be names.
fn strings(source: &str) -> impl Iterator<Item = &str> {
    let is_name = |text: &&str| !text.is_empty() && text.chars().all(is_of_name);
    source.split('"').filter(is_name)
}

/// The names that the server writes.
fn written() -> BTreeSet<String> {
    let mut written = BTreeSet::new();
    for (path, source) in sources() {
        if path.starts_with("game-server/src") {
            let found = strings(&source).filter(|name| name.starts_with(PREFIX));
            written.extend(found.map(str::to_owned));
        }
        if path.ends_with(PLAYER_SERIES) {
            written.extend(strings(&source).map(|name| format!("{PLAYER_PREFIX}{name}")));
        }
    }
    written
}

#[test]
fn every_metric_that_operators_are_told_of_exists() {
    let written = written();
    let is_written = |name: &str| {
        let histogram = OF_HISTOGRAMS.iter().find_map(|ending| name.strip_suffix(ending));
        written.contains(name) || histogram.is_some_and(|name| written.contains(name))
    };
    let files = fs::read_dir(root().join("deploy")).expect("the files for operators");
    let mut files: Vec<_> = files.flatten().map(|file| file.path()).collect();
    files.push(root().join("docs/hosting.md"));
    let mut found = 0;
    let mut wrong = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).expect("a readable file");
        let names = names(&text);
        found += names.len();
        let unknown = names.into_iter().filter(|name| !is_written(name));
        wrong.extend(unknown.map(|name| format!("{name} in {}", file.display())));
    }
    assert!(found > 30, "{found} names were found");
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn a_name_is_found_whatever_stands_around_it() {
    let text = "rate(pushback_a_total{x=\"1\"}[5m]) and in:pushback_b:p99, not my_pushback_c or `pushback_player_…`";
    assert_eq!(names(text), ["pushback_a_total", "pushback_b"].into());
}
