//! A table in the memory of one server.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use futures_util::future::{BoxFuture, ready};
use tokio::sync::watch;

use super::table::{BadKey, Expect, ReadError, Row, Table, WriteError, check_key};
use crate::sync::lock;

/// A table of a server that runs alone. It never fails for another reason than a conflict.
#[derive(Debug)]
pub struct MemoryTable<V> {
    rows: Mutex<Rows<V>>,
    changes: watch::Sender<u64>,
    since: Instant,
}

#[derive(Debug)]
struct Rows<V> {
    by_key: BTreeMap<String, Arc<Row<V>>>,
    /// That of the newest change.
    revision: u64,
}

impl<V> Default for MemoryTable<V> {
    fn default() -> Self {
        let rows = Rows { by_key: BTreeMap::new(), revision: 0 };
        let changes = watch::Sender::new(0);
        Self { rows: Mutex::new(rows), changes, since: Instant::now() }
    }
}

impl<V> MemoryTable<V> {
    fn write(&self, key: &str, value: Option<V>, expect: Expect) -> Result<u64, WriteError> {
        check_key(key).map_err(|BadKey| WriteError::Away(BadKey.into()))?;
        let revision = lock(&self.rows).write(key, value, expect)?;
        self.changes.send_modify(|changes| *changes += 1);
        Ok(revision)
    }
}

impl<V> Rows<V> {
    fn write(&mut self, key: &str, value: Option<V>, expect: Expect) -> Result<u64, WriteError> {
        let found = self.by_key.get(key).map(|row| row.revision);
        let is_as_expected = match expect {
            Expect::Anything => true,
            Expect::Absent => found.is_none(),
            Expect::Revision(revision) => found == Some(revision),
        };
        if !is_as_expected {
            return Err(WriteError::Conflict);
        }
        self.revision += 1;
        let revision = self.revision;
        match value {
            Some(value) => {
                self.by_key.insert(key.to_owned(), Arc::new(Row { value, revision }));
            }
            None => {
                self.by_key.remove(key);
            }
        }
        Ok(revision)
    }
}

impl<V: Send + Sync> Table<V> for MemoryTable<V> {
    fn get(&self, key: &str) -> Option<Arc<Row<V>>> {
        lock(&self.rows).by_key.get(key).cloned()
    }

    fn rows(&self) -> Vec<(String, Arc<Row<V>>)> {
        lock(&self.rows).by_key.iter().map(|(key, row)| (key.clone(), row.clone())).collect()
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    fn current_since(&self) -> Option<Instant> {
        Some(self.since)
    }

    fn read(&self, key: &str) -> BoxFuture<'_, Result<Option<Arc<Row<V>>>, ReadError>> {
        Box::pin(ready(Ok(self.get(key))))
    }

    fn put(&self, key: &str, value: V, expect: Expect) -> BoxFuture<'_, Result<u64, WriteError>> {
        Box::pin(ready(self.write(key, Some(value), expect)))
    }

    fn remove(&self, key: &str, expect: Expect) -> BoxFuture<'_, Result<(), WriteError>> {
        Box::pin(ready(self.write(key, None, expect).map(drop)))
    }
}

#[cfg(test)]
mod tests {
    use super::MemoryTable;
    use crate::cluster::table::{Expect, Table as _, WriteError};

    #[tokio::test]
    async fn a_write_finds_what_it_expects_or_does_nothing() {
        let table = MemoryTable::default();
        let first = table.put("a", 1, Expect::Absent).await.unwrap();
        let second = table.put("a", 2, Expect::Revision(first)).await.unwrap();
        assert!(second > first);

        for stale in [Expect::Absent, Expect::Revision(first)] {
            assert!(matches!(table.put("a", 9, stale).await, Err(WriteError::Conflict)));
            assert!(matches!(table.remove("a", stale).await, Err(WriteError::Conflict)));
        }
        assert_eq!(table.get("a").unwrap().value, 2);

        table.remove("a", Expect::Revision(second)).await.unwrap();
        assert_eq!(table.rows(), []);
        table.remove("a", Expect::Anything).await.unwrap();
        assert!(matches!(
            table.remove("a", Expect::Revision(second)).await,
            Err(WriteError::Conflict)
        ));
        assert!(table.put("a", 3, Expect::Absent).await.unwrap() > second);
    }

    #[tokio::test]
    async fn changes_are_counted() {
        let table = MemoryTable::default();
        let mut changes = table.changes();
        table.put("a", 1, Expect::Anything).await.unwrap();
        assert!(changes.has_changed().unwrap());
        changes.mark_unchanged();
        assert!(table.put("a", 1, Expect::Absent).await.is_err());
        assert!(table.put("a b", 1, Expect::Anything).await.is_err());
        assert!(!changes.has_changed().unwrap());
    }
}
