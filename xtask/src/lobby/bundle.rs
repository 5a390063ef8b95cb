//! The folder that the server embeds: the lobby's code, its assets, and compressed twins of both.
//!
//! Scripts and WebAssembly carry a hash of their content in their names, so a browser may keep them
//! for ever; `index.html` names `app.js` and `app_bg.wasm` plainly and is rewritten here. The folder
//! is replaced only when something in it changes, because a new folder means a new server.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest as _, Sha256};
use wasm_bindgen_cli_support::Bindgen;

use super::page::{hashed_name, rename};

/// Must change whenever this code writes other output from the same input.
const FORMAT: &str = "pushback lobby bundle 1";
/// Digits of a content hash in a file's name.
const NAME_HASH_DIGITS: usize = 16;
/// Extensions of files to compress. Fonts (woff2) and pictures are compressed already.
const COMPRESSED: [&str; 10] =
    ["css", "html", "js", "json", "mjs", "otf", "svg", "ttf", "wasm", "webmanifest"];
/// Brotli's best, at its default window of 4 MB.
const BROTLI_QUALITY: i32 = 11;
const BROTLI_WINDOW_LOG2: i32 = 22;

/// The sizes of a written bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bundle {
    /// Size of the WebAssembly as it is.
    pub(crate) wasm_bytes: u64,
    /// Its size compressed with brotli, as browsers load it.
    pub(crate) wasm_brotli_bytes: u64,
}

/// Path within the folder → content.
type Files = BTreeMap<PathBuf, Vec<u8>>;

/// Writes the lobby to `dist` from the compiler's `.wasm` and the folder of assets.
///
/// A lock file lets only one process write at a time.
pub(super) fn write(wasm: &Path, assets: &Path, dist: &Path) -> Result<Bundle> {
    let _turn = lock(&dist.with_extension("lock"))?;
    let code = fs::read(wasm).with_context(|| format!("reading {}", wasm.display()))?;
    let mut files = read_folder(assets)?;
    let stamp = stamp(&code, &files);
    let stamp_file = dist.with_extension("stamp");
    if fs::read_to_string(&stamp_file).is_ok_and(|found| found == stamp)
        && let Ok(bundle) = measure(dist)
    {
        return Ok(bundle);
    }

    add_code(&mut files, wasm)?;
    let next = dist.with_extension("new");
    remove(&next)?;
    for (name, content) in &files {
        write_file(&next, name, content)?;
        let extension = name.extension().unwrap_or_default().to_string_lossy();
        if COMPRESSED.contains(&extension.as_ref()) {
            write_twins(&next, dist, name, content)?;
        }
    }
    remove(dist)?;
    fs::rename(&next, dist).with_context(|| format!("writing {}", dist.display()))?;
    fs::write(&stamp_file, stamp).with_context(|| format!("writing {}", stamp_file.display()))?;
    measure(dist)
}

/// Waits for the lock. It is released when the file is closed, or the process ends.
fn lock(path: &Path) -> Result<File> {
    let wait = || {
        let file = File::create(path)?;
        file.lock()?;
        Ok::<_, std::io::Error>(file)
    };
    wait().with_context(|| format!("waiting for {}", path.display()))
}

/// Makes the compiler's output fit for browsers and adds it under hashed names.
fn add_code(files: &mut Files, wasm: &Path) -> Result<()> {
    let folder = tempfile::tempdir().context("making a temporary folder")?;
    let mut bindgen = Bindgen::new();
    bindgen
        .input_path(wasm)
        .out_name("app")
        .omit_default_module_path(false)
        .typescript(false)
        .remove_name_section(true)
        .remove_producers_section(true);
    bindgen.web(true).and_then(|bindgen| bindgen.generate(folder.path())).with_context(|| {
        format!("wasm-bindgen on {} (Cargo.lock must have one version of it)", wasm.display())
    })?;
    let mut code = read_folder(folder.path())?;
    let mut take = |name: &str| {
        code.remove(Path::new(name)).with_context(|| format!("wasm-bindgen wrote no {name}"))
    };
    let module = take("app_bg.wasm")?;
    let script = String::from_utf8(take("app.js")?).context("wasm-bindgen's script")?;

    let module_name = hashed_name("app_bg.wasm", &name_hash(&module));
    let script = rename(&script, "app_bg.wasm", &module_name);
    let script_name = hashed_name("app.js", &name_hash(script.as_bytes()));
    let page_name = Path::new("index.html");
    let page = files.remove(page_name).context("web-lobby/assets has no index.html")?;
    let page = String::from_utf8(page).context("web-lobby/assets/index.html")?;
    let page = rename(&rename(&page, "app_bg.wasm", &module_name), "app.js", &script_name);

    files.insert(page_name.to_owned(), page.into_bytes());
    files.insert(script_name.into(), script.into_bytes());
    files.insert(module_name.into(), module);
    files.extend(code); // Small scripts that libraries bring, in `snippets`.
    Ok(())
}

