//! The lock on the data directory: one server at a time.
//!
//! A second server would take the growing recordings of the first for those that a killed server left behind. The lock is a
//! file in the directory. The system releases it however the process ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// The name of the file.
const FILE: &str = "lock";

/// Why a directory could not be locked.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another server holds the lock.
    #[error("another server runs with the data directory {} (it holds the file {FILE} there)", .0.display())]
    InUse(PathBuf),
    /// The directory or the file cannot be created, or the file system has no locks.
    #[error("the data directory {} cannot be locked", directory.display())]
    NotPossible {
        /// The directory.
        directory: PathBuf,
        /// The system's error.
        source: io::Error,
    },
}

/// Keeps the directory locked until it is dropped.
#[derive(Debug)]
pub struct DataDirLock {
    _file: File,
}

impl DataDirLock {
    /// Locks a directory. Creates it when it is missing.
    ///
    /// # Errors
    /// See [`LockError`].
    pub fn acquire(directory: &Path) -> Result<Self, LockError> {
        let not_possible =
            |source| LockError::NotPossible { directory: directory.to_owned(), source };
        let file = open(directory).map_err(not_possible)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(LockError::InUse(directory.to_owned())),
            Err(TryLockError::Error(source)) => Err(not_possible(source)),
        }
    }
}

fn open(directory: &Path) -> io::Result<File> {
    std::fs::create_dir_all(directory)?;
    OpenOptions::new().create(true).truncate(false).write(true).open(directory.join(FILE))
}

#[cfg(test)]
mod tests {
    use super::{DataDirLock, LockError};

    #[test]
    fn a_directory_is_locked_once_at_a_time() {
        let parent = tempfile::tempdir().unwrap();
        let directory = parent.path().join("data");

        let first = DataDirLock::acquire(&directory).unwrap();

        let refused = DataDirLock::acquire(&directory).unwrap_err();
        assert!(matches!(&refused, LockError::InUse(path) if *path == directory));
        assert!(refused.to_string().contains(directory.to_str().unwrap()));
        drop(first);
        assert!(DataDirLock::acquire(&directory).is_ok());
    }
}
