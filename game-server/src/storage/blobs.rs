//! Large files: replays.
//!
//! A file that grows is named `ID.part`. Once it is complete and on the disk it is renamed to `ID.replay`. The server
//! makes the ids: no part of a name comes from a client.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use futures_util::future::BoxFuture;
use shared::id::ReplayId;

use crate::blocking::blocking;

/// The extension of a file that grows.
const PART: &str = "part";
/// The extension of a part that cannot be read.
const DAMAGED: &str = "damaged";
/// The extension of a result that the database has not taken yet.
const RESULT: &str = "result";
/// The extension of a file that is being written whole.
const SAVED: &str = "saved";
/// The extension of a complete file.
const WHOLE: &str = "replay";

/// A file that grows. When it is dropped the part stays, and [`Blobs::parts`] finds it.
pub trait Growing: Send {
    /// Adds bytes at the end. Readers see them at once.
    ///
    /// # Errors
    /// When the disk refuses, for example because it is full. The file then ends as before.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Completes the file: writes it to the disk, then renames it.
    ///
    /// # Errors
    /// When it cannot be written; the part stays.
    fn finish(self: Box<Self>) -> io::Result<()>;
}

/// A place for large files. The functions without a future block on the disk, [`Growing`]'s too: call them where that
/// is allowed, such as in `spawn_blocking`.
pub trait Blobs: Send + Sync {
    /// Creates an empty file that grows.
    ///
    /// # Errors
    /// When it cannot be created.
    fn create(&self, id: ReplayId) -> io::Result<Box<dyn Growing>>;
    /// The size in bytes of a file, complete or growing.
    fn size(&self, id: ReplayId) -> BoxFuture<'_, io::Result<u64>>;
    /// `length` bytes from `offset` of a file, complete or growing. Fewer at its end.
    fn read(&self, id: ReplayId, offset: u64, length: usize) -> BoxFuture<'_, io::Result<Vec<u8>>>;
    /// The parts that an earlier run left behind, by id.
    ///
    /// # Errors
    /// When they cannot be listed.
    fn parts(&self) -> io::Result<Vec<ReplayId>>;
    /// The bytes of a part.
    ///
    /// # Errors
    /// When it cannot be read.
    fn read_part(&self, id: ReplayId) -> io::Result<Vec<u8>>;
    /// Cuts a part to the length that could be recovered. That takes no room on a full disk.
    ///
    /// # Errors
    /// When it cannot be cut.
    fn cut_part(&self, id: ReplayId, length: u64) -> io::Result<()>;
    /// Makes a part a complete file.
    ///
    /// # Errors
    /// When it cannot be renamed.
    fn finish_part(&self, id: ReplayId) -> io::Result<()>;
    /// Renames a part that cannot be read, so that [`Blobs::parts`] skips it. An operator can examine it.
    ///
    /// # Errors
    /// When it cannot be renamed.
    fn set_aside(&self, id: ReplayId) -> io::Result<()>;
    /// Keeps the result of a round beside its recording, whole or not at all.
    ///
    /// # Errors
    /// When it cannot be written.
    fn put_result(&self, id: ReplayId, bytes: &[u8]) -> io::Result<()>;
    /// The rounds whose results are kept here, by id.
    ///
    /// # Errors
    /// When they cannot be listed.
    fn results(&self) -> io::Result<Vec<ReplayId>>;
    /// A result that is kept here.
    ///
    /// # Errors
    /// When it cannot be read.
    fn read_result(&self, id: ReplayId) -> io::Result<Vec<u8>>;
    /// Removes a result. Succeeds when there is none.
    ///
    /// # Errors
    /// When it cannot be removed.
    fn remove_result(&self, id: ReplayId) -> io::Result<()>;
    /// Deletes a file, complete or growing. Succeeds when there is none.
    ///
    /// # Errors
    /// When the file cannot be deleted.
    fn delete(&self, id: ReplayId) -> io::Result<()>;
}

