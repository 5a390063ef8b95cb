//! Which room is on which node, and who is in it: a table that all nodes share.
//!
//! A room lives and dies on one node, the only one that writes its row. Rows that wait to be written are the newest of each
//! room, so they do not pile up while NATS is away.
//!
//! A write that was not acknowledged may have succeeded, or may yet do so, and others remove the rows of a node that they take
//! for dead. So a node compares the table with its rooms again and again: see [`Directory::reconcile`].

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use shared::id::{PlayerId, RoomId};
use shared::sim::Mode;
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

use super::nodes::Nodes;
use super::table::{Expect, ReadError, Row, Table, WriteError};
use crate::limits::{Bucket, Rate};
use crate::metrics::Engine;
use crate::node::NodeName;
use crate::sync::lock;
use crate::tasks::Tasks;

/// Changes of who is in a room: some at once, then ten a second. A room that changes again meanwhile is written once. That a
/// room is there, or is over, is written at once.
const CHANGES: Rate = Rate { burst: 20, refill: Duration::from_millis(100) };
/// The pause after a row that could not be written.
const AGAIN_AFTER: Duration = Duration::from_millis(250);
/// The part of the time to stop that is kept for the steps after the directory.
const STOP_RESERVE: Duration = Duration::from_millis(500);
/// How long the opening of a room waits for its row. Without it, the room is found on its own node alone for a moment. Less than
/// the node waits that asked for the room: else it would ask another one, too.
const KNOWN_WITHIN: Duration = Duration::from_millis(500);

/// A room, as other nodes know it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomRow {
    /// Where it is.
    pub node: NodeName,
    /// The start of that node: a room does not survive it.
    pub boot: String,
    /// Its rules.
    pub mode: Mode,
    /// Whether it is not listed.
    pub private: bool,
    /// The people in the room.
    pub people: Vec<Visitor>,
}

/// Somebody in a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Visitor {
    /// The player.
    pub player: PlayerId,
    /// The team of the player's seat. `None` outside Teams, and for spectators.
    pub team: Option<u8>,
    /// Since when the player sits there, in milliseconds since 1970.
    pub since_ms: u64,
}

/// The directory as one node uses it. Cheap to clone.
#[derive(Clone)]
pub struct Directory(Arc<Inner>);

struct Inner {
    nodes: Nodes,
    table: Arc<dyn Table<RoomRow>>,
    pending: Mutex<Pending>,
    changed: Notify,
}

#[derive(Default)]
struct Pending {
    /// The rooms of this node, as they are to stand in the table. Bounded by the rooms that are open.
    rows: BTreeMap<RoomId, RoomRow>,
    /// Rooms to be written or removed, in the order of their first change, but new ones first. Each stands here once.
    order: VecDeque<RoomId>,
}

impl Pending {
    fn note(&mut self, room: RoomId) {
        if !self.order.contains(&room) {
            self.order.push_back(room);
        }
    }
}

/// What was done for a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Written {
    /// The table was as it should be.
    Nothing,
    /// The row was made or removed.
    Room,
    /// The row was changed.
    Change,
}

impl Directory {
    /// Begins to write what this node says of its rooms. Rows of an earlier start are removed; the second value names them,
    /// because those rooms are over.
    #[must_use]
    pub fn start(
        tasks: &Tasks,
        nodes: Nodes,
        table: Arc<dyn Table<RoomRow>>,
        engine: Engine,
    ) -> (Self, Vec<RoomId>) {
        let is_over = |row: &RoomRow| row.node == *nodes.own() && row.boot != nodes.boot();
        let rows = table.rows().into_iter().filter(|(_, row)| is_over(&row.value));
        let over: Vec<RoomId> = rows.filter_map(|(key, _)| key.parse().ok()).collect();
        let order = over.iter().copied().collect();
        let pending = Mutex::new(Pending { rows: BTreeMap::new(), order });
        let inner = Inner { nodes, table, pending, changed: Notify::new() };
        let directory = Self(Arc::new(inner));
        directory.0.changed.notify_one();
        tasks.spawn_vital("directory", directory.clone().write(tasks.clone(), engine));
        (directory, over)
    }

