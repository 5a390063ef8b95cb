//! An import graph: files, and the names that one takes from another.

use std::collections::{BTreeMap, BTreeSet};

/// File paths as nodes, and for each edge the names that the first file takes from the second.
#[derive(Debug, Default)]
pub(crate) struct Graph {
    pub(super) files: BTreeSet<String>,
    edges: BTreeMap<String, BTreeMap<String, BTreeSet<String>>>,
}

impl Graph {
    /// All files of the crate, in order of their paths.
    pub(crate) fn files(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(String::as_str)
    }

    /// The files that `file` imports from, each with the imported names.
    pub(crate) fn imports_of(&self, file: &str) -> impl Iterator<Item = (&str, &BTreeSet<String>)> {
        self.edges.get(file).into_iter().flatten().map(|(to, names)| (to.as_str(), names))
    }

    /// One cycle as lines `a.rs -> b.rs: names`.
    pub(crate) fn describe(&self, cycle: &[&str]) -> String {
        let next = cycle.iter().cycle().skip(1);
        let line = |(from, to): (&&str, &&str)| {
            let names: Vec<&str> = self.edges[*from][*to].iter().map(String::as_str).collect();
            format!("    {from} -> {to}: {}\n", names.join(", "))
        };
        cycle.iter().zip(next).map(line).collect()
    }

    /// Adds a name that the file `from` takes from the file `to`. What a file takes from itself is no edge.
    pub(super) fn add_edge(&mut self, from: &str, to: &str, name: &str) {
        if from != to {
            let names = self.edges.entry(from.to_owned()).or_default().entry(to.to_owned());
            names.or_default().insert(name.to_owned());
        }
    }
}
