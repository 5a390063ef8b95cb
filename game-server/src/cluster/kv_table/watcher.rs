//! Keeps the local copy of a table as the table is, for as long as the server runs.
//!
//! Each time it begins, it reads everything, and then replaces the copy as a whole. So it does not matter what was missed, and
//! whether the table was emptied meanwhile. A check every two seconds asks the leader whether it is still the same table,
//! and whether this node has seen what it had then.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use serde::de::DeserializeOwned;
use tokio::time::{sleep, timeout};

use super::bucket::{BoxError, Entry, State};
use super::local_copy::Rows;
use super::shared::Shared;
use crate::cluster::nats::pause;
use crate::cluster::table::Row;
use crate::sync::lock;
use crate::tasks::Tasks;

const CHECK_EVERY: Duration = Duration::from_secs(2);
/// The longest time between two entries while everything is read.
const SILENCE_MAX: Duration = Duration::from_secs(5);
const SWEEP_EVERY: Duration = Duration::from_secs(2);
/// Marks of removed rows that are deleted in one go.
const SWEPT_AT_ONCE_MAX: usize = 256;

type Entries<'a> = BoxStream<'a, Result<Entry, BoxError>>;

/// Why the copy is read again.
#[derive(Debug, thiserror::Error)]
enum Lost {
    #[error("it is another table than before")]
    MadeAgain,
    #[error("changes do not arrive")]
    Behind,
    #[error("nothing arrives while everything is read")]
    Silent,
    #[error("it ended")]
    Ended,
}

/// Watches until the server stops.
pub(super) async fn watch<V>(tasks: Tasks, shared: Arc<Shared<V>>)
where
    V: DeserializeOwned + Send + Sync + 'static,
{
    let mut attempt = 0;
    loop {
        let error = tokio::select! {
            biased;
            () = tasks.stopping() => return,
            Err(error) = follow(&shared, attempt) => error,
        };
        let was_current = shared.current.send_replace(None).is_some();
        attempt = if was_current { 1 } else { attempt + 1 };
        if attempt == 1 {
            let error = &*error as &dyn std::error::Error;
            tracing::warn!(table = shared.name, error, "a table stands still on this node");
        }
        *lock(&shared.trouble) = Some(error);
        tokio::select! {
            () = tasks.stopping() => return,
            () = sleep(pause(attempt)) => {}
        }
    }
}

async fn follow<V>(shared: &Shared<V>, attempt: usize) -> Result<Infallible, BoxError>
where
    V: DeserializeOwned + Send + Sync + 'static,
{
    let state = shared.bucket.open().await?;
    // Before it is known what there is to read, so that no own write falls between.
    lock(&shared.local).begin_load();
    lock(&shared.marks).clear();
    let mut strange = BTreeSet::new();
    let newest = shared.bucket.newest().await?;
    let mut entries = shared.bucket.entries().await?;
    let (rows, seen) = read_all(shared, &mut entries, newest, &mut strange).await?;
    lock(&shared.local).complete_load(rows, seen.max(state.last));
    shared.changes.send_modify(|changes| *changes += 1);
    shared.current.send_replace(Some(Instant::now()));
    if attempt > 0 {
        tracing::info!(table = shared.name, "a table is followed again");
    }
    tokio::select! {
        ended = apply_changes(shared, entries, strange) => ended,
        ended = check(shared, state) => ended,
        never = sweep(shared) => match never {},
    }
}

/// Reads every row. Returns the revision up to which they are complete.
async fn read_all<V: DeserializeOwned>(
    shared: &Shared<V>,
    entries: &mut Entries<'_>,
    newest: Option<u64>,
    strange: &mut BTreeSet<String>,
) -> Result<(Rows<V>, u64), BoxError> {
    let (mut rows, mut marks, mut seen) = (Rows::new(), Vec::new(), 0);
    // They come in order. The newest one may be replaced meanwhile, by one that is newer still.
    while newest.is_some_and(|newest| seen < newest) {
        let next = timeout(SILENCE_MAX, entries.next()).await;
        let entry = next.map_err(|_elapsed| Lost::Silent)?.ok_or(Lost::Ended)??;
        let revision = entry.revision;
        seen = revision;
        let is_mark = entry.value.is_none();
        // A row that changes while it is read comes twice.
        match value(shared.name, &entry, strange) {
            Some(value) => rows.insert(entry.key, Arc::new(Row { value, revision })),
            None => {
                let before = rows.remove(&entry.key);
                if is_mark {
                    marks.push((entry.key, revision));
                }
                before
            }
        };
    }
    lock(&shared.marks).found(marks);
    Ok((rows, seen))
}

async fn apply_changes<V: DeserializeOwned>(
    shared: &Shared<V>,
    mut entries: Entries<'_>,
    mut strange: BTreeSet<String>,
) -> Result<Infallible, BoxError> {
    loop {
        let entry = entries.next().await.ok_or(Lost::Ended)??;
        let value = value(shared.name, &entry, &mut strange);
        let is_news = lock(&shared.local).apply(entry.key, entry.revision, value)?;
        if is_news {
            shared.changes.send_modify(|changes| *changes += 1);
        }
    }
}

/// What a row says. `None` if it is gone, or of a newer build, so that it is not understood. `strange` are the keys of those.
fn value<V: DeserializeOwned>(
    table: &str,
    entry: &Entry,
    strange: &mut BTreeSet<String>,
) -> Option<V> {
    match serde_json::from_slice(entry.value.as_ref()?) {
        Ok(value) => Some(value),
        Err(error) => {
            // Once: it may be written again every second.
            if strange.insert(entry.key.clone()) {
                tracing::warn!(table, key = entry.key, %error, "a row is not understood");
            }
            None
        }
    }
}

/// Asks the leader from time to time. Returns when this node has lost the table.
async fn check<V>(shared: &Shared<V>, first: State) -> Result<Infallible, BoxError> {
    let mut before = first.last;
    loop {
        tokio::select! {
            () = sleep(CHECK_EVERY) => {}
            () = shared.doubt.notified() => {}
        }
        let state = shared.bucket.state().await?;
        if state.created != first.created || state.last < before {
            return Err(Lost::MadeAgain.into());
        }
        // What there was at the check before.
        if lock(&shared.local).seen() < before {
            return Err(Lost::Behind.into());
        }
        before = state.last;
    }
}

/// Deletes the marks of rows that were removed long ago. Without that, a table keeps the key of each row that it ever had.
async fn sweep<V>(shared: &Shared<V>) -> Infallible {
    loop {
        sleep(SWEEP_EVERY).await;
        let due = lock(&shared.marks).take_due(Instant::now(), SWEPT_AT_ONCE_MAX);
        for (key, mark) in due {
            if let Err(error) = shared.bucket.forget(&key, mark).await {
                // It is found again when everything is read.
                tracing::debug!(table = shared.name, key, %error, "the mark of a row stays");
            }
        }
    }
}