/// Files in a folder.
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// Opens a folder. Creates it when it is missing.
    ///
    /// # Errors
    /// When it cannot be created.
    pub fn open(path: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(&path)?;
        Ok(Self { path })
    }

    fn file(&self, id: ReplayId, ending: &str) -> PathBuf {
        self.path.join(format!("{id}.{ending}"))
    }

    /// The files with this ending, by id.
    fn list(&self, ending: &str) -> io::Result<Vec<ReplayId>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            let path = entry?.path();
            let is_one = path.extension().is_some_and(|found| found == ending);
            let name = path.file_stem().and_then(|stem| stem.to_str()).filter(|_| is_one);
            found.extend(name.and_then(|name| name.parse::<ReplayId>().ok()));
        }
        found.sort_unstable();
        Ok(found)
    }

    /// Writes a file whole or not at all: under another name first.
    fn write(&self, id: ReplayId, ending: &str, bytes: &[u8]) -> io::Result<()> {
        let saved = self.file(id, SAVED);
        let mut file = File::create(&saved)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(saved, self.file(id, ending))
    }
}

/// Removes a file. Succeeds when there is none.
fn remove(file: PathBuf) -> io::Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

struct PartFile {
    file: File,
    bytes: u64,
    part: PathBuf,
    whole: PathBuf,
}

impl Growing for PartFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self.file.write_all(bytes) {
            Ok(()) => {
                self.bytes += bytes.len() as u64;
                Ok(())
            }
            Err(error) => {
                // What precedes the failed write stays readable. If this fails, too, a reader finds half a record.
                self.file.set_len(self.bytes).ok();
                Err(error)
            }
        }
    }

    fn finish(self: Box<Self>) -> io::Result<()> {
        self.file.sync_all()?;
        finish(&self.part, &self.whole)
    }
}

fn finish(part: &Path, whole: &Path) -> io::Result<()> {
    fs::rename(part, whole)?;
    // The new name must survive a power cut too.
    match whole.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

impl Blobs for Folder {
    fn create(&self, id: ReplayId) -> io::Result<Box<dyn Growing>> {
        let part = self.file(id, PART);
        let file = OpenOptions::new().create_new(true).append(true).open(&part)?;
        Ok(Box::new(PartFile { file, bytes: 0, part, whole: self.file(id, WHOLE) }))
    }

    fn size(&self, id: ReplayId) -> BoxFuture<'_, io::Result<u64>> {
        let (whole, part) = (self.file(id, WHOLE), self.file(id, PART));
        Box::pin(async move {
            let found = match tokio::fs::metadata(&whole).await {
                Ok(found) => found,
                Err(_) => match tokio::fs::metadata(part).await {
                    Ok(found) => found,
                    // It was renamed between the first two attempts.
                    Err(_) => tokio::fs::metadata(whole).await?,
                },
            };
            Ok(found.len())
        })
    }

    fn read(&self, id: ReplayId, offset: u64, length: usize) -> BoxFuture<'_, io::Result<Vec<u8>>> {
        let (whole, part) = (self.file(id, WHOLE), self.file(id, PART));
        let read = move || {
            // A part that is renamed between the first two attempts is found by the third.
            let opened = File::open(&whole).or_else(|_| File::open(part));
            let mut file = opened.or_else(|_| File::open(whole))?;
            file.seek(SeekFrom::Start(offset))?;
            let mut bytes = Vec::with_capacity(length);
            file.take(length as u64).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        Box::pin(blocking(read))
    }

    fn parts(&self) -> io::Result<Vec<ReplayId>> {
        self.list(PART)
    }

    fn read_part(&self, id: ReplayId) -> io::Result<Vec<u8>> {
        fs::read(self.file(id, PART))
    }

    fn cut_part(&self, id: ReplayId, length: u64) -> io::Result<()> {
        let file = OpenOptions::new().write(true).open(self.file(id, PART))?;
        file.set_len(length)?;
        file.sync_all()
    }

    fn finish_part(&self, id: ReplayId) -> io::Result<()> {
        finish(&self.file(id, PART), &self.file(id, WHOLE))
    }

    fn set_aside(&self, id: ReplayId) -> io::Result<()> {
        fs::rename(self.file(id, PART), self.file(id, DAMAGED))
    }

    fn put_result(&self, id: ReplayId, bytes: &[u8]) -> io::Result<()> {
        self.write(id, RESULT, bytes)
    }

    fn results(&self) -> io::Result<Vec<ReplayId>> {
        self.list(RESULT)
    }

    fn read_result(&self, id: ReplayId) -> io::Result<Vec<u8>> {
        fs::read(self.file(id, RESULT))
    }

    fn remove_result(&self, id: ReplayId) -> io::Result<()> {
        remove(self.file(id, RESULT))
    }

    fn delete(&self, id: ReplayId) -> io::Result<()> {
        remove(self.file(id, WHOLE))?;
        remove(self.file(id, PART))
    }
}
