//! `pushback://` links: registers the client as the program that opens them.
//!
//! One file in the user's own folder (freedesktop.org's Desktop Entry and MIME Applications), written
//! again when the client's path changes. Without a desktop the links do nothing, and the command that
//! the lobby shows does the same.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::process;

const ENTRY: &str = "pushback.desktop";
const SCHEME: &str = "x-scheme-handler/pushback";

/// Makes `client` the program that opens `pushback://` links, unless it is that already.
pub(crate) fn register(client: &Path) -> Result<()> {
    let folder = applications().context("there is neither XDG_DATA_HOME nor HOME")?;
    let (file, entry) = (folder.join(ENTRY), entry(client));
    if fs::read_to_string(&file).is_ok_and(|found| found == entry) {
        return Ok(());
    }
    fs::create_dir_all(&folder)
        .and_then(|()| fs::write(&file, entry))
        .with_context(|| format!("writing {}", file.display()))?;
    // Desktops without these two tools read the folder themselves.
    process::succeeds(Command::new("update-desktop-database").arg(&folder));
    process::succeeds(Command::new("xdg-mime").args(["default", ENTRY, SCHEME]));
    println!("pushback:// links now open this client ({})", file.display());
    Ok(())
}

/// `$XDG_DATA_HOME/applications`, by default below `~/.local/share`.
fn applications() -> Option<PathBuf> {
    let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let data = set("XDG_DATA_HOME").or_else(|| Some(set("HOME")?.join(".local/share")))?;
    Some(data.join("applications"))
}

fn entry(client: &Path) -> String {
    // In quotes, because a folder's name may have spaces; a percent sign begins a field code.
    let path = client.display().to_string();
    let program = path.replace('\\', r"\\\\").replace('"', r#"\\""#).replace('%', "%%");
    format!(
        "[Desktop Entry]\nType=Application\nName=Pushback\nComment=Push everyone else off the ice\n\
         Exec=\"{program}\" %u\nTerminal=false\nCategories=Game;ActionGame;\nMimeType={SCHEME};\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_entry_opens_links_with_the_client() {
        let entry = entry(Path::new("/home/ada/my games/100%/game-client"));

        assert!(entry.contains("Exec=\"/home/ada/my games/100%%/game-client\" %u\n"));
        assert!(entry.contains("MimeType=x-scheme-handler/pushback;\n"));
    }
}
