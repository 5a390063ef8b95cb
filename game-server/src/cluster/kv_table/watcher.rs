//! Keeps the local copy of a table as the table is, for as long as the server runs.
//!
//! Each time it begins, it reads everything, and then replaces the copy as a whole. So it does not matter what was missed, and
//! whether the table was emptied meanwhile. A check every two seconds asks the leader whether it is still the same table,
//! and whether this node has seen what it had then. After a new connection everything is read again, too: NATS may have lost
//! the newest rows meanwhile and given their revisions to others.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use serde::de::DeserializeOwned;
use tokio::time::{sleep, timeout};

use super::bucket::{BoxError, Bucket, Entry, State};
use super::local_copy::{Applied, Rows};
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
    #[error("the connection to NATS is another one than before")]
    Reconnected,
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
            say(shared.name, &error);
        }
        *lock(&shared.trouble) = Some(error);
        tokio::select! {
            () = tasks.stopping() => return,
            () = sleep(pause(attempt)) => {}
        }
    }
}

fn say(table: &str, error: &BoxError) {
    let is_harmless = matches!(error.downcast_ref(), Some(Lost::Reconnected));
    let error = &**error as &dyn std::error::Error;
    if is_harmless {
        tracing::debug!(table, error, "a table is read again");
    } else {
        tracing::warn!(table, error, "a table stands still on this node");
    }
}

async fn follow<V>(shared: &Shared<V>, attempt: usize) -> Result<Infallible, BoxError>
where
    V: DeserializeOwned + Send + Sync + 'static,
{
    let (state, connections) = open(&shared.bucket).await?;
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
        ended = check(shared, state, connections) => ended,
        never = sweep(shared) => match never {},
    }
}

/// Asks for the state of the bucket. Returns also the number of the connection that it was asked over.
async fn open(bucket: &Bucket) -> Result<(State, u64), BoxError> {
    loop {
        let connections = bucket.connections();
        let state = bucket.open().await?;
        if bucket.connections() == connections {
            return Ok((state, connections));
        }
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
        let applied = lock(&shared.local).apply(entry.key, entry.revision, value);
        match applied {
            Applied::News => shared.changes.send_modify(|changes| *changes += 1),
            Applied::Known => {}
            // The leader knows whether the table was made again.
            Applied::Again => shared.doubt.notify_one(),
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

/// Asks the leader from time to time. Returns when this node has lost the table. `first` is what the leader said when
/// everything was read, over the connection of this number.
async fn check<V>(
    shared: &Shared<V>,
    first: State,
    connections: u64,
) -> Result<Infallible, BoxError> {
    let mut before = Before { at: Instant::now(), last: first.last };
    loop {
        tokio::select! {
            () = sleep(CHECK_EVERY) => {}
            () = shared.doubt.notified() => {}
        }
        if shared.bucket.connections() != connections {
            return Err(Lost::Reconnected.into());
        }
        let state = shared.bucket.state().await?;
        before = before.next(&first, &state, lock(&shared.local).seen(), Instant::now())?;
    }
}

/// What the leader had at an earlier check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Before {
    at: Instant,
    last: u64,
}

impl Before {
    /// Compares with what the leader has now, and with what this node has `seen`. Returns with what to compare the next time.
    fn next(self, first: &State, now: &State, seen: u64, at: Instant) -> Result<Self, Lost> {
        if now.created != first.created || now.last < self.last {
            return Err(Lost::MadeAgain);
        }
        // A doubt may follow another at once. A change takes a moment to arrive here.
        if at.saturating_duration_since(self.at) < CHECK_EVERY {
            return Ok(self);
        }
        if seen < self.last {
            return Err(Lost::Behind);
        }
        Ok(Self { at, last: now.last })
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

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{Before, CHECK_EVERY, Lost};
    use crate::cluster::kv_table::bucket::State;

    fn state(created: &str, last: u64) -> State {
        State { created: created.to_owned(), last }
    }

    #[test]
    fn a_node_is_behind_when_it_lacks_what_the_leader_had_for_a_while() {
        let (first, start) = (state("monday", 5), Instant::now());
        let before = Before { at: start, last: 5 };
        let soon = start + Duration::from_millis(1);

        // Asked twice within a moment, while others write.
        let same = before.next(&first, &state("monday", 9), 5, soon).unwrap();
        assert_eq!(same, before);
        let later = same.next(&first, &state("monday", 9), 5, start + CHECK_EVERY).unwrap();
        assert_eq!(later.last, 9);
        let behind = later.next(&first, &state("monday", 9), 8, start + CHECK_EVERY * 2);
        assert!(matches!(behind, Err(Lost::Behind)), "{behind:?}");
    }

    #[test]
    fn a_table_that_was_made_again_or_has_lost_rows_is_noticed_at_once() {
        let (first, at) = (state("monday", 5), Instant::now());
        let before = Before { at, last: 7 };
        for now in [state("tuesday", 9), state("monday", 6)] {
            let lost = before.next(&first, &now, 7, at);
            assert!(matches!(lost, Err(Lost::MadeAgain)), "{lost:?}");
        }
    }
}