    /// A room of this node opens. To be called before it can end.
    pub fn opened(&self, room: RoomId, mode: Mode, private: bool) {
        let nodes = &self.0.nodes;
        let (node, boot) = (nodes.own().clone(), nodes.boot().to_owned());
        let row = RoomRow { node, boot, mode, private, people: Vec::new() };
        let mut pending = lock(&self.0.pending);
        pending.rows.insert(room, row);
        // Somebody waits for it.
        pending.order.push_front(room);
        drop(pending);
        self.0.changed.notify_one();
    }

    /// Waits a moment until other nodes can know a room that has opened.
    pub async fn until_known(&self, room: RoomId) {
        let (table, key) = (&self.0.table, room.to_string());
        let mut changes = table.changes();
        let known = async { while table.get(&key).is_none() && changes.changed().await.is_ok() {} };
        if timeout(KNOWN_WITHIN, known).await.is_err() {
            tracing::warn!(%room, "other nodes do not know a room yet");
        }
    }

    /// Others are in a room of this node than before.
    pub fn visited(&self, room: RoomId, people: Vec<Visitor>) {
        self.change(room, |rows| {
            if let Some(row) = rows.get_mut(&room) {
                row.people = people;
            }
        });
    }

    /// A room of this node has ended.
    pub fn closed(&self, room: RoomId) {
        self.change(room, |rows| drop(rows.remove(&room)));
    }

    /// The other node on which a room is.
    #[must_use]
    pub fn node_of(&self, room: RoomId) -> Option<NodeName> {
        self.other_node(&*self.0.table.get(&room.to_string())?)
    }

    /// The same as the table has it, not only as this node knows it. It takes a round trip: for a room that this node does not
    /// know.
    ///
    /// # Errors
    /// When the table does not answer, or the row is of a newer build.
    pub async fn read_node_of(&self, room: RoomId) -> Result<Option<NodeName>, ReadError> {
        let row = self.0.table.read(&room.to_string()).await?;
        Ok(row.and_then(|row| self.other_node(&row)))
    }

    fn other_node(&self, row: &Row<RoomRow>) -> Option<NodeName> {
        (row.value.node != *self.0.nodes.own()).then(|| row.value.node.clone())
    }

    /// The player in a room of another node.
    #[must_use]
    pub fn visitor(&self, player: PlayerId, room: RoomId) -> Option<Visitor> {
        let row = self.0.table.get(&room.to_string())?;
        let is_elsewhere = row.value.node != *self.0.nodes.own();
        let found = row.value.people.iter().find(|visitor| visitor.player == player);
        found.filter(|_| is_elsewhere).copied()
    }

    /// The rooms of other nodes in which a player is.
    #[must_use]
    pub fn rooms_of(&self, player: PlayerId) -> Vec<(RoomId, Visitor)> {
        let rows = self.0.table.rows().into_iter();
        let elsewhere = rows.filter(|(_, row)| row.value.node != *self.0.nodes.own());
        let visits = elsewhere.filter_map(|(key, row)| {
            let visitor = row.value.people.iter().find(|visitor| visitor.player == player)?;
            Some((key.parse().ok()?, *visitor))
        });
        visits.collect()
    }

    /// The rooms of all nodes, as this one knows them.
    #[must_use]
    pub fn rows(&self) -> Vec<(RoomId, Arc<Row<RoomRow>>)> {
        let rows = self.0.table.rows().into_iter();
        rows.filter_map(|(key, row)| Some((key.parse().ok()?, row))).collect()
    }

    /// Whether this node has been told of every change for that long.
    #[must_use]
    pub fn is_current_for(&self, time: Duration) -> bool {
        self.0.table.current_since().is_some_and(|since| since.elapsed() >= time)
    }

    /// Removes the row of another node's room, because the room is over.
    ///
    /// # Errors
    /// A conflict when the row has another revision by now.
    pub async fn remove(&self, room: RoomId, revision: u64) -> Result<(), WriteError> {
        self.0.table.remove(&room.to_string(), Expect::Revision(revision)).await
    }

    /// The rooms of this node, as they are to stand in the table.
    #[must_use]
    pub fn own(&self) -> Vec<(RoomId, RoomRow)> {
        lock(&self.0.pending).rows.iter().map(|(room, row)| (*room, row.clone())).collect()
    }

