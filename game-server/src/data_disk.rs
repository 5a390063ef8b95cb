//! The disk of the data directory: a reserve on it, and what happens when it is full.
//!
//! A file of the server's own holds some room. When the disk is nearly full, or takes no more (a quota), the file is deleted: the results of rounds that
//! run, and what else the database must keep, go into the room that it leaves. New rounds are then played without a
//! recording, and `/readyz` says so, until there is room again.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rand::RngCore as _;
use rustix::fs::statvfs;
use tokio::time::{MissedTickBehavior, interval};

use crate::blocking::blocking;
use crate::readiness::{Readiness, Unready};
use crate::tasks::Tasks;

/// The name of the file.
const FILE: &str = "reserve";
/// A file that is written and deleted, to see whether the disk takes it.
const PROBE_FILE: &str = "reserve.probe";
const PROBE_BYTES: usize = 4 * 1024;
/// The size of the reserve: some fifty results, each in several pages of the database.
const RESERVE_BYTES: u64 = 2 * 1024 * 1024;
/// With less than this beside the reserve, the disk counts as full.
const FREE_BYTES_MIN: u64 = 1024 * 1024;
/// The interval at which the disk is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Why the server cannot work with the disk of its data directory.
#[derive(Debug, thiserror::Error)]
pub enum DiskError {
    /// Too little is free.
    #[error(
        "the disk of the data directory {} is full: {} KiB are free, and the server needs {} KiB",
        directory.display(),
        free / 1024,
        (RESERVE_BYTES + FREE_BYTES_MIN) / 1024
    )]
    Full {
        /// The directory.
        directory: PathBuf,
        /// Free bytes.
        free: u64,
    },
    /// The reserve cannot be written.
    #[error("{} cannot be written", file.display())]
    NotWritable {
        /// The reserve.
        file: PathBuf,
        /// The system's error.
        source: io::Error,
    },
}

/// The disk of a data directory.
#[derive(Debug, Clone)]
pub struct DataDisk {
    directory: PathBuf,
}

impl DataDisk {
    /// Makes sure that there is room, and reserves some.
    ///
    /// # Errors
    /// See [`DiskError`].
    pub fn open(directory: &Path) -> Result<Self, DiskError> {
        let disk = Self { directory: directory.to_owned() };
        disk.reserve()?;
        Ok(disk)
    }

    /// Begins to look at the disk.
    pub fn watch(self, tasks: &Tasks, readiness: Readiness) {
        let stop = tasks.clone();
        tasks.spawn_vital("data disk", async move {
            let mut looking = interval(LOOK_EVERY);
            looking.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                tokio::select! {
                    () = stop.stopping() => return,
                    _ = looking.tick() => {}
                }
                let (disk, was_full) = (self.clone(), readiness.is(Unready::DiskFull));
                tokio::select! {
                    // A disk that does not answer.
                    () = stop.stopping() => return,
                    is_full = blocking(move || Ok(disk.look(was_full))) => match is_full {
                        Ok(true) => readiness.add(Unready::DiskFull),
                        Ok(false) => readiness.remove(Unready::DiskFull),
                        // The runtime ends.
                        Err(_) => return,
                    }
                }
            }
        });
    }

    /// Returns whether the disk is full.
    fn look(&self, was_full: bool) -> bool {
        if was_full {
            let has_room = self.reserve().is_ok() && self.probe().is_ok();
            if has_room {
                tracing::info!("the disk has room again");
            }
            return !has_room;
        }
        let (free, probed) = (self.free(), self.probe());
        if free >= FREE_BYTES_MIN && probed.is_ok() {
            return false;
        }
        tracing::error!(
            directory = %self.directory.display(),
            free_kib = free / 1024,
            error = probed.err().map(tracing::field::display),
            "the disk is full: new rounds are not recorded"
        );
        if let Err(error) = fs::remove_file(self.file()) {
            tracing::error!(%error, "the reserve could not be given up");
        }
        true
    }

    /// Writes the reserve, unless it is there.
    fn reserve(&self) -> Result<(), DiskError> {
        let file = self.file();
        let reserved = fs::metadata(&file).map_or(0, |found| found.len());
        let free = self.free();
        if reserved.saturating_add(free) < RESERVE_BYTES + FREE_BYTES_MIN {
            return Err(DiskError::Full { directory: self.directory.clone(), free });
        }
        if reserved == RESERVE_BYTES {
            return Ok(());
        }
        write_reserve(&file).map_err(|source| {
            // Half a reserve only takes room.
            fs::remove_file(&file).ok();
            DiskError::NotWritable { file, source }
        })
    }

    /// Whether the disk takes data: the free bytes do not show a quota, or that it can only be read.
    fn probe(&self) -> io::Result<()> {
        let path = self.directory.join(PROBE_FILE);
        let written = File::create(&path).and_then(|mut file| file.write_all(&[0; PROBE_BYTES]));
        // What is left of a failed write would take room.
        fs::remove_file(&path).ok();
        written
    }

    fn file(&self) -> PathBuf {
        self.directory.join(FILE)
    }

    /// Free bytes. A file system that does not count them has enough.
    fn free(&self) -> u64 {
        match statvfs(&self.directory) {
            Ok(found) if found.f_blocks > 0 => found.f_bavail.saturating_mul(found.f_frsize),
            Ok(_) | Err(_) => u64::MAX,
        }
    }
}

/// Random bytes: a file system may keep others in less room than they will need.
fn write_reserve(path: &Path) -> io::Result<()> {
    let mut block = vec![0; 64 * 1024];
    let mut file = File::create(path)?;
    for _ in 0..RESERVE_BYTES / block.len() as u64 {
        rand::rng().fill_bytes(&mut block);
        file.write_all(&block)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{DataDisk, FILE, PROBE_FILE, RESERVE_BYTES};

    #[test]
    fn the_reserve_is_written_once_and_again_when_it_was_given_up() {
        let folder = tempfile::tempdir().unwrap();
        let reserve = folder.path().join(FILE);
        let size = || fs::metadata(&reserve).unwrap().len();

        let disk = DataDisk::open(folder.path()).unwrap();
        assert_eq!(size(), RESERVE_BYTES);
        fs::remove_file(&reserve).unwrap();

        assert!(!disk.look(true), "there is room again");
        assert_eq!(size(), RESERVE_BYTES);
        assert!(!disk.look(false));
    }

    #[test]
    fn a_disk_that_takes_no_data_is_full_and_the_reserve_is_given_up() {
        let folder = tempfile::tempdir().unwrap();
        let disk = DataDisk::open(folder.path()).unwrap();

        // No file can be made there.
        let in_the_way = folder.path().join(PROBE_FILE);
        fs::create_dir(&in_the_way).unwrap();

        assert!(disk.look(false));
        assert!(!folder.path().join(FILE).exists());
        assert!(disk.look(true), "still");
        fs::remove_dir(in_the_way).unwrap();
        assert!(!disk.look(true));
    }

    #[test]
    fn a_directory_that_takes_no_reserve_is_refused_with_the_reason() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join(FILE)).unwrap();

        let error = DataDisk::open(folder.path()).unwrap_err().to_string();

        assert!(error.contains(FILE), "{error}");
    }
}
