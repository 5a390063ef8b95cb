//! What a table and its watcher share.

use std::sync::Mutex;
use std::time::Instant;

use tokio::sync::{Notify, watch};

use super::bucket::{BoxError, Bucket};
use super::local_copy::LocalCopy;
use super::marks::Marks;

/// The state of a table on one node.
pub(super) struct Shared<V> {
    pub(super) name: &'static str,
    pub(super) bucket: Bucket,
    pub(super) local: Mutex<LocalCopy<V>>,
    pub(super) marks: Mutex<Marks>,
    pub(super) changes: watch::Sender<u64>,
    /// Since when. `None` while the watcher does not follow.
    pub(super) current: watch::Sender<Option<Instant>>,
    /// Why it last did not.
    pub(super) trouble: Mutex<Option<BoxError>>,
    /// Something went wrong: the watcher looks at once.
    pub(super) doubt: Notify,
}

impl<V> Shared<V> {
    /// Nothing is known of the table yet.
    pub(super) fn new(name: &'static str, bucket: Bucket) -> Self {
        Self {
            name,
            bucket,
            local: Mutex::default(),
            marks: Mutex::default(),
            changes: watch::Sender::new(0),
            current: watch::Sender::new(None),
            trouble: Mutex::default(),
            doubt: Notify::new(),
        }
    }
}
