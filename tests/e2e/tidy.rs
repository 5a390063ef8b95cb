//! The shape of the source, which no compiler checks.

use std::fs;
use std::path::{Path, PathBuf};

mod arrows;
mod imports;
mod metrics;
mod operators;
mod structure;

const LINES_MAX: usize = 500;
const CRATES: [&str; 6] = ["shared", "game-server", "game-client", "web-lobby", "tests", "xtask"];

/// The workspace. Cargo runs tests in the folder of their package.
fn root() -> &'static Path {
    Path::new("..")
}

fn sources_below(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.expect("a readable folder").path();
        if path.is_dir() && path.file_name().is_some_and(|name| name != "target") {
            sources_below(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

fn sources() -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    CRATES.iter().for_each(|name| sources_below(&root().join(name), &mut found));
    assert!(found.len() > 100, "the sources are where they were");
    let read = |path: PathBuf| (fs::read_to_string(&path).expect("a readable file"), path);
    let relative = |path: &Path| path.strip_prefix(root()).expect("below the root").to_owned();
    found.into_iter().map(read).map(|(text, path)| (relative(&path), text)).collect()
}

fn offenders(is_wrong: impl Fn(&Path, &str) -> bool) -> Vec<PathBuf> {
    sources()
        .into_iter()
        .filter(|(path, text)| is_wrong(path, text))
        .map(|(path, _)| path)
        .collect()
}

#[test]
fn every_file_starts_with_a_module_comment() {
    assert_eq!(offenders(|_, text| !text.starts_with("//! ")), Vec::<PathBuf>::new());
}

#[test]
fn no_file_is_longer_than_five_hundred_lines() {
    assert_eq!(offenders(|_, text| text.lines().count() > LINES_MAX), Vec::<PathBuf>::new());
}

#[test]
fn no_module_file_hides_its_name() {
    assert_eq!(offenders(|path, _| path.ends_with("mod.rs")), Vec::<PathBuf>::new());
}

/// Checkouts may share a target folder. Cargo then reuses a program, which would read the files of the other checkout.
#[test]
fn no_path_of_the_checkout_is_compiled_in() {
    let place = concat!("env!(\"CARGO_MANIFEST", "_DIR\")");
    assert_eq!(offenders(|_, text| text.contains(place)), Vec::<PathBuf>::new());
}

/// What runs beside the tasks of a server: it waits for signals, for the disk, and for standard error.
const WITHOUT_OWNER: [&str; 3] = ["main.rs", "blocking.rs", "log.rs"];

/// A panic in any other task would be neither counted nor contained.
#[test]
fn every_task_of_the_server_has_an_owner() {
    let starts = ["tokio::spawn(", "task::spawn(", "spawn_blocking(", "thread::spawn("];
    let is_code = |path: &Path| {
        let is_test = path.components().any(|part| part.as_os_str() == "testing");
        path.starts_with("game-server/src") && !is_test && !path.ends_with("tests.rs")
    };
    let is_wrong = |path: &Path, text: &str| {
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        is_code(path)
            && !WITHOUT_OWNER.iter().any(|name| path.ends_with(name))
            && starts.iter().any(|start| code.contains(start))
    };
    assert_eq!(offenders(is_wrong), Vec::<PathBuf>::new(), "spawn it through `Tasks`");
}

/// The names of a crate's dependencies for the running program, as its Cargo.toml lists them.
fn dependencies(name: &str) -> Vec<String> {
    let manifest = fs::read_to_string(root().join(name).join("Cargo.toml")).expect("a manifest");
    let mut counts = false;
    let mut names = Vec::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            counts = line.contains("dependencies") && !line.contains("dev-dependencies");
        } else if counts && let Some((name, _)) = line.split_once(['.', '=', ' ']) {
            names.push(name.trim().to_owned());
        }
    }
    names
}

/// What depends on which crate of the workspace is checked in [`arrows`].
#[test]
fn frameworks_stay_in_their_crates() {
    let native = ["tokio", "axum", "bevy", "leptos", "web-sys", "reqwest"];
    let rules: [(&str, &[&str]); 4] = [
        ("shared", &native),
        ("shared/presentation", &native),
        ("game-server", &["bevy", "leptos"]),
        ("web-lobby", &["bevy", "tokio"]),
    ];
    for (name, forbidden) in rules {
        let found = dependencies(name);
        assert!(!found.is_empty(), "{name} has dependencies");
        for framework in forbidden {
            assert!(!found.iter().any(|found| found == framework), "{name} depends on {framework}");
        }
    }
}

/// A world follows from its commands alone, and a room's game from its calls: whatever reads a clock or the system's
/// randomness stands outside of them.
#[test]
fn world_and_game_read_no_clock_and_no_randomness() {
    let impure = ["Instant::now", "SystemTime", "now_ms", "Now::read", "rand::", "fastrand"];
    let places = ["shared/src", "game-server/src/room/game"];
    let is_test = |path: &Path| path.ends_with("tests.rs");
    let found = offenders(|path, text| {
        places.iter().any(|place| path.with_extension("").starts_with(place))
            && !is_test(path)
            && impure.iter().any(|word| text.contains(word))
    });
    assert_eq!(found, Vec::<PathBuf>::new());
}

#[test]
fn the_map_names_every_module() {
    let map = fs::read_to_string(root().join("docs/architecture.md")).expect("the map");
    let missing: Vec<_> = sources()
        .into_iter()
        .map(|(path, _)| path)
        .filter(|path| path.parent().is_some_and(|folder| folder.ends_with("src")))
        .filter(|path| !path.ends_with("lib.rs") && !path.ends_with("main.rs"))
        .filter(|path| {
            let name = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
            !map.contains(&format!("`{name}`")) && !map.contains(&format!("{name}.rs"))
        })
        .collect();
    assert_eq!(missing, Vec::<PathBuf>::new(), "not in the map of docs/architecture.md");
}
