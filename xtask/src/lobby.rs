//! The lobby: compiled to WebAssembly and laid out as the server embeds it.
//!
//! Two ways lead to the `.wasm` file. Usually rustup has, or can fetch, the standard library for the
//! target. Where it cannot, Debian's web toolchain compiles its own.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};

use crate::cargo::{Workspace, clean_environment};
use crate::packages::{self, Purpose};
use crate::process::{self, Output, stopping};

mod bundle;
mod page;

pub(crate) use bundle::Bundle;

/// The lobby's WebAssembly must stay below this, compressed with brotli.
pub(crate) const WASM_BYTES_MAX: u64 = 400_000;

const TARGET: &str = "wasm32-unknown-unknown";
/// A download by rustup that takes longer than this is stopped.
const RUSTUP_LIMIT: Duration = Duration::from_secs(180);
/// Debian's programs, which exist beside rustup's.
const DEBIAN_CARGO: &str = "/usr/bin/cargo";
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";

/// How this machine compiles to WebAssembly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Toolchain {
    /// The toolchain has the target's standard library.
    Rustup,
    /// Debian's compiler builds the standard library too.
    Debian,
}

/// Compiles the lobby and writes the folder that the server embeds. Quick when the sources have not changed.
pub(crate) fn build(workspace: &Workspace, output: &Output) -> Result<Bundle> {
    let mut command = match ensure_toolchain(output)? {
        Toolchain::Rustup => workspace.cargo("build"),
        Toolchain::Debian => debian_cargo(workspace)?,
    };
    let folder = workspace.target.join("lobby");
    command.args(["--package", "web-lobby", "--target", TARGET, "--profile", "lobby"]);
    command.arg("--target-dir").arg(&folder);
    let (status, _) = process::run("the lobby's build", &mut command, output, None)?;
    ensure!(status.success(), "the lobby was not built: see the messages above");

    let wasm = folder.join(TARGET).join("lobby").join("web-lobby.wasm");
    let assets = workspace.root.join("web-lobby").join("assets");
    bundle::write(&wasm, &assets, &workspace.lobby_dist())
}

/// Whether a way exists already, without fetching anything.
pub(crate) fn toolchain() -> Option<Toolchain> {
    if has_rustup_target() {
        Some(Toolchain::Rustup)
    } else if Purpose::WasmFallback.missing().is_empty() {
        Some(Toolchain::Debian)
    } else {
        None
    }
}

fn ensure_toolchain(output: &Output) -> Result<Toolchain> {
    if let Some(toolchain) = toolchain() {
        return Ok(toolchain);
    }
    println!("fetching Rust's library for {TARGET}");
    let mut fetch = Command::new("rustup");
    fetch.args(["target", "add", TARGET]);
    match process::run("rustup target add", &mut fetch, output, Some(RUSTUP_LIMIT)) {
        Ok((status, _)) if status.success() && has_rustup_target() => return Ok(Toolchain::Rustup),
        Ok((status, _)) if status.success() => {
            println!("rustup added it to a toolchain that is not in use; trying Debian's");
        }
        Ok((status, _)) => println!("rustup {status}; trying Debian's compiler"),
        Err(error) if stopping() => return Err(error),
        Err(error) => println!("that did not work; trying Debian's compiler ({error:#})"),
    }
    packages::ensure(&[Purpose::WasmFallback], output).with_context(|| {
        format!("the lobby needs `rustup target add {TARGET}`, or these Debian packages")
    })?;
    Ok(Toolchain::Debian)
}

fn has_rustup_target() -> bool {
    let mut rustc = Command::new(rustup_rustc());
    rustc.args(["--print", "target-libdir", "--target", TARGET]);
    process::capture("rustc", &mut rustc).is_ok_and(|folder| Path::new(&folder).is_dir())
}

/// Debian's cargo, with the options to build the standard library and to link with rustup's linker.
fn debian_cargo(workspace: &Workspace) -> Result<Command> {
    let mut command = Command::new(DEBIAN_CARGO);
    clean_environment(&mut command, &workspace.target);
    command
        .current_dir(&workspace.root)
        .env("RUSTC", DEBIAN_RUSTC)
        .env("RUSTC_BOOTSTRAP", "1")
        .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", rustup_linker()?)
        .args(["build", "-Z", "build-std=std,panic_abort"]);
    Ok(command)
}

fn rustup_linker() -> Result<PathBuf> {
    let rustc = |arguments: &[&str]| {
        process::capture("rustc", Command::new(rustup_rustc()).args(arguments))
    };
    let sysroot = rustc(&["--print", "sysroot"])?;
    let host = rustc(&["--print", "host-tuple"])?;
    let linker = Path::new(&sysroot).join("lib/rustlib").join(host).join("bin/rust-lld");
    if !linker.is_file() {
        bail!("there is no linker for WebAssembly at {}", linker.display());
    }
    Ok(linker)
}

fn rustup_rustc() -> PathBuf {
    env::var_os("RUSTC").map_or_else(|| PathBuf::from("rustc"), PathBuf::from)
}
