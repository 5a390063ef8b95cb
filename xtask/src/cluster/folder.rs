//! The folder of everything that is temporary, which is removed even when xtask is killed.

use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result, anyhow};

/// `$0` is the folder. The system closes the script's input when xtask ends, in whatever way. Programs that end because of
/// that too may still write for a moment.
const SCRIPT: &str = r#"
trap '' INT TERM HUP
cat > /dev/null
for attempt in 1 2 3 4 5 6 7 8 9 10; do
    rm -rf "$0" 2> /dev/null
    [ -e "$0" ] || exit 0
    sleep 0.5
done
"#;

/// The folder. It is removed when this is dropped.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    script: Child,
}

impl Folder {
    /// Makes it, and lets every temporary folder of this program be made in it from now on.
    pub(super) fn make() -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("pushback-cluster.").tempdir();
        let path = folder.context("making a temporary folder")?.keep();
        let mut command = Command::new("sh");
        command.args(["-c", SCRIPT]).arg(&path).stdin(Stdio::piped()).process_group(0);
        let script = command.spawn().context("starting a shell")?;
        tempfile::env::override_temp_dir(&path)
            .map_err(|other| anyhow!("temporary folders are made in {}", other.display()))?;
        Ok(Self { path, script })
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(self.script.stdin.take());
        self.script.wait().ok();
    }
}
