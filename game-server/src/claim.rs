//! One server for a data folder: a file in it that is locked while the server runs.
//!
//! A second one would take the first one's growing recordings for what a killed server left behind. The system
//! gives the lock back however a process ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// The file's name in the folder.
const LOCK: &str = "lock";

/// Why a folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ClaimError {
    /// Another server runs with it.
    #[error("another server runs with the data folder {} (it holds the lock {LOCK} there)", .0.display())]
    InUse(PathBuf),
    /// The folder or the lock cannot be made, or the file system knows no locks.
    #[error("the data folder {} cannot be locked", folder.display())]
    NotPossible {
        /// Which folder.
        folder: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// The right to use a folder, while it lives.
#[derive(Debug)]
pub struct Claim {
    _lock: File,
}

/// Claims a folder for this process; makes it when it is not there.
///
/// # Errors
/// See [`ClaimError`].
pub fn claim(folder: &Path) -> Result<Claim, ClaimError> {
    let lock = open(folder)
        .map_err(|source| ClaimError::NotPossible { folder: folder.to_owned(), source })?;
    match lock.try_lock() {
        Ok(()) => Ok(Claim { _lock: lock }),
        Err(TryLockError::WouldBlock) => Err(ClaimError::InUse(folder.to_owned())),
        Err(TryLockError::Error(source)) => {
            Err(ClaimError::NotPossible { folder: folder.to_owned(), source })
        }
    }
}

fn open(folder: &Path) -> io::Result<File> {
    std::fs::create_dir_all(folder)?;
    OpenOptions::new().create(true).truncate(false).write(true).open(folder.join(LOCK))
}

#[cfg(test)]
mod tests {
    use super::{ClaimError, claim};

    #[test]
    fn a_folder_is_claimed_once_at_a_time() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("data");

        let first = claim(&folder).unwrap();

        let refused = claim(&folder).unwrap_err();
        assert!(matches!(&refused, ClaimError::InUse(path) if *path == folder));
        assert!(refused.to_string().contains(folder.to_str().unwrap()));
        drop(first);
        assert!(claim(&folder).is_ok());
    }
}
