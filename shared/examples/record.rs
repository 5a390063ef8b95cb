//! Writes the recordings in `tests/data`: one small match of each mode.
//!
//! `cargo run -p shared --example record -- tests/data`, after a new version of rules or format; then write what it
//! prints into `shared/tests/recordings.rs`.

#![allow(clippy::print_stdout, reason = "a program that prints figures")]

#[path = "../tests/support/recorded.rs"]
mod recorded;

use std::path::PathBuf;
use std::{env, fs, io};

use shared::sim::Mode;
use shared::sim::determinism::SeededMatch;

fn main() -> io::Result<()> {
    let usage = || io::Error::other("which folder? For example: tests/data");
    let folder = PathBuf::from(env::args_os().nth(1).ok_or_else(usage)?);
    fs::create_dir_all(&folder)?;
    for mode in Mode::ALL {
        let seed = (0..).find(|seed| SeededMatch::new(*seed).world.mode == mode);
        let recorded = recorded::record(seed.unwrap_or_default());
        let name = mode.title().to_lowercase();
        fs::write(folder.join(format!("{name}.replay")), &recorded.file)?;
        let last = recorded.worlds.last().map_or(0, shared::sim::World::checksum);
        println!("    (\"{name}\", {:#06x}_{:04x}),", last >> 16, last & 0xffff);
    }
    Ok(())
}
