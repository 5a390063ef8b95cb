//! Large files: replays.
//!
//! A file grows under a name that ends in `.part` and gets its own name when it is complete and on the
//! disk. Names are ids of the server's making, never a client's text.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::PathBuf;

use futures_util::future::BoxFuture;
use shared::id::ReplayId;

/// The ending of a file that still grows.
const PART: &str = "part";
/// The ending of a part that cannot be read.
const DAMAGED: &str = "damaged";
/// The ending of a complete file.
const WHOLE: &str = "replay";

/// A file that grows. Dropping it leaves the part for [`Blobs::parts`] to find.
pub trait Growing: Send {
    /// Adds bytes at the end. They are visible to readers at once.
    ///
    /// # Errors
    /// When the disk is full, say.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Puts the file into its place: on the disk first, then under its own name.
    ///
    /// # Errors
    /// When it cannot be written; the part stays.
    fn finish(self: Box<Self>) -> io::Result<()>;
}

/// Where large files are. `append` and `finish` block for as long as a disk takes: call them where
/// that may be, such as `spawn_blocking`.
pub trait Blobs: Send + Sync {
    /// Begins a file.
    ///
    /// # Errors
    /// When it cannot be created.
    fn create(&self, id: ReplayId) -> io::Result<Box<dyn Growing>>;
    /// The size of a file, complete or still growing.
    fn size(&self, id: ReplayId) -> BoxFuture<'_, io::Result<u64>>;
    /// At most `length` bytes of a file from `offset`, complete or still growing; fewer only at its end.
    fn read(&self, id: ReplayId, offset: u64, length: usize) -> BoxFuture<'_, io::Result<Vec<u8>>>;
    /// Parts that a run before this one left behind, with what is in them.
    ///
    /// # Errors
    /// When the place cannot be read.
    fn parts(&self) -> io::Result<Vec<ReplayId>>;
    /// What is in a part.
    ///
    /// # Errors
    /// When it cannot be read.
    fn read_part(&self, id: ReplayId) -> io::Result<Vec<u8>>;
    /// Puts other bytes in a part's place and makes it a complete file: what could be saved of it.
    ///
    /// # Errors
    /// When it cannot be written.
    fn replace_part(&self, id: ReplayId, bytes: &[u8]) -> io::Result<()>;
    /// Marks a part that cannot be read, so that nobody looks at it again but a person.
    ///
    /// # Errors
    /// When it cannot be renamed.
    fn set_aside(&self, id: ReplayId) -> io::Result<()>;
    /// Deletes a file, complete or not. One that is not there is no error.
    ///
    /// # Errors
    /// When it is there and stays.
    fn delete(&self, id: ReplayId) -> io::Result<()>;
}

/// Files in a folder.
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// The folder, made when it is not there.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn open(path: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(&path)?;
        Ok(Self { path })
    }

    fn file(&self, id: ReplayId, ending: &str) -> PathBuf {
        self.path.join(format!("{id}.{ending}"))
    }
}

struct PartFile {
    file: File,
    part: PathBuf,
    whole: PathBuf,
}

impl Growing for PartFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }

    fn finish(self: Box<Self>) -> io::Result<()> {
        self.file.sync_all()?;
        fs::rename(&self.part, &self.whole)?;
        // The new name itself must survive a power cut too.
        match self.whole.parent() {
            Some(folder) => File::open(folder)?.sync_all(),
            None => Ok(()),
        }
    }
}

impl Blobs for Folder {
    fn create(&self, id: ReplayId) -> io::Result<Box<dyn Growing>> {
        let part = self.file(id, PART);
        let file = OpenOptions::new().create_new(true).append(true).open(&part)?;
        Ok(Box::new(PartFile { file, part, whole: self.file(id, WHOLE) }))
    }

    fn size(&self, id: ReplayId) -> BoxFuture<'_, io::Result<u64>> {
        let (whole, part) = (self.file(id, WHOLE), self.file(id, PART));
        Box::pin(async move {
            let found = match tokio::fs::metadata(&whole).await {
                Ok(found) => found,
                Err(_) => match tokio::fs::metadata(part).await {
                    Ok(found) => found,
                    // It got its own name between the two looks.
                    Err(_) => tokio::fs::metadata(whole).await?,
                },
            };
            Ok(found.len())
        })
    }

    fn read(&self, id: ReplayId, offset: u64, length: usize) -> BoxFuture<'_, io::Result<Vec<u8>>> {
        let (whole, part) = (self.file(id, WHOLE), self.file(id, PART));
        let read = move || {
            // A part may get its own name between the first two looks, so the third finds it.
            let opened = File::open(&whole).or_else(|_| File::open(part));
            let mut file = opened.or_else(|_| File::open(whole))?;
            file.seek(SeekFrom::Start(offset))?;
            let mut bytes = Vec::with_capacity(length);
            file.take(length as u64).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        Box::pin(async move { tokio::task::spawn_blocking(read).await.map_err(io::Error::other)? })
    }

    fn parts(&self) -> io::Result<Vec<ReplayId>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            let path = entry?.path();
            let is_part = path.extension().is_some_and(|ending| ending == PART);
            let name = path.file_stem().and_then(|stem| stem.to_str()).filter(|_| is_part);
            found.extend(name.and_then(|name| name.parse::<ReplayId>().ok()));
        }
        found.sort_unstable();
        Ok(found)
    }

    fn read_part(&self, id: ReplayId) -> io::Result<Vec<u8>> {
        fs::read(self.file(id, PART))
    }

    fn replace_part(&self, id: ReplayId, bytes: &[u8]) -> io::Result<()> {
        let saved = self.file(id, "saved");
        let mut file = File::create(&saved)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(saved, self.file(id, WHOLE))?;
        fs::remove_file(self.file(id, PART))
    }

    fn set_aside(&self, id: ReplayId) -> io::Result<()> {
        fs::rename(self.file(id, PART), self.file(id, DAMAGED))
    }

    fn delete(&self, id: ReplayId) -> io::Result<()> {
        for ending in [WHOLE, PART] {
            match fs::remove_file(self.file(id, ending)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                Ok(()) | Err(_) => {}
            }
        }
        Ok(())
    }
}
