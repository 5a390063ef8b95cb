//! The arrows that docs/architecture.md draws, held against the manifests and the import graph.
//!
//! A drawing is a line in a `text` block: a label, then names between arrows, such as `crates   a → {b, c} → d`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use super::structure::{graph, packages};
use super::{dependencies, root};

/// What depends on what, from left to right. Each step is one name, or several in braces.
type Chain = Vec<Vec<String>>;

const DRAWINGS: &str = "docs/architecture.md";
/// Names in the server's drawing that are no modules of its library.
const NO_MODULES: [&str; 2] = ["main", "shared"];

/// The chains with this label in a document.
fn chains(document: &str, label: &str) -> Vec<Chain> {
    let chain = |line: &str| {
        let chain = line.strip_prefix(label).filter(|rest| rest.starts_with(' '))?;
        let steps: Vec<_> = chain.split('→').map(names).collect::<Option<_>>()?;
        (steps.len() > 1).then_some(steps)
    };
    document.lines().filter_map(chain).collect()
}

/// `a` or `{a, b}`.
fn names(step: &str) -> Option<Vec<String>> {
    let step = step.trim();
    let several = step.strip_prefix('{').and_then(|step| step.strip_suffix('}'));
    let names = several.unwrap_or(step).split(',').map(|name| name.trim().to_owned());
    let is_name = |name: &String| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || "-_".contains(c))
    };
    names.map(|name| is_name(&name).then_some(name)).collect()
}

fn drawn(label: &str) -> Vec<Chain> {
    let document = fs::read_to_string(root().join(DRAWINGS)).expect("a drawing");
    let chains = chains(&document, label);
    assert!(!chains.is_empty(), "{DRAWINGS} draws no arrows with the label {label}");
    chains
}

/// Names that can be reached from each name along the arrows of all chains.
fn below(chains: &[Chain]) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut below: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let steps = chains.iter().flat_map(|chain| chain.windows(2));
    for (from, to) in steps.flat_map(|step| step[0].iter().map(|from| (from, &step[1]))) {
        below.entry(from).or_default().extend(to.iter().map(String::as_str));
    }
    for _ in 0..below.len() {
        let known = below.clone();
        for reached in below.values_mut() {
            let further = reached.iter().filter_map(|name| known.get(name)).flatten();
            let further: Vec<_> = further.copied().collect();
            reached.extend(further);
        }
    }
    below
}

fn package_name(folder: &str) -> &str {
    folder.rsplit('/').next().unwrap_or(folder)
}

#[test]
fn crates_depend_on_each_other_as_drawn() {
    let chains = drawn("crates");
    let below = below(&chains);
    let packages = packages();
    assert!(packages.len() > 5, "{packages:?}");
    let mut wrong = Vec::new();
    for folder in &packages {
        let (name, found) = (package_name(folder), dependencies(folder));
        let inner = found.iter().filter(|found| packages.iter().any(|p| package_name(p) == *found));
        let is_drawn = |other: &String| below.get(name).is_some_and(|b| b.contains(&**other));
        wrong.extend(
            inner.filter(|other| !is_drawn(other)).map(|other| format!("{name} → {other}")),
        );
    }
    assert_eq!(wrong, Vec::<String>::new(), "not drawn in {DRAWINGS}");
}

/// A module may also use modules that are not drawn, as long as they lead to nothing above it.
#[test]
fn modules_of_the_server_import_downwards_as_drawn() {
    let chains = drawn("game-server");
    let below = below(&chains);
    let all: BTreeSet<_> = chains.iter().flatten().flatten().map(String::as_str).collect();
    let graph = graph("game-server/src/lib.rs");
    let mut imports: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for file in graph.files() {
        let targets = graph.imports_of(file).map(|(to, _)| top_module(to));
        imports.entry(top_module(file)).or_default().extend(targets);
    }
    let mut wrong = Vec::new();
    for &name in all.iter().filter(|name| !NO_MODULES.contains(name)) {
        assert!(imports.contains_key(name), "{DRAWINGS} draws {name}, which is no module");
        for path in paths_to_drawn(name, &imports, &all) {
            let end = path[path.len() - 1];
            let is_drawn = below.get(name).is_some_and(|below| below.contains(end));
            if !is_drawn {
                wrong.push(path.join(" → "));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new(), "not drawn in {DRAWINGS}");
}

/// `game-server/src/room/outbox.rs` belongs to `room`.
fn top_module(file: &str) -> &str {
    let inner = file.split_once("/src/").map_or(file, |(_, inner)| inner);
    inner.split('/').next().unwrap_or(inner).trim_end_matches(".rs")
}

/// The shortest import paths from a module to other drawn modules, through modules that are not drawn.
fn paths_to_drawn<'a>(
    start: &'a str,
    imports: &BTreeMap<&'a str, BTreeSet<&'a str>>,
    drawn: &BTreeSet<&str>,
) -> Vec<Vec<&'a str>> {
    let mut found = Vec::new();
    let mut seen = BTreeSet::from([start]);
    let mut waiting = vec![vec![start]];
    while !waiting.is_empty() {
        for path in std::mem::take(&mut waiting) {
            for next in imports.get(path[path.len() - 1]).into_iter().flatten().copied() {
                if seen.insert(next) {
                    let longer = [&path[..], &[next]].concat();
                    if drawn.contains(next) { found.push(longer) } else { waiting.push(longer) }
                }
            }
        }
    }
    found
}

#[cfg(test)]
mod checks {
    use super::{below, chains, paths_to_drawn, top_module};

    const DOCUMENT: &str =
        "crates  a → {b, c-d} → e\ncrates  x → y of z\ncrates are nice\n  crates  f → g\n";

    #[test]
    fn only_names_between_arrows_are_a_drawing() {
        let found = chains(DOCUMENT, "crates");
        assert_eq!(found, [vec![vec!["a"], vec!["b", "c-d"], vec!["e"]]]);
    }

    #[test]
    fn arrows_lead_on_and_siblings_are_apart() {
        let chains = chains(DOCUMENT, "crates");
        let below = below(&chains);
        assert!(below["a"].contains("e") && below["a"].contains("c-d"));
        assert!(!below["b"].contains("c-d") && !below.contains_key("e"));
    }

    #[test]
    fn modules_that_are_not_drawn_are_looked_through() {
        let imports = [("room", ["clock", "rooms"].into()), ("clock", ["http"].into())].into();
        let paths = paths_to_drawn("room", &imports, &["room", "rooms", "http"].into());
        assert_eq!(paths, [vec!["room", "rooms"], vec!["room", "clock", "http"]]);
        assert_eq!(top_module("game-server/src/room/inputs.rs"), "room");
        assert_eq!(top_module("game-server/src/lib.rs"), "lib");
    }
}
