//! The recordings' files on this machine. These functions block on the disk.
//!
//! A file that grows is named `ID.part`. Once it is complete and on the disk it is renamed to `ID.replay`. The server
//! makes the ids: no part of a name comes from a client.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use shared::id::ReplayId;

/// What a file of the folder is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// A recording that grows, or that a killed server left.
    Part,
    /// A complete recording.
    Whole,
    /// The result of a round that the database has not taken yet.
    Result,
}

impl Kind {
    const fn ending(self) -> &'static str {
        match self {
            Self::Part => "part",
            Self::Whole => "replay",
            Self::Result => "result",
        }
    }
}

/// The ending of a part that cannot be read.
const DAMAGED: &str = "damaged";
/// The ending of a file that is being written whole.
const SAVED: &str = "saved";

/// Files in a folder.
#[derive(Debug, Clone)]
pub(super) struct Folder {
    path: PathBuf,
}

impl Folder {
    /// Opens a folder. Creates it when it is missing.
    ///
    /// # Errors
    /// When it cannot be created.
    pub(super) fn open(path: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(&path)?;
        Ok(Self { path })
    }

    /// Creates an empty part.
    pub(super) fn create(&self, id: ReplayId) -> io::Result<PartFile> {
        let file =
            OpenOptions::new().create_new(true).append(true).open(self.file(id, Kind::Part))?;
        Ok(PartFile { file, bytes: 0 })
    }

    /// Whether a file is there. A part is, too, when it has become complete.
    pub(super) fn has(&self, id: ReplayId, kind: Kind) -> bool {
        match kind {
            Kind::Part | Kind::Whole => self.size(id).is_ok(),
            Kind::Result => self.file(id, kind).exists(),
        }
    }

    /// The size of a recording, complete or growing.
    pub(super) fn size(&self, id: ReplayId) -> io::Result<u64> {
        self.on_recording(id, |path| Ok(fs::metadata(path)?.len()))
    }

    /// `length` bytes from `offset` of a recording, complete or growing. Fewer at its end.
    pub(super) fn read(&self, id: ReplayId, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        let mut file = self.on_recording(id, |path| File::open(path))?;
        file.seek(SeekFrom::Start(offset))?;
        let mut bytes = Vec::with_capacity(length);
        file.take(length as u64).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// A part that is renamed between the first two attempts is found by the third.
    fn on_recording<T>(
        &self,
        id: ReplayId,
        attempt: impl Fn(&Path) -> io::Result<T>,
    ) -> io::Result<T> {
        let (whole, part) = (self.file(id, Kind::Whole), self.file(id, Kind::Part));
        attempt(&whole).or_else(|_| attempt(&part)).or_else(|_| attempt(&whole))
    }

    /// The files of a kind, by id, each with its size.
    pub(super) fn list(&self, kind: Kind) -> io::Result<Vec<(ReplayId, u64)>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            let path = entry.path();
            let is_one = path.extension().is_some_and(|found| found == kind.ending());
            let name = path.file_stem().and_then(|stem| stem.to_str()).filter(|_| is_one);
            let Some(id) = name.and_then(|name| name.parse::<ReplayId>().ok()) else { continue };
            match entry.metadata() {
                Ok(metadata) => found.push((id, metadata.len())),
                // It was renamed or deleted meanwhile.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        found.sort_unstable();
        Ok(found)
    }

    /// All bytes of a file.
    pub(super) fn read_all(&self, id: ReplayId, kind: Kind) -> io::Result<Vec<u8>> {
        fs::read(self.file(id, kind))
    }

    /// Writes a file whole or not at all: under another name first.
    pub(super) fn write(&self, id: ReplayId, kind: Kind, bytes: &[u8]) -> io::Result<()> {
        let saved = self.path.join(format!("{id}.{SAVED}"));
        let mut file = File::create(&saved)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(saved, self.file(id, kind))
    }

    /// Removes a file. Succeeds when there is none.
    pub(super) fn remove(&self, id: ReplayId, kind: Kind) -> io::Result<()> {
        match fs::remove_file(self.file(id, kind)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Cuts a part. That takes no room on a full disk.
    pub(super) fn cut_part(&self, id: ReplayId, length: u64) -> io::Result<()> {
        let file = OpenOptions::new().write(true).open(self.file(id, Kind::Part))?;
        file.set_len(length)?;
        file.sync_all()
    }

    /// Makes a part a complete file.
    pub(super) fn finish_part(&self, id: ReplayId) -> io::Result<()> {
        fs::rename(self.file(id, Kind::Part), self.file(id, Kind::Whole))?;
        // The new name must survive a power cut too.
        File::open(&self.path)?.sync_all()
    }

    /// Renames a part that cannot be read.
    pub(super) fn set_aside(&self, id: ReplayId) -> io::Result<()> {
        fs::rename(self.file(id, Kind::Part), self.path.join(format!("{id}.{DAMAGED}")))
    }

    fn file(&self, id: ReplayId, kind: Kind) -> PathBuf {
        self.path.join(format!("{id}.{}", kind.ending()))
    }
}

/// A part that is being written.
#[derive(Debug)]
pub(super) struct PartFile {
    file: File,
    bytes: u64,
}

impl PartFile {
    /// Adds bytes at the end. After an error the file ends as before.
    pub(super) fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
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

    /// Waits until all of it is on the disk.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.file.sync_all()
    }
}