    /// Compares the rooms of this node with the table, and notes where they differ. A row may be gone, because others took this
    /// node for dead or NATS has lost the table. It may say what was true before, or be that of a room that is over, because a
    /// write arrived late.
    pub fn reconcile(&self) {
        let Inner { nodes, table, .. } = &*self.0;
        if table.current_since().is_none() {
            return;
        }
        let mut pending = lock(&self.0.pending);
        let differs = |(room, row): &(&RoomId, &RoomRow)| {
            table.get(&room.to_string()).is_none_or(|known| known.value != **row)
        };
        let mut found: Vec<_> =
            pending.rows.iter().filter(differs).map(|(room, _)| *room).collect();
        let is_own = |row: &RoomRow| row.node == *nodes.own() && row.boot == nodes.boot();
        let own = table.rows().into_iter().filter(|(_, row)| is_own(&row.value));
        let own = own.filter_map(|(key, _)| key.parse().ok());
        found.extend(own.filter(|room| !pending.rows.contains_key(room)));
        found.iter().for_each(|room| pending.note(*room));
        drop(pending);
        if !found.is_empty() {
            self.0.changed.notify_one();
        }
    }

    fn change(&self, room: RoomId, change: impl FnOnce(&mut BTreeMap<RoomId, RoomRow>)) {
        let mut pending = lock(&self.0.pending);
        change(&mut pending.rows);
        pending.note(room);
        drop(pending);
        self.0.changed.notify_one();
    }

    fn next(&self) -> Option<(RoomId, Option<RoomRow>)> {
        let mut pending = lock(&self.0.pending);
        let room = pending.order.pop_front()?;
        Some((room, pending.rows.get(&room).cloned()))
    }

    async fn write(self, tasks: Tasks, engine: Engine) {
        let mut bucket = Bucket::full(Instant::now());
        loop {
            let Some((room, row)) = self.next() else {
                // While the server stops, its rooms still end.
                if tasks.is_stopping() && lock(&self.0.pending).rows.is_empty() {
                    return;
                }
                tokio::select! {
                    () = tasks.stop_overdue(STOP_RESERVE) => return,
                    () = tasks.stopping(), if !tasks.is_stopping() => {}
                    () = self.0.changed.notified() => {}
                }
                continue;
            };
            let written = {
                let _waits = engine.wait();
                tokio::select! {
                    () = tasks.stop_overdue(STOP_RESERVE) => return,
                    written = self.write_one(room, row) => written,
                }
            };
            let has_failed = written.is_err();
            tokio::select! {
                biased;
                () = self.after(room, written, &mut bucket) => {}
                // A stop has no time for pauses. What cannot be written now is removed by others when this node is gone.
                () = tasks.stopping() => if has_failed { return },
            }
        }
    }

    /// Waits until the next row may be written.
    async fn after(&self, room: RoomId, written: Result<Written, WriteError>, bucket: &mut Bucket) {
        match written {
            Ok(Written::Room | Written::Nothing) => {}
            Ok(Written::Change) => {
                while let Err(wait) = bucket.take(CHANGES, Instant::now()) {
                    sleep(wait).await;
                }
            }
            Err(error) => {
                say_later(room, &error);
                lock(&self.0.pending).note(room);
                sleep(AGAIN_AFTER).await;
            }
        }
    }

    /// Nobody else writes the row of a room that is here.
    async fn write_one(&self, room: RoomId, row: Option<RoomRow>) -> Result<Written, WriteError> {
        if self.0.nodes.may_be_dead() {
            // Others would end this room again.
            return Err(WriteError::Away("this node has to be heard first".into()));
        }
        let (table, key) = (&self.0.table, room.to_string());
        match (row, table.get(&key)) {
            (None, None) => Ok(Written::Nothing),
            (Some(row), Some(known)) if known.value == row => Ok(Written::Nothing),
            (Some(row), known) => {
                table.put(&key, row, Expect::Anything).await?;
                Ok(if known.is_some() { Written::Change } else { Written::Room })
            }
            (None, Some(_)) => {
                table.remove(&key, Expect::Anything).await?;
                Ok(Written::Room)
            }
        }
    }
}

fn say_later(room: RoomId, error: &WriteError) {
    let error = error as &dyn std::error::Error;
    tracing::debug!(%room, error, "the row of a room could not be written yet");
}
