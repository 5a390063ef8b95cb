//! A table in a key-value bucket of NATS, with a copy in the memory of each node.

mod bucket;
mod local_copy;
mod marks;
mod shared;
#[cfg(test)]
mod tests;
mod watcher;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::watch;
use tokio::time::timeout;

use self::bucket::Bucket;
use self::shared::Shared;
use super::nats::{Nats, REQUEST_WITHIN};
use super::table::{Expect, ReadError, Row, Table, WriteError, check_key};
use crate::sync::lock;
use crate::tasks::Tasks;

/// The name of a table, and of the task that watches it.
#[derive(Debug, Clone, Copy)]
pub struct TableName {
    /// The bucket's name without its prefix.
    pub table: &'static str,
    /// `table` and the name.
    pub task: &'static str,
}

/// A table could not be opened.
#[derive(Debug, thiserror::Error)]
#[error("the table {table} of NATS cannot be read")]
pub struct OpenError {
    table: &'static str,
    source: Box<dyn std::error::Error + Send + Sync>,
}

/// The table of one node. It goes on by itself when NATS goes away and comes back, with or without its data.
pub struct KvTable<V> {
    shared: Arc<Shared<V>>,
}

impl<V> KvTable<V>
where
    V: Serialize + DeserializeOwned + Send + Sync + 'static,
{
    /// Opens a table, makes it if it is missing, and reads it. Waits up to `limit` for that.
    ///
    /// # Errors
    /// When NATS does not let it be read in time, or the server stops.
    pub async fn open(
        tasks: &Tasks,
        nats: &Nats,
        name: TableName,
        limit: Duration,
    ) -> Result<Arc<Self>, OpenError> {
        let shared = Arc::new(Shared::new(name.table, Bucket::new(nats.clone(), name.table)));
        let mut current = shared.current.subscribe();
        tasks.spawn_vital(name.task, watcher::watch(tasks.clone(), shared.clone()));
        let is_read = tokio::select! {
            read = timeout(limit, current.wait_for(Option::is_some)) => read.is_ok(),
            () = tasks.stopping() => false,
        };
        if is_read {
            return Ok(Arc::new(Self { shared }));
        }
        let source = lock(&shared.trouble).take().unwrap_or_else(|| "no answer in time".into());
        Err(OpenError { table: name.table, source })
    }
}

impl<V: Serialize + Send + Sync> KvTable<V> {
    /// Writes `value` and notes it in the local copy.
    async fn write(
        &self,
        key: String,
        value: Option<V>,
        expect: Expect,
    ) -> Result<u64, WriteError> {
        check_key(&key).map_err(|error| WriteError::Away(error.into()))?;
        let json = value.as_ref().map(serde_json::to_vec).transpose();
        let json = json.map_err(|error| WriteError::Away(error.into()))?.map(Bytes::from);
        let is_removal = value.is_none();
        let load = lock(&self.shared.local).load();
        let written = timeout(REQUEST_WITHIN, self.shared.bucket.write_if(&key, json, expect));
        let written = written.await.map_err(|elapsed| WriteError::Away(elapsed.into()));
        let revision = match written.and_then(|written| written) {
            Ok(revision) => revision,
            Err(error) => {
                if let WriteError::Away(_) = error {
                    self.shared.doubt.notify_one();
                }
                return Err(error);
            }
        };
        let (is_news, is_of_this_load) = {
            let mut local = lock(&self.shared.local);
            (local.wrote(load, &key, revision, value), local.load() == load)
        };
        if is_news {
            self.shared.changes.send_modify(|changes| *changes += 1);
        }
        // Whether the watch was faster or not. A revision of before a load may be one of a table that is gone.
        if is_removal && is_of_this_load {
            lock(&self.shared.marks).made(&key, revision);
        }
        Ok(revision)
    }
}

impl<V> Table<V> for KvTable<V>
where
    V: Serialize + DeserializeOwned + Send + Sync + 'static,
{
    fn get(&self, key: &str) -> Option<Arc<Row<V>>> {
        lock(&self.shared.local).rows().get(key).cloned()
    }

    fn rows(&self) -> Vec<(String, Arc<Row<V>>)> {
        let local = lock(&self.shared.local);
        local.rows().iter().map(|(key, row)| (key.clone(), row.clone())).collect()
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.shared.changes.subscribe()
    }

    fn current_since(&self) -> Option<Instant> {
        *self.shared.current.borrow()
    }

    fn read(&self, key: &str) -> BoxFuture<'_, Result<Option<Arc<Row<V>>>, ReadError>> {
        let key = key.to_owned();
        Box::pin(async move {
            check_key(&key).map_err(|error| ReadError(error.into()))?;
            let entry = timeout(REQUEST_WITHIN, self.shared.bucket.entry(&key)).await;
            let entry = entry.map_err(|elapsed| ReadError(elapsed.into()))?.map_err(ReadError)?;
            let Some(entry) = entry else { return Ok(None) };
            let Some(json) = entry.value else { return Ok(None) };
            let value = serde_json::from_slice(&json).map_err(|error| ReadError(error.into()))?;
            Ok(Some(Arc::new(Row { value, revision: entry.revision })))
        })
    }

    fn put(&self, key: &str, value: V, expect: Expect) -> BoxFuture<'_, Result<u64, WriteError>> {
        Box::pin(self.write(key.to_owned(), Some(value), expect))
    }

    fn remove(&self, key: &str, expect: Expect) -> BoxFuture<'_, Result<(), WriteError>> {
        let key = key.to_owned();
        Box::pin(async move {
            if expect == Expect::Absent {
                // There is nothing to write.
                let found =
                    self.read(&key).await.map_err(|ReadError(error)| WriteError::Away(error))?;
                return if found.is_none() { Ok(()) } else { Err(WriteError::Conflict) };
            }
            self.write(key, None, expect).await.map(drop)
        })
    }
}
