//! The two files of a profile on disk: `NAME.json` has the choices, `NAME.identity.json` who the player is and where.
//!
//! A file is written beside the old one, flushed to the disk, and renamed: after a crash or a power cut there is the old
//! one or the new one. Several clients may run with one profile: they take a lock, read what the others wrote, and merge.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read as _, Write as _};
#[cfg(unix)]
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, SystemTime};

use serde_json::Value;

use super::Settings;
use super::lenient::{Damage, Object, keep_readable, object};
use super::merge::{keep_both_identities, merge};
use super::profile::{Stored, VERSION};
use crate::input::bindings::Bindings;

/// A longer file is no settings file.
const FILE_BYTES_MAX: u64 = 1024 * 1024;
/// How long another client may hold the lock. After that the files are written without it.
const LOCK_TRIES: u32 = 100;
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// The files of one profile.
#[derive(Debug, Clone)]
pub(super) struct Files {
    settings: PathBuf,
    identity: PathBuf,
}

/// The content of both files, and what a person should know about them.
#[derive(Debug, Default)]
pub(super) struct Content {
    pub(super) stored: Stored,
    pub(super) problems: Vec<String>,
}

impl Files {
    /// The files beside `settings`, which ends in `.json`.
    pub(super) fn new(settings: &Path) -> Self {
        Self { settings: settings.to_owned(), identity: settings.with_extension("identity.json") }
    }

    /// When either of the files was written last.
    pub(super) fn written_at(&self) -> [Option<SystemTime>; 2] {
        let written_at = |path: &Path| fs::metadata(path).and_then(|file| file.modified()).ok();
        [written_at(&self.settings), written_at(&self.identity)]
    }

    /// Reads both. What cannot be read stays in a copy of the file.
    pub(super) fn read(&self) -> Content {
        let (mut settings, mut problems) = read(&self.settings);
        let (identity, troubles) = read(&self.identity);
        problems.extend(troubles);
        let backup = identity.is_none().then(|| read(&backup_of(&self.identity)).0).flatten();
        if backup.is_some() {
            problems.push("Your identity comes from the copy before the last change.".to_owned());
        }
        let identity = identity.or(backup).unwrap_or_else(|| {
            // Older builds kept everything in one file.
            Stored::split_identity(settings.get_or_insert_default())
        });
        let mut settings = settings.unwrap_or_default();
        Stored::split_identity(&mut settings);
        Content { stored: Stored { settings, identity }, problems }
    }

    /// Writes what has changed from `base` to `mine`, and takes what other clients have written meanwhile. Returns the
    /// new content.
    pub(super) fn sync(&self, base: &Stored, mine: &Stored) -> io::Result<Content> {
        if let Some(folder) = self.settings.parent() {
            fs::create_dir_all(folder)?;
        }
        let _lock = self.lock();
        let Content { stored: theirs, problems } = self.read();
        let mut own = mine.identity.clone();
        keep_both_identities(&base.identity, &mut own, &theirs.identity);
        let mut stored = Stored {
            settings: merge(&base.settings, &mine.settings, &theirs.settings),
            identity: merge(&base.identity, &own, &theirs.identity),
        };
        for object in [&mut stored.settings, &mut stored.identity] {
            // A file of a newer build stays one.
            let version = object.get("version").and_then(Value::as_u64).unwrap_or_default();
            object.insert("version".to_owned(), version.max(VERSION).into());
        }
        // The identity first: older builds had it in the other file, from which it then goes.
        write_when_changed(&self.identity, &stored.identity, true)?;
        write_when_changed(&self.settings, &stored.settings, false)?;
        Ok(Content { stored, problems })
    }

    /// Keeps the token of a new guest in place of the one `before`, unless another client of this profile has become a guest
    /// on that server meanwhile. Returns the token that counts for both.
    pub(super) fn claim(
        &self,
        server: &str,
        token: &str,
        before: Option<&str>,
    ) -> io::Result<String> {
        if let Some(folder) = self.settings.parent() {
            fs::create_dir_all(folder)?;
        }
        let _lock = self.lock();
        let mut identity = self.read().stored.identity;
        let tokens = identity.entry("tokens").or_insert_with(|| Object::new().into());
        let known = tokens.get(server).and_then(Value::as_str);
        if let Some(known) = known.filter(|known| Some(*known) != before) {
            return Ok(known.to_owned());
        }
        if let Value::Object(tokens) = tokens {
            tokens.insert(server.to_owned(), token.into());
        }
        write_when_changed(&self.identity, &identity, true)?;
        Ok(token.to_owned())
    }

