//! The recordings in `tests/data`: they were made once and must play the same as long as their version is supported.
//!
//! When rules or format change on purpose, raise [`VERSION`] (and the stream's and the protocol's with it), run
//! `cargo run -p shared --example record -- tests/data`, and write what it prints into [`RECORDINGS`].

use std::fs;
use std::path::Path;

use shared::replay::{Playback, ReplayError, ReplayReader, VERSION};

/// The files of this version, and the checksums of their last worlds.
const RECORDINGS: [(&str, u32); 4] = [
    ("brawl", 0xce43_b75f),
    ("teams", 0xe9aa_6cb6),
    ("duel", 0x020e_2c28),
    ("practice", 0x826c_d0ef),
];

/// Cargo runs tests in the folder of their package.
const FOLDER: &str = "../tests/data";

fn file(name: &str) -> Vec<u8> {
    let path = Path::new(FOLDER).join(name);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn recordings_of_this_version_play_to_the_end_that_they_had() {
    for (name, checksum) in RECORDINGS {
        let mut reader = ReplayReader::new();
        reader
            .push(&file(&format!("{name}.replay")))
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut playback = Playback::new();

        playback.seek(&reader, 0);
        playback.advance_to(&reader, reader.available_ticks());

        assert!(reader.is_complete() && reader.is_verified(), "{name}: the digest");
        assert_eq!(reader.diverged(), 0, "{name}: rules or format changed, but not the version");
        assert_eq!(reader.index().map(|index| &*index.markers), Some(reader.markers()), "{name}");
        let world = playback.world().expect("a world");
        assert!(world.is_over(), "{name}");
        assert_eq!(world.checksum(), checksum, "{name}: ends at {:#010x}", world.checksum());
    }
}

#[test]
fn every_recording_in_the_folder_is_tested() {
    let mut found: Vec<String> = fs::read_dir(FOLDER)
        .expect("the folder")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .filter(|name| name.ends_with(".replay"))
        .collect();
    let mut known: Vec<String> = RECORDINGS.map(|(name, _)| format!("{name}.replay")).into();
    known.push(OLD.to_owned());
    found.sort();
    known.sort();

    assert_eq!(found, known);
}

/// A real recording of version 1, made when discs could still move during the countdown.
const OLD: &str = "version-1.replay";

#[test]
fn a_recording_of_an_older_version_says_why_it_cannot_be_played() {
    let mut reader = ReplayReader::new();

    let refused = reader.push(&file(OLD));

    assert_eq!(refused, Err(ReplayError::Version(1)));
    assert_eq!(reader.available_ticks(), 0, "nothing of it is shown");
    let why = ReplayError::Version(1).to_string();
    assert!(why.contains("version 1") && why.contains(&format!("version {VERSION}")), "{why}");
    assert!(why.contains("under the rules of today that would be another match"), "{why}");
}

#[test]
fn a_recording_of_a_newer_version_says_that_a_newer_build_made_it() {
    let mut newer = file("duel.replay");
    newer[8..10].copy_from_slice(&(VERSION + 1).to_le_bytes());

    let refused = ReplayReader::new().push(&newer).expect_err("a version that is not known yet");

    assert_eq!(refused, ReplayError::Version(VERSION + 1));
    assert!(refused.to_string().contains("a newer build made it"), "{refused}");
}
