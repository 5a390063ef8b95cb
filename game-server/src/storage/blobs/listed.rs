//! How a recording is named to its files.

use shared::id::ReplayId;

/// A recording as its entry lists it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listed {
    /// The id.
    pub id: ReplayId,
    /// The size in bytes: two lengths of one recording are two objects of a bucket.
    pub bytes: u64,
}
