//! A small table that all nodes share: reads are local and instant, writes compare and set.

use std::sync::Arc;
use std::time::Instant;

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

/// It is not known what the row says.
#[derive(Debug, thiserror::Error)]
#[error("a table could not be read")]
pub struct ReadError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// The text is no key: one to 128 of `a`–`z`, `A`–`Z`, `0`–`9`, `-`, `_`, `/` and `=`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this cannot be the key of a row")]
pub struct BadKey;

/// A table with values of one kind.
pub trait Table<V>: Send + Sync {
    /// The row of a key, as this node knows it.
    fn get(&self, key: &str) -> Option<Arc<Row<V>>>;
    /// All rows by key, as this node knows them.
    fn rows(&self) -> Vec<(String, Arc<Row<V>>)>;
    /// Counts the changes that this node has seen.
    fn changes(&self) -> watch::Receiver<u64>;
    /// Since when this node has been told of every change without a break. `None` while it is not.
    ///
    /// It follows a loss after some seconds only. Whoever concludes something from silence asks for a longer one.
    fn current_since(&self) -> Option<Instant>;
    /// The row of a key as the table has it, not only as this node knows it. It takes a round trip: for decisions.
    ///
    /// # Errors
    /// When the table does not answer, or the value is of a newer build.
    fn read(&self, key: &str) -> BoxFuture<'_, Result<Option<Arc<Row<V>>>, ReadError>>;
    /// Writes a row. Returns its revision as soon as the table has it for certain. From then on, [`Table::get`] returns it or
    /// a later one.
    ///
    /// # Errors
    /// See [`WriteError`].
    fn put(&self, key: &str, value: V, expect: Expect) -> BoxFuture<'_, Result<u64, WriteError>>;
    /// Removes a row. To remove one that is absent is a conflict if a revision was expected, and else nothing.
    ///
    /// # Errors
    /// See [`WriteError`].
    fn remove(&self, key: &str, expect: Expect) -> BoxFuture<'_, Result<(), WriteError>>;
}

/// Removes the row of `revision` if that is known, or a later one if it is one's own: a write whose outcome is not known may
/// have made it.
pub(super) async fn withdraw<V>(
    table: &dyn Table<V>,
    key: &str,
    revision: Option<u64>,
    is_own: impl Fn(&V) -> bool,
) -> Result<(), WriteError> {
    if let Some(revision) = revision {
        match table.remove(key, Expect::Revision(revision)).await {
            Err(WriteError::Conflict) => {}
            removed => return removed,
        }
    }
    match table.read(key).await {
        Ok(Some(row)) if is_own(&row.value) => {
            table.remove(key, Expect::Revision(row.revision)).await
        }
        Ok(_) => Ok(()),
        Err(ReadError(error)) => Err(WriteError::Away(error)),
    }
}

const KEY_BYTES_MAX: usize = 128;

/// Checks a key. Those that pass can stand in a subject of NATS.
///
/// # Errors
/// When it is none.
pub(super) fn check_key(key: &str) -> Result<(), BadKey> {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"-_/=".contains(&byte);
    let is_key = (1..=KEY_BYTES_MAX).contains(&key.len()) && key.bytes().all(is_part);
    if is_key { Ok(()) } else { Err(BadKey) }
}

#[cfg(test)]
mod tests {
    use super::{BadKey, check_key};

    #[test]
    fn a_key_can_stand_in_a_subject() {
        for key in ["main", "node-7", "A_b=/9", &"k".repeat(128)] {
            assert_eq!(check_key(key), Ok(()), "{key}");
        }
        for key in ["", "a.b", "a b", "*", ">", "ä", "a\r\n", &"k".repeat(129)] {
            assert_eq!(check_key(key), Err(BadKey), "{key:?}");
        }
    }
}
