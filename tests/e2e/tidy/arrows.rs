//! The arrows that docs/architecture.md draws, held against the manifests.
//!
//! A drawing is a line in a `text` block: a label, then names between arrows, such as `crates   a → {b, c} → d`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use super::{dependencies, root};

/// What depends on what, from left to right. Each step is one name, or several in braces.
type Chain = Vec<Vec<String>>;

const DRAWINGS: &str = "docs/architecture.md";
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

/// The folders of the workspace's packages. A package has the name of its folder.
fn packages() -> Vec<String> {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).expect("a manifest");
    let (_, list) = manifest.split_once("members = [").expect("a workspace");
    let (list, _) = list.split_once(']').expect("the end of the list");
    let folders = list.split(',').map(|folder| folder.trim().trim_matches('"').to_owned());
    folders.filter(|folder| !folder.is_empty()).collect()
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

#[cfg(test)]
mod checks {
    use super::{below, chains};

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
}
