//! The import graph of a crate: which file takes which names from which other file of the crate.
//!
//! [`read`] starts at a crate root (`lib.rs`, `main.rs`), follows `mod` declarations, and resolves `use` trees,
//! inline paths and re-exports to the file that defines the item. Test-only code (`#[cfg(test)]`, `tests.rs`) is left out.
//! A `mod` declaration alone is no edge, and neither is the re-export of an item that a descendant defines.

mod cycles;
mod graph;
mod parse;
mod resolve;
#[cfg(test)]
mod tests;

pub(crate) use graph::Graph;
use parse::ReadFile;

/// Reads the crate whose root module is the file `root`.
///
/// # Panics
///
/// When a file cannot be parsed, or a declared module has no file.
pub(crate) fn read(root: &str, read_file: &ReadFile<'_>) -> Graph {
    resolve::graph(&parse::modules(root, read_file))
}