    /// Waits a moment for the other clients of this profile. Without a lock (a file system may have none) the files are
    /// still whole, because each is renamed.
    fn lock(&self) -> Option<File> {
        let path = self.settings.with_extension("lock");
        let file = File::options().create(true).truncate(false).write(true).open(path).ok()?;
        for _ in 0..LOCK_TRIES {
            match file.try_lock() {
                Ok(()) => return Some(file),
                Err(TryLockError::WouldBlock) => thread::sleep(LOCK_PAUSE),
                Err(TryLockError::Error(_)) => return None,
            }
        }
        None
    }
}

fn backup_of(path: &Path) -> PathBuf {
    path.with_extension("json.before")
}

/// Reads a file. `None`: there is no such file, or nothing of it can be read.
fn read(path: &Path) -> (Option<Object>, Vec<String>) {
    let mut bytes = Vec::new();
    let opened =
        File::open(path).and_then(|file| file.take(FILE_BYTES_MAX).read_to_end(&mut bytes));
    match opened {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return (None, Vec::new()),
        Err(error) => {
            return (None, vec![format!("{} cannot be read: {error}.", path.display())]);
        }
    }
    let (mut object, damage) = object(&String::from_utf8_lossy(&bytes));
    let mut damaged = keep_readable::<Settings>(&mut object);
    if let Some(stored) = object.get_mut("bindings") {
        let (bindings, is_whole) = Bindings::read(stored);
        *stored = serde_json::to_value(bindings).unwrap_or_default();
        if !is_whole {
            damaged.push("bindings".to_owned());
        }
    }
    if object.get("version").is_some_and(|version| version.as_u64() > Some(VERSION)) {
        damaged.push("what a newer version of the game has added".to_owned());
    }
    let what = match damage {
        Damage::None if damaged.is_empty() => return (Some(object), Vec::new()),
        Damage::None => format!("not understood: {}", damaged.join(", ")),
        Damage::Cut => "the end is missing or damaged".to_owned(),
        Damage::Unreadable => "nothing in it can be read".to_owned(),
    };
    let kept = match set_aside(path) {
        Some(aside) => format!(" The file as it was is kept as {}.", aside.display()),
        None => String::new(),
    };
    let problem = format!("{}: {what}. The rest is as you left it.{kept}", path.display());
    let problem = match damage {
        Damage::Unreadable => problem.replace(" The rest is as you left it.", ""),
        Damage::None | Damage::Cut => problem,
    };
    ((damage != Damage::Unreadable).then_some(object), vec![problem])
}

/// Copies a damaged file. An earlier copy is kept: it may be the better one.
fn set_aside(path: &Path) -> Option<PathBuf> {
    let bytes = fs::read(path).ok()?;
    for number in 1..10_u32 {
        let aside = path.with_extension(format!("json.damaged-{number}"));
        match fs::read(&aside) {
            Ok(kept) if kept == bytes => return Some(aside),
            Ok(_) => {}
            Err(_) => return write(&aside, &bytes).is_ok().then_some(aside),
        }
    }
    None
}

fn write_when_changed(path: &Path, object: &Object, with_backup: bool) -> io::Result<()> {
    let text = serde_json::to_vec_pretty(&Value::Object(object.clone()))?;
    // A link to a file elsewhere stays a link.
    let path = fs::canonicalize(path).unwrap_or_else(|_none| path.to_owned());
    let before = fs::read(&path).ok();
    if before.as_ref() == Some(&text) {
        return Ok(());
    }
    let is_whole = |bytes: &Vec<u8>| serde_json::from_slice::<Object>(bytes).is_ok();
    if let Some(before) = before.filter(is_whole).filter(|_| with_backup) {
        write(&backup_of(&path), &before)?;
    }
    write(&path, &text)
}

/// Replaces a file. It is on the disk when this returns.
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let fresh = path.with_added_extension("new");
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    // Only the user may read it: it may hold tokens.
    #[cfg(unix)]
    options.mode(0o600);
    let mut file = options.open(&fresh)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&fresh, path)?;
    // The new name is on the disk, too. Not every system can do that with a folder.
    #[cfg(unix)]
    if let Some(folder) = path.parent() {
        drop(File::open(folder).and_then(|folder| folder.sync_all()));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