/// Writes `.br` and `.gz`, copied from the old folder where the content is the same.
fn write_twins(next: &Path, old: &Path, name: &Path, content: &[u8]) -> Result<()> {
    let same = fs::read(old.join(name)).is_ok_and(|found| found == content);
    let kept = |twin: &Path| same.then(|| fs::read(old.join(twin)).ok()).flatten();

    let brotli = twin(name, "br");
    let packed = kept(&brotli).map_or_else(|| pack_brotli(content), Ok)?;
    write_file(next, &brotli, &packed)?;

    let gzip = twin(name, "gz");
    let packed = kept(&gzip).map_or_else(|| pack_gzip(content), Ok)?;
    write_file(next, &gzip, &packed)
}

fn pack_brotli(content: &[u8]) -> Result<Vec<u8>> {
    let parameters = brotli::enc::BrotliEncoderParams {
        quality: BROTLI_QUALITY,
        lgwin: BROTLI_WINDOW_LOG2,
        size_hint: content.len(),
        ..Default::default()
    };
    let mut packed = Vec::new();
    brotli::BrotliCompress(&mut &content[..], &mut packed, &parameters).context("brotli")?;
    Ok(packed)
}

fn pack_gzip(content: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content).and_then(|()| encoder.finish()).context("gzip")
}

fn twin(name: &Path, extension: &str) -> PathBuf {
    let mut twin = name.as_os_str().to_owned();
    twin.push(".");
    twin.push(extension);
    twin.into()
}

/// Reads the sizes of a folder that [`write()`] laid out.
fn measure(dist: &Path) -> Result<Bundle> {
    for entry in fs::read_dir(dist).with_context(|| format!("reading {}", dist.display()))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "wasm") {
            return Ok(Bundle {
                wasm_bytes: fs::metadata(&path)?.len(),
                wasm_brotli_bytes: fs::metadata(twin(&path, "br"))?.len(),
            });
        }
    }
    anyhow::bail!("there is no WebAssembly in {}", dist.display())
}

/// A digest of everything that decides what the folder holds.
fn stamp(code: &[u8], assets: &Files) -> String {
    let mut digest = Sha256::new();
    digest.update(FORMAT);
    digest.update(Sha256::digest(code));
    for (name, content) in assets {
        digest.update(Sha256::digest(name.as_os_str().as_encoded_bytes()));
        digest.update(Sha256::digest(content));
    }
    hex(&digest.finalize())
}

fn name_hash(content: &[u8]) -> String {
    let mut hash = hex(&Sha256::digest(content));
    hash.truncate(NAME_HASH_DIGITS);
    hash
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes everything");
        text
    })
}

fn read_folder(folder: &Path) -> Result<Files> {
    let mut files = Files::new();
    let mut waiting = vec![PathBuf::new()];
    while let Some(within) = waiting.pop() {
        let path = folder.join(&within);
        for entry in fs::read_dir(&path).with_context(|| format!("reading {}", path.display()))? {
            let entry = entry?;
            let name = within.join(entry.file_name());
            if entry.file_type()?.is_dir() {
                waiting.push(name);
            } else {
                let content = fs::read(entry.path());
                files.insert(name, content.with_context(|| entry.path().display().to_string())?);
            }
        }
    }
    Ok(files)
}

fn write_file(folder: &Path, name: &Path, content: &[u8]) -> Result<()> {
    let path = folder.join(name);
    let parent = path.parent().context("a file stands in a folder")?;
    fs::create_dir_all(parent)
        .and_then(|()| fs::write(&path, content))
        .with_context(|| format!("writing {}", path.display()))
}

fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if folder.exists() => {
            Err(error).with_context(|| format!("removing {}", folder.display()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bindgen_library_has_the_version_of_the_compiled_crate() {
        let lock = include_str!("../../../Cargo.lock");
        let version = |package: &str| {
            let entry = lock
                .split("[[package]]")
                .find(|entry| entry.lines().any(|line| line == format!("name = \"{package}\"")));
            let entry = entry.expect("the package is in Cargo.lock");
            entry.lines().find(|line| line.starts_with("version")).map(str::to_owned)
        };

        assert_eq!(version("wasm-bindgen"), version("wasm-bindgen-cli-support"));
    }

    #[test]
    fn another_asset_makes_another_stamp() {
        let page = |text: &str| Files::from([("index.html".into(), text.into())]);

        assert_eq!(stamp(b"code", &page("one")), stamp(b"code", &page("one")));
        assert_ne!(stamp(b"code", &page("one")), stamp(b"code", &page("two")));
        assert_ne!(stamp(b"code", &page("one")), stamp(b"more", &page("one")));
    }

    #[test]
    fn two_at_once_take_turns() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("dist.lock");

        let turn = lock(&path).expect("the lock is free");
        let second = File::create(&path).expect("the file can be opened");
        assert!(second.try_lock().is_err(), "the lock is held");
        drop(turn);

        second.try_lock().expect("the turn was given away");
    }

    #[test]
    fn a_packed_file_is_smaller_and_the_same() {
        let text = "the quick brown disc ".repeat(100);

        let packed = pack_brotli(text.as_bytes()).expect("brotli packs");

        let mut unpacked = Vec::new();
        brotli::BrotliDecompress(&mut &packed[..], &mut unpacked).expect("brotli unpacks");
        assert_eq!(unpacked, text.as_bytes());
        assert!(packed.len() < text.len() / 10);
    }
}
