//! A small table that all nodes share: reads are local and instant, writes compare and set.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use tokio::sync::watch;

/// A row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row<V> {
    /// What it says.
    pub value: V,
    /// Grows with every change of the table.
    pub revision: u64,
}

/// What a write expects to find.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// Whatever is there.
    Anything,
    /// No row.
    Absent,
    /// The row of this revision.
    Revision(u64),
}

/// Why a row was not written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// Somebody else was faster: the row is not as expected.
    #[error("the row of a table is not as expected")]
    Conflict,
    /// It is not known whether it was written.
    #[error("a table could not be written")]
    Away(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// A table with values of one kind.
pub trait Table<V>: Send + Sync {
    /// The row of a key, as this node knows it.
    fn get(&self, key: &str) -> Option<Arc<Row<V>>>;
    /// All rows by key, as this node knows them.
    fn rows(&self) -> Vec<(String, Arc<Row<V>>)>;
    /// Counts the changes that this node has seen.
    fn changes(&self) -> watch::Receiver<u64>;
    /// Writes a row. Returns its revision as soon as the table has it for certain.
    ///
    /// # Errors
    /// See [`WriteError`].
    fn put(&self, key: &str, value: V, expect: Expect) -> BoxFuture<'_, Result<u64, WriteError>>;
    /// Removes a row.
    ///
    /// # Errors
    /// See [`WriteError`].
    fn remove(&self, key: &str, expect: Expect) -> BoxFuture<'_, Result<(), WriteError>>;
}
