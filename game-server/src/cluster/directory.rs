//! Which room is on which node, and who is in it: a table that all nodes share.
//!
//! A room lives and dies on one node, the only one that writes its row. Rows that wait to be written are the newest of each
//! room, so they do not pile up while NATS is away.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use shared::id::{PlayerId, RoomId};
use shared::sim::Mode;
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

use super::table::{Expect, ReadError, Row, Table, WriteError};
use crate::limits::{Bucket, Rate};
use crate::metrics::Engine;
use crate::node::NodeName;
use crate::sync::lock;
use crate::tasks::Tasks;

/// Rows that a node writes: some at once, then ten a second. A room that changes again meanwhile is written once.
const WRITES: Rate = Rate { burst: 20, refill: Duration::from_millis(100) };
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
    node: NodeName,
    boot: String,
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

impl Directory {
    /// Begins to write what this node says of its rooms; `boot` stands in its row of the table of the nodes, too. Rows of an
    /// earlier start are removed; the second value names them, because those rooms are over.
    #[must_use]
    pub fn start(
        tasks: &Tasks,
        node: NodeName,
        boot: String,
        table: Arc<dyn Table<RoomRow>>,
        engine: Engine,
    ) -> (Self, Vec<RoomId>) {
        let is_over = |row: &RoomRow| row.node == node && row.boot != boot;
        let rows = table.rows().into_iter().filter(|(_, row)| is_over(&row.value));
        let over: Vec<RoomId> = rows.filter_map(|(key, _)| key.parse().ok()).collect();
        let order = over.iter().copied().collect();
        let pending = Mutex::new(Pending { rows: BTreeMap::new(), order });
        let inner = Inner { node, boot, table, pending, changed: Notify::new() };
        let directory = Self(Arc::new(inner));
        directory.0.changed.notify_one();
        tasks.spawn_vital("directory", directory.clone().write(tasks.clone(), engine));
        (directory, over)
    }

    /// A room of this node has opened. Waits a moment until other nodes can know it.
    pub async fn opened(&self, room: RoomId, mode: Mode, private: bool) {
        let Inner { node, boot, table, .. } = &*self.0;
        let (node, boot) = (node.clone(), boot.clone());
        let row = RoomRow { node, boot, mode, private, people: Vec::new() };
        {
            // Somebody waits for it.
            let mut pending = lock(&self.0.pending);
            pending.rows.insert(room, row);
            pending.order.push_front(room);
        }
        self.0.changed.notify_one();
        let mut changes = table.changes();
        let known = async {
            while table.get(&room.to_string()).is_none() && changes.changed().await.is_ok() {}
        };
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
        (row.value.node != self.0.node).then(|| row.value.node.clone())
    }

    /// The player in a room of another node.
    #[must_use]
    pub fn visitor(&self, player: PlayerId, room: RoomId) -> Option<Visitor> {
        let row = self.0.table.get(&room.to_string())?;
        let is_elsewhere = row.value.node != self.0.node;
        let found = row.value.people.iter().find(|visitor| visitor.player == player);
        found.filter(|_| is_elsewhere).copied()
    }

    /// The rooms of other nodes in which a player is.
    #[must_use]
    pub fn rooms_of(&self, player: PlayerId) -> Vec<(RoomId, Visitor)> {
        let rows = self.0.table.rows().into_iter();
        let elsewhere = rows.filter(|(_, row)| row.value.node != self.0.node);
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

    /// Writes the rows again that others have removed: they took this node for dead, or NATS has lost the table.
    pub fn write_lost(&self) {
        let mut pending = lock(&self.0.pending);
        let is_lost = |room: &&RoomId| self.0.table.get(&room.to_string()).is_none();
        let lost: Vec<_> = pending.rows.keys().filter(is_lost).copied().collect();
        lost.iter().for_each(|room| pending.note(*room));
        drop(pending);
        if !lost.is_empty() {
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
            let _waits = engine.wait();
            let written = tokio::select! {
                () = tasks.stop_overdue(STOP_RESERVE) => return,
                written = self.write_one(room, row) => written,
            };
            let failed = written.is_err();
            let pause = match written {
                Ok(()) => bucket.take(WRITES, Instant::now()).err(),
                Err(error) => {
                    say_later(room, &error);
                    lock(&self.0.pending).note(room);
                    Some(AGAIN_AFTER)
                }
            };
            // A stop has no time for pauses between rows that are written.
            let pause = pause.filter(|_| failed || !tasks.is_stopping()).unwrap_or_default();
            tokio::select! {
                () = tasks.stop_overdue(STOP_RESERVE) => return,
                () = sleep(pause) => {}
            }
        }
    }

    /// Nobody else writes the row of a room that is here.
    async fn write_one(&self, room: RoomId, row: Option<RoomRow>) -> Result<(), WriteError> {
        let (table, key) = (&self.0.table, room.to_string());
        match row {
            Some(row) if table.get(&key).is_some_and(|known| known.value == row) => Ok(()),
            Some(row) => table.put(&key, row, Expect::Anything).await.map(drop),
            None if table.get(&key).is_none() => Ok(()),
            None => table.remove(&key, Expect::Anything).await,
        }
    }
}

fn say_later(room: RoomId, error: &WriteError) {
    let error = error as &dyn std::error::Error;
    tracing::debug!(%room, error, "the row of a room could not be written yet");
}
