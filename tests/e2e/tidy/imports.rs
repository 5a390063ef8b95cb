//! The import graph of a crate: which file takes which names from which other file of the crate.
//!
//! [`Graph::read`] starts at a crate root (`lib.rs`, `main.rs`), follows `mod` declarations, and resolves `use` trees,
//! inline paths and re-exports to the file that defines the item. Test-only code (`#[cfg(test)]`, `tests.rs`) is left out.
//! A `mod` declaration alone is no edge, and neither is the re-export of an item that a descendant defines.

use std::collections::{BTreeMap, BTreeSet};

mod cycles;
mod parse;
mod resolve;
#[cfg(test)]
mod tests;

/// Reads a file by its path; `None` where no such file exists.
pub(crate) type ReadFile<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// File paths as nodes, and for each edge the names that the first file takes from the second.
#[derive(Debug, Default)]
pub(crate) struct Graph {
    files: BTreeSet<String>,
    edges: BTreeMap<String, BTreeMap<String, BTreeSet<String>>>,
}

impl Graph {
    /// Reads the crate whose root module is the file `root`.
    ///
    /// # Panics
    ///
    /// When a file cannot be parsed, or a declared module has no file.
    pub(crate) fn read(root: &str, read_file: &ReadFile<'_>) -> Self {
        resolve::graph(&parse::modules(root, read_file))
    }

    /// All files of the crate, in order of their paths.
    pub(crate) fn files(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(String::as_str)
    }

    /// The files that `file` imports from, each with the imported names.
    pub(crate) fn imports_of(&self, file: &str) -> impl Iterator<Item = (&str, &BTreeSet<String>)> {
        self.edges.get(file).into_iter().flatten().map(|(to, names)| (to.as_str(), names))
    }

    /// A set of cycles that share no edge, shortest first. Empty when the graph has no cycle.
    pub(crate) fn cycles(&self) -> Vec<Vec<&str>> {
        cycles::find(self)
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

    fn add_edge(&mut self, from: &str, to: &str, name: &str) {
        if from != to {
            let names = self.edges.entry(from.to_owned()).or_default().entry(to.to_owned());
            names.or_default().insert(name.to_owned());
        }
    }
}
