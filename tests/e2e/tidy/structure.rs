//! The structure of the crates: no module imports itself in a circle.

use std::fs;
use std::path::Path;

use super::imports::{self, Graph};
use super::root;

/// The folders of the workspace's packages. A package has the name of its folder.
pub(super) fn packages() -> Vec<String> {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).expect("a manifest");
    let (_, list) = manifest.split_once("\nmembers = [").expect("a workspace");
    let (list, _) = list.split_once(']').expect("the end of the list");
    let folders = list.split(',').map(|folder| folder.trim().trim_matches('"').to_owned());
    folders.filter(|folder| !folder.is_empty()).collect()
}

/// The root modules of a package: its library, its programs and its tests.
fn root_modules(package: &str) -> Vec<String> {
    let folder = root().join(package);
    let fixed = ["src/lib.rs", "src/main.rs", "e2e/main.rs"].map(str::to_owned).into_iter();
    let listed = ["src/bin", "tests"].into_iter().flat_map(|place| {
        let entries = fs::read_dir(folder.join(place)).into_iter().flatten().flatten();
        entries.map(move |entry| format!("{place}/{}", entry.file_name().display()))
    });
    let is_root = |file: &String| file.ends_with(".rs") && folder.join(file).is_file();
    fixed.chain(listed).filter(is_root).map(|file| format!("{package}/{file}")).collect()
}

/// The import graph of the program, library or test with this root module.
pub(super) fn graph(root_module: &str) -> Graph {
    imports::read(root_module, &|file| fs::read_to_string(root().join(Path::new(file))).ok())
}

#[test]
fn no_module_imports_itself_in_a_circle() {
    let mut found = String::new();
    for package in packages() {
        let roots = root_modules(&package);
        assert!(!roots.is_empty(), "{package} has a root module");
        for graph in roots.iter().map(|root| graph(root)) {
            for cycle in graph.cycles() {
                found += &format!("\n{}", graph.describe(&cycle));
            }
        }
    }
    assert!(found.is_empty(), "import cycles:\n{found}");
}
