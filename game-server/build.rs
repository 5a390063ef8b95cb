//! Finds the files of the lobby that are built into the server: the folder `PUSHBACK_LOBBY_DIST`, or a page that says how
//! to get them.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

const PLACEHOLDER: &str = "<!doctype html>
<html lang=\"en\">
<meta charset=\"utf-8\">
<meta name=\"viewport\" content=\"width=device-width\">
<title>Pushback</title>
<body style=\"font: 1.1rem system-ui; max-width: 36rem; margin: 4rem auto; padding: 0 1rem\">
<h1>Pushback</h1>
<p>The server runs, but it was built without the lobby.
<p><code>cargo xtask serve</code> builds the lobby and a server that holds it, and runs the server.
<code>cargo xtask lobby</code> builds the lobby alone.
<p>The API works: it is described at <a href=\"/api/docs\">/api/docs</a>.
";

fn main() -> io::Result<()> {
    let instruct = |line: String| io::Write::write_all(&mut io::stdout(), line.as_bytes());
    instruct("cargo:rerun-if-env-changed=PUSHBACK_LOBBY_DIST\n".to_owned())?;
    // A new migration must reach the macro that embeds them.
    instruct("cargo:rerun-if-changed=migrations\n".to_owned())?;
    let dist = env::var_os("PUSHBACK_LOBBY_DIST").filter(|path| !path.is_empty());
    let has_lobby = dist.is_some();
    let folder = match dist {
        Some(dist) => PathBuf::from(dist),
        None => placeholder()?,
    };
    instruct(format!("cargo:rustc-env=PUSHBACK_HAS_LOBBY={has_lobby}\n"))?;
    instruct(format!("cargo:rerun-if-changed={}\n", folder.display()))?;
    instruct(format!("cargo:rustc-env=PUSHBACK_LOBBY_FOLDER={}\n", folder.display()))
}

fn placeholder() -> io::Result<PathBuf> {
    let out = env::var_os("OUT_DIR").ok_or_else(|| io::Error::other("cargo sets OUT_DIR"))?;
    let folder = Path::new(&out).join("lobby");
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("index.html"), PLACEHOLDER)?;
    Ok(folder)
}
