//! The system packages that Pushback needs, how each is recognised, and how to get it.
//!
//! On Debian as root, or with `sudo` that asks for no password, what is missing is installed.
//! Elsewhere the command to run is printed.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};
use nix::unistd::geteuid;

use crate::process::{self, Output};

/// What a set of packages is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Building the server: some of what it uses is in C.
    Server,
    /// Building the native client and opening its window.
    Client,
    /// Windows without a screen, and a browser: for tests and pictures.
    Screens,
    /// Network namespaces, for links that lose packets.
    Lines,
    /// The database server that the store's tests start, beside SQLite.
    Database,
    /// What many nodes share, and what stands before them.
    Nodes,
    /// Looking for bytes that break a decoder.
    Fuzzer,
    /// The lobby where rustup cannot download the wasm target.
    WasmFallback,
}

/// One Debian package.
#[derive(Debug)]
pub(crate) struct Package {
    /// As apt calls it.
    pub(crate) name: &'static str,
    /// What would be missing without it.
    pub(crate) why: &'static str,
    found_by: FoundBy,
}

#[derive(Debug)]
enum FoundBy {
    /// `pkg-config` knows this library.
    PkgConfig(&'static str),
    /// This program is on the `PATH`, or where only root looks.
    Program(&'static str),
    /// A shared library of this name is in one of the system's library folders.
    Library(&'static str),
    /// A file whose name starts so is in this folder.
    File { folder: &'static str, starts_with: &'static str },
    /// A program below a folder for each version, such as `VERSION/bin/initdb`, or on the `PATH`.
    Versioned { folder: &'static str, program: &'static str },
    /// dpkg lists this package. Its files could also come from another package that is not sufficient.
    Dpkg,
}

/// Debian keeps servers here. It is not on the `PATH` of every user.
const SBIN: &str = "/usr/sbin";

use FoundBy::{Dpkg, File, Library, PkgConfig, Program, Versioned};

const SERVER: &[Package] = &[
    package("gcc", "compiles the server's allocator and SQLite", Program("cc")),
    package("make", "builds the server's allocator", Program("make")),
];

const CLIENT: &[Package] = &[
    package("pkg-config", "finds the libraries below", Program("pkg-config")),
    package("libasound2-dev", "the client's sound", PkgConfig("alsa")),
    package("libudev-dev", "gamepads", PkgConfig("libudev")),
    package("libxkbcommon-dev", "the keyboard", PkgConfig("xkbcommon")),
    package("libwayland-dev", "windows on Wayland", PkgConfig("wayland-client")),
    package("libxkbcommon-x11-0", "the keyboard on X11", Library("libxkbcommon-x11.so.0")),
    package("libx11-xcb1", "windows on X11", Library("libX11-xcb.so.1")),
    package("libxcursor1", "the pointer on X11", Library("libXcursor.so.1")),
    package("libxi6", "the mouse on X11", Library("libXi.so.6")),
    package("libvulkan1", "drawing", Library("libvulkan.so.1")),
];

const SCREENS: &[Package] = &[
    package("xvfb", "a screen for the client's window", Program("Xvfb")),
    package("xdotool", "keys for the client's window", Program("xdotool")),
    package(
        "mesa-vulkan-drivers",
        "drawing without a graphics card",
        File { folder: "/usr/share/vulkan/icd.d", starts_with: "lvp_icd" },
    ),
    package("imagemagick", "pictures of windows", Program("import")),
    package("chromium", "the browser stories", Program("chromium")),
    package("chromium-driver", "drives the browser", Program("chromedriver")),
    package(
        "fonts-inter",
        "the lobby's letters, in pictures",
        File { folder: "/usr/share/fonts/opentype/inter", starts_with: "Inter" },
    ),
];

const LINES: &[Package] = &[package("iproute2", "addresses in network namespaces", Program("ip"))];

/// Debian's package also sets up a cluster of its own. The tests neither use nor need it: theirs has no port.
const DATABASE: &[Package] = &[package(
    "postgresql",
    "the store's tests",
    Versioned { folder: "/usr/lib/postgresql", program: "initdb" },
)];

const NODES: &[Package] = &[
    package("nats-server", "what many nodes share", Program("nats-server")),
    package("haproxy", "the balancer before many nodes", Program("haproxy")),
];

const FUZZER: &[Package] = &[package("g++", "compiles libFuzzer", Program("c++"))];

const WASM_FALLBACK: &[Package] = &[
    package("rustc-web", "a compiler that can build its own wasm library", Dpkg),
    package("cargo-web", "the cargo that goes with it", Dpkg),
    package("rust-web-src", "the library's source", Dpkg),
];

const fn package(name: &'static str, why: &'static str, found_by: FoundBy) -> Package {
    Package { name, why, found_by }
}

impl Purpose {
    /// The table of packages.
    pub(crate) const fn packages(self) -> &'static [Package] {
        match self {
            Self::Server => SERVER,
            Self::Client => CLIENT,
            Self::Screens => SCREENS,
            Self::Lines => LINES,
            Self::Database => DATABASE,
            Self::Nodes => NODES,
            Self::Fuzzer => FUZZER,
            Self::WasmFallback => WASM_FALLBACK,
        }
    }

    /// The packages that are missing.
    pub(crate) fn missing(self) -> Vec<&'static Package> {
        self.packages().iter().filter(|package| !package.is_here()).collect()
    }
}

impl Package {
    /// Whether what the package brings is on this machine.
    pub(crate) fn is_here(&self) -> bool {
        match self.found_by {
            PkgConfig(library) => {
                process::succeeds(Command::new("pkg-config").args(["--exists", library]))
            }
            Program(program) => on_path(program) || Path::new(SBIN).join(program).is_file(),
            Library(name) => library_folders().any(|folder| Path::new(&folder).join(name).exists()),
            File { folder, starts_with } => has_file(folder, starts_with),
            Versioned { folder, program } => on_path(program) || has_version(folder, program),
            Dpkg => is_installed(self.name),
        }
    }
}

/// Makes sure that everything for these purposes is here, or says what to do about it.
pub(crate) fn ensure(purposes: &[Purpose], output: &Output) -> Result<()> {
    let missing: Vec<&Package> = purposes.iter().flat_map(|purpose| purpose.missing()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    println!("missing on this machine:");
    for package in &missing {
        println!("    {:<22} {}", package.name, package.why);
    }
    let names: Vec<&str> = missing.iter().map(|package| package.name).collect();
    let Some(prefix) = apt_prefix() else { bail!("{}", advice(&names)) };

    println!("installing them with apt-get");
    apt(prefix, &["update"], output)?;
    let mut install = vec!["install", "--yes", "--no-install-recommends"];
    install.extend(&names);
    apt(prefix, &install, output)?;

    let still: Vec<&str> =
        missing.iter().filter(|package| !package.is_here()).map(|package| package.name).collect();
    if !still.is_empty() {
        bail!("installed, but still not found: {}", still.join(", "));
    }
    Ok(())
}

/// Whether this program would be found.
pub(crate) fn on_path(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// The command that the user has to run.
fn advice(names: &[&str]) -> String {
    let names = names.join(" ");
    format!(
        "please install them and start again; on Debian:\n    \
         sudo apt-get update && sudo apt-get install --no-install-recommends {names}"
    )
}

/// How to call apt-get without a question: plainly, through sudo, or not at all.
fn apt_prefix() -> Option<&'static [&'static str]> {
    if !on_path("apt-get") {
        return None;
    }
    if geteuid().is_root() {
        return Some(&[]);
    }
    process::succeeds(Command::new("sudo").args(["-n", "true"])).then_some(&["sudo", "-n"])
}

fn apt(prefix: &[&str], arguments: &[&str], output: &Output) -> Result<()> {
    // Through env, because sudo drops variables.
    let line = [prefix, &["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"], arguments].concat();
    let mut command = Command::new(line[0]);
    command.args(&line[1..]);
    let (status, _) = process::run("apt-get", &mut command, output, None)?;
    if !status.success() {
        bail!("`{}` failed: see its messages above", line.join(" "));
    }
    Ok(())
}

fn has_file(folder: &str, starts_with: &str) -> bool {
    let Ok(entries) = fs::read_dir(folder) else { return false };
    entries.flatten().any(|entry| entry.file_name().to_string_lossy().starts_with(starts_with))
}

fn has_version(folder: &str, program: &str) -> bool {
    let Ok(versions) = fs::read_dir(folder) else { return false };
    versions.flatten().any(|version| version.path().join("bin").join(program).is_file())
}

fn is_installed(package: &str) -> bool {
    let mut query = Command::new("dpkg-query");
    query.args(["--show", "--showformat=${db:Status-Status}", package]);
    process::capture("dpkg-query", &mut query).is_ok_and(|status| status == "installed")
}

/// `/usr/lib`, its relatives, and Debian's folder for the machine's architecture.
fn library_folders() -> impl Iterator<Item = String> {
    let plain = ["/usr/lib", "/usr/lib64", "/lib", "/usr/local/lib"].map(str::to_owned);
    let multiarch = format!("/usr/lib/{}-linux-gnu", env::consts::ARCH);
    plain.into_iter().chain([multiarch])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_exists_is_found_and_another_is_not() {
        assert!(on_path("sh"));
        assert!(!on_path("no-such-program-anywhere"));
    }

    #[test]
    fn the_advice_is_a_command_to_copy() {
        let advice = advice(&["xvfb", "chromium"]);
        assert!(advice.ends_with("install --no-install-recommends xvfb chromium"), "{advice}");
    }

    #[test]
    fn no_package_is_named_twice() {
        let all = [
            Purpose::Server,
            Purpose::Client,
            Purpose::Screens,
            Purpose::Lines,
            Purpose::Database,
            Purpose::Nodes,
            Purpose::Fuzzer,
            Purpose::WasmFallback,
        ];
        let mut names: Vec<&str> =
            all.iter().flat_map(|purpose| purpose.packages()).map(|package| package.name).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
