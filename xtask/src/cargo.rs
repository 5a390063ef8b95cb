//! The target folder, and the groups of packages that are built together.
//!
//! Cargo unites the features of the packages that one command selects. xtask builds these groups and
//! no others, so that no crate is built twice with different features.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::process::{self, Output};

/// Packages that are always built together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Group {
    /// Server, shared code, tests and the load generator.
    Server,
    /// The native client: bevy.
    Client,
    /// The lobby, compiled for this machine: for its tests and for clippy. [`crate::lobby`] builds
    /// it for browsers.
    Lobby,
    /// xtask, as `cargo xtask` built it.
    Tool,
}

impl Group {
    const fn selection(self) -> &'static [&'static str] {
        match self {
            Self::Server => &[
                "--workspace",
                "--exclude",
                "game-client",
                "--exclude",
                "web-lobby",
                "--exclude",
                "xtask",
            ],
            Self::Client => &["--package", "game-client"],
            Self::Lobby => &["--package", "web-lobby"],
            Self::Tool => &["--package", "xtask"],
        }
    }
}

/// The two profiles that xtask builds programs with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    /// For playing and for testing alike.
    Dev,
    /// For measuring.
    Release,
}

/// The checkout and its target folder.
#[derive(Debug, Clone)]
pub(crate) struct Workspace {
    /// The folder of the workspace's Cargo.toml.
    pub(crate) root: PathBuf,
    /// `CARGO_TARGET_DIR`, or what cargo's configuration says.
    pub(crate) target: PathBuf,
}

impl Workspace {
    /// Asks cargo.
    pub(crate) fn locate() -> Result<Self> {
        let metadata = process::capture(
            "cargo metadata",
            Command::new(cargo_program()).args(["metadata", "--no-deps", "--format-version=1"]),
        )?;
        let metadata: Value = serde_json::from_str(&metadata).context("reading cargo metadata")?;
        let folder = |key: &str| {
            let value = metadata[key].as_str().map(PathBuf::from);
            value.with_context(|| format!("cargo metadata has no {key}"))
        };
        Ok(Self { root: folder("workspace_root")?, target: folder("target_directory")? })
    }

    /// The folder with the lobby's files as the server embeds them.
    pub(crate) fn lobby_dist(&self) -> PathBuf {
        self.target.join("lobby-dist")
    }

    /// A built program.
    pub(crate) fn program(&self, profile: Profile, name: &str) -> PathBuf {
        let folder = match profile {
            Profile::Dev => "debug",
            Profile::Release => "release",
        };
        self.target.join(folder).join(name)
    }

    /// `cargo VERB`, run in the checkout, without selecting any package.
    pub(crate) fn cargo(&self, verb: &str) -> Command {
        let mut command = Command::new(cargo_program());
        command.arg(verb).current_dir(&self.root);
        clean_environment(&mut command, &self.target);
        command
    }

    /// `cargo VERB` for a group.
    pub(crate) fn cargo_group(&self, verb: &str, group: Group) -> Command {
        let mut command = self.cargo(verb);
        command.args(group.selection());
        // The same value for every command that could build the server, so that it never flips.
        command.env("PUSHBACK_LOBBY_DIST", self.lobby_dist());
        command
    }

    /// The test programs of a group's targets, each as a command to be run in its package's folder. Builds those that are missing.
    ///
    /// Without `cargo test` around them they run while cargo builds something else.
    pub(crate) fn test_programs(&self, group: Group, targets: &[&str]) -> Result<Vec<Command>> {
        let mut build = self.cargo_group("test", group);
        build.args(targets).args(["--no-run", "--message-format=json"]);
        let messages = process::capture("cargo test --no-run", &mut build)?;
        let messages = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        Ok(messages.filter_map(|message| self.test_program(&message)).collect())
    }

    fn test_program(&self, message: &Value) -> Option<Command> {
        let is_test = message["profile"]["test"].as_bool()?;
        let program = message["executable"].as_str().filter(|_| is_test)?;
        let package = Path::new(message["manifest_path"].as_str()?).parent()?;
        let mut command = Command::new(program);
        command.current_dir(package);
        clean_environment(&mut command, &self.target);
        Some(command)
    }

    /// Builds one program of a group.
    pub(crate) fn build_program(
        &self,
        group: Group,
        profile: Profile,
        name: &str,
    ) -> Result<PathBuf> {
        let [program] = self.build_programs(group, profile, [name])?;
        Ok(program)
    }

    /// Builds some programs of a group, side by side.
    pub(crate) fn build_programs<const COUNT: usize>(
        &self,
        group: Group,
        profile: Profile,
        names: [&str; COUNT],
    ) -> Result<[PathBuf; COUNT]> {
        let mut command = self.cargo_group("build", group);
        command.args(names.iter().flat_map(|name| ["--bin", name]));
        if profile == Profile::Release {
            command.arg("--release");
        }
        let (status, _) = process::run("cargo build", &mut command, &Output::Terminal, None)?;
        let all = names.join(", ");
        ensure!(status.success(), "{all}: not built, see the messages above");
        Ok(names.map(|name| self.program(profile, name)))
    }
}

fn cargo_program() -> PathBuf {
    env::var_os("CARGO").map_or_else(|| PathBuf::from("cargo"), PathBuf::from)
}

/// Takes away what `cargo run` added for xtask. Build scripts that look at it (ring's) would
/// otherwise run again each time that cargo is called from elsewhere.
pub(crate) fn clean_environment(command: &mut Command, target: &Path) {
    const OWN: [&str; 4] = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_"];
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(|name| OWN.iter().any(|own| name.starts_with(own))) {
            command.env_remove(name);
        }
    }
    if let Some(libraries) = env::var_os("LD_LIBRARY_PATH") {
        let foreign = |path: &PathBuf| {
            !path.as_os_str().is_empty()
                && !path.starts_with(target)
                && !path.components().any(|part| part.as_os_str() == "toolchains")
        };
        let kept: Vec<PathBuf> = env::split_paths(&libraries).filter(foreign).collect();
        match env::join_paths(&kept) {
            Ok(joined) if !kept.is_empty() => command.env("LD_LIBRARY_PATH", joined),
            _ => command.env_remove("LD_LIBRARY_PATH"),
        };
    }
}
