//! The table of the living nodes, in which every node writes its row again and again.

mod judge;
#[cfg(test)]
mod tests;
mod timing;

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use serde::{Deserialize, Serialize};
use shared::protocol::{CHAT_SUBPROTOCOL, GAME_SUBPROTOCOLS};
use tokio::sync::watch;
use tokio::time::{interval, sleep, timeout, timeout_at};

use self::judge::Judge;
pub use self::timing::Timing;
use super::kv_table::TableName;
use super::table::{Expect, ReadError, Row, Table, WriteError, withdraw};
use crate::node::NodeName;
use crate::sync::lock;
use crate::tasks::Tasks;

/// The table of the nodes. A row's key is the node's name.
pub const NODES: TableName = TableName { table: "nodes", task: "table nodes" };

/// What a node says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeRow {
    /// Another one for each start.
    pub boot: String,
    /// Its version.
    #[serde(default)]
    pub build: String,
    /// The subprotocols that it speaks.
    #[serde(default)]
    pub wire: Vec<String>,
    /// How much it does.
    #[serde(flatten)]
    pub load: Load,
}

/// How much a node does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Load {
    /// It takes nobody new and will stop.
    #[serde(default)]
    pub draining: bool,
    /// Rooms that are open on it.
    #[serde(default)]
    pub rooms: usize,
    /// Players and spectators in them.
    #[serde(default)]
    pub people: usize,
}

/// Asks this node how much it does.
pub type AskLoad = Arc<dyn Fn() -> Load + Send + Sync>;

/// Why a node did not get its row.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Its name is taken.
    #[error("another node with the name {0} is running")]
    Taken(NodeName),
    /// The table does not answer.
    #[error("the table of the nodes cannot be used")]
    Away(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// A running node has lost its row to another one of its name.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("another node with the name {0} has taken over")]
struct TakenOver(NodeName);

/// The nodes, as this one knows them. Cheap to clone.
#[derive(Clone)]
pub struct Nodes {
    shared: Arc<Shared>,
}

struct Shared {
    name: NodeName,
    boot: String,
    table: Arc<dyn Table<NodeRow>>,
    timing: Timing,
    ask_load: AskLoad,
    judge: Mutex<Judge>,
    changes: watch::Sender<u64>,
}

/// The own row.
struct Own {
    /// What the next write expects.
    expect: Expect,
    /// Whether the row was found to be another node's.
    was_strange: bool,
}

/// What became of writing the own row.
#[derive(Debug, PartialEq, Eq)]
enum Beat {
    Acknowledged,
    Failed,
    TakenOver,
}

impl Nodes {
    /// Writes the row of this node, and goes on doing so until the server stops. If there is a row of this name, it waits whether
    /// another node writes it. A node that loses its row to another one of its name stops the server.
    ///
    /// # Errors
    /// See [`StartError`].
    pub async fn start(
        tasks: &Tasks,
        table: Arc<dyn Table<NodeRow>>,
        name: NodeName,
        timing: Timing,
        ask_load: AskLoad,
    ) -> Result<Self, StartError> {
        let shared = Shared {
            boot: format!("{:016x}", rand::random::<u64>()),
            judge: Mutex::new(Judge::new(name.clone(), timing, Instant::now())),
            name,
            table,
            timing,
            ask_load,
            changes: watch::Sender::new(0),
        };
        let nodes = Self { shared: Arc::new(shared) };
        let revision = nodes.shared.claim().await?;
        lock(&nodes.shared.judge).acknowledged(Instant::now());
        let own = Own { expect: Expect::Revision(revision), was_strange: false };
        tasks.spawn_vital("nodes", run(tasks.clone(), nodes.shared.clone(), own));
        Ok(nodes)
    }

    /// The name of this node.
    #[must_use]
    pub fn own(&self) -> &NodeName {
        &self.shared.name
    }

    /// What distinguishes this start of this node from others.
    #[must_use]
    pub fn boot(&self) -> &str {
        &self.shared.boot
    }

    /// Those that live and have a row, and this one.
    #[must_use]
    pub fn living(&self) -> Vec<NodeName> {
        let mut living: Vec<_> = self.shared.living().into_iter().map(|(name, _)| name).collect();
        if !living.contains(self.own()) {
            living.push(self.own().clone());
        }
        living
    }

    /// Any other node that lives and takes somebody new.
    #[must_use]
    pub fn another(&self) -> Option<NodeName> {
        let mut others = self.shared.living();
        others.retain(|(name, row)| name != self.own() && !row.load.draining);
        let place = rand::random_range(0..others.len().max(1));
        others.into_iter().nth(place).map(|(name, _)| name)
    }

    /// What a node says of itself, whether it lives or not.
    #[must_use]
    pub fn row(&self, name: &NodeName) -> Option<NodeRow> {
        self.shared.table.get(name.as_str()).map(|row| row.value.clone())
    }

    /// The same as the table has it, not only as this node knows it. It takes a round trip: for decisions.
    ///
    /// # Errors
    /// When the table does not answer, or the row is of a newer build.
    pub async fn read_row(&self, name: &NodeName) -> Result<Option<NodeRow>, ReadError> {
        let row = self.shared.table.read(name.as_str()).await?;
        Ok(row.map(|row| row.value.clone()))
    }

    /// Whether a node is dead: it, or its absence, was silent for long while this node was heard. Between living and dead there
    /// are those that are not judged.
    #[must_use]
    pub fn is_dead(&self, name: &NodeName) -> bool {
        lock(&self.shared.judge).is_dead(name)
    }

    /// Whether others may take this node for dead, or will in a moment: no write of it was acknowledged for long.
    #[must_use]
    pub fn may_be_dead(&self) -> bool {
        let silence = self.shared.timing.give_up_after;
        lock(&self.shared.judge).is_silent_for(silence, Instant::now())
    }

    /// Counts the changes of who lives, who is dead, and what they say of themselves except for numbers.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.shared.changes.subscribe()
    }

    /// Since when this node has been heard without a break: the silence of others counts from then on. `None` while it is not.
    #[must_use]
    pub fn heard_since(&self) -> Option<Instant> {
        lock(&self.shared.judge).heard_since(Instant::now())
    }
}

impl Shared {
    fn row(&self) -> NodeRow {
        NodeRow {
            boot: self.boot.clone(),
            build: env!("CARGO_PKG_VERSION").to_owned(),
            wire: [GAME_SUBPROTOCOLS, &[CHAT_SUBPROTOCOL]]
                .concat()
                .into_iter()
                .map(str::to_owned)
                .collect(),
            load: (self.ask_load)(),
        }
    }

    /// Takes the row of this node's name. Returns its revision.
    async fn claim(&self) -> Result<u64, StartError> {
        let (began, mut has_said) = (Instant::now(), false);
        loop {
            let error = match self.try_to_claim().await {
                Ok(Some(revision)) => return Ok(revision),
                // Something has changed meanwhile.
                Ok(None) => continue,
                Err(StartError::Away(error)) if began.elapsed() < self.timing.start_within => error,
                Err(error) => return Err(error),
            };
            if !std::mem::replace(&mut has_said, true) {
                tracing::warn!(%error, "the start waits for the table of the nodes");
            }
            sleep(self.timing.look_every()).await;
        }
    }

    async fn try_to_claim(&self) -> Result<Option<u64>, StartError> {
        let key = self.name.as_str();
        let expect = match self.read_own().await? {
            None => Expect::Absent,
            // A write whose outcome was not known.
            Some(row) if row.value.boot == self.boot => return Ok(Some(row.revision)),
            Some(row) => self.wait_for_silence(row.revision).await?,
        };
        match self.table.put(key, self.row(), expect).await {
            Ok(revision) => Ok(Some(revision)),
            Err(WriteError::Conflict) => Ok(None),
            Err(error @ WriteError::Away(_)) => Err(StartError::Away(error.into())),
        }
    }

    async fn read_own(&self) -> Result<Option<Arc<Row<NodeRow>>>, StartError> {
        let row = self.table.read(self.name.as_str()).await;
        row.map_err(|error| StartError::Away(error.into()))
    }

    /// Waits whether another node of this name writes its row of this revision again. Returns what there is if it does not.
    async fn wait_for_silence(&self, revision: u64) -> Result<Expect, StartError> {
        let until = tokio::time::Instant::now() + self.timing.claim_after;
        let mut changes = self.table.changes();
        loop {
            // The table itself is asked whatever has changed: the copy of this node may be behind.
            let is_over = timeout_at(until, changes.changed()).await.is_err();
            match self.read_own().await? {
                None => return Ok(Expect::Absent),
                Some(row) if row.revision != revision => {
                    return Err(StartError::Taken(self.name.clone()));
                }
                Some(_) if is_over => return Ok(Expect::Revision(revision)),
                Some(_) => {}
            }
        }
    }

    /// Writes the own row once.
    async fn beat(&self, own: &mut Own) -> Beat {
        let key = self.name.as_str();
        // The second time after it was found out what is there.
        for _ in 0..2 {
            match self.table.put(key, self.row(), own.expect).await {
                Ok(revision) => {
                    *own = Own { expect: Expect::Revision(revision), was_strange: false };
                    return Beat::Acknowledged;
                }
                Err(WriteError::Away(_)) => return Beat::Failed,
                Err(WriteError::Conflict) => {}
            }
            match self.table.read(key).await {
                // A write whose outcome was not known.
                Ok(Some(row)) if row.value.boot == self.boot => {
                    own.expect = Expect::Revision(row.revision);
                }
                // The table was emptied.
                Ok(None) => own.expect = Expect::Absent,
                // Not at the first time: that may be an old answer, of a leader of before.
                Ok(Some(_)) if own.was_strange => return Beat::TakenOver,
                Ok(Some(_)) => {
                    own.was_strange = true;
                    return Beat::Failed;
                }
                Err(_) => return Beat::Failed,
            }
        }
        Beat::Failed
    }

    async fn beats(&self, own: &mut Own) -> TakenOver {
        let mut beats = interval(self.timing.beat_every);
        beats.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            beats.tick().await;
            let beat = self.beat(own).await;
            let mut judge = lock(&self.judge);
            match beat {
                Beat::Acknowledged => judge.acknowledged(Instant::now()),
                Beat::Failed => judge.failed(),
                Beat::TakenOver => return TakenOver(self.name.clone()),
            }
        }
    }

    async fn judge(&self) -> Infallible {
        let (mut changes, mut before) = (self.table.changes(), None);
        loop {
            let rows = self.rows().map(|(name, _, revision)| (name, revision)).collect();
            lock(&self.judge).look(Instant::now(), self.table.current_since(), &rows);
            let picture = (self.living(), lock(&self.judge).verdicts());
            if before.as_ref() != Some(&picture) {
                before = Some(picture);
                self.changes.send_modify(|changes| *changes += 1);
            }
            // The table lives as long as this does. A change that is seen late would count as silence.
            timeout(self.timing.look_every(), changes.changed()).await.ok();
        }
    }

    /// The rows of all nodes, with their revisions.
    fn rows(&self) -> impl Iterator<Item = (NodeName, NodeRow, u64)> {
        let rows = self.table.rows().into_iter();
        rows.filter_map(|(key, row)| Some((key.parse().ok()?, row.value.clone(), row.revision)))
    }

    fn living(&self) -> Vec<(NodeName, NodeRow)> {
        let judge = lock(&self.judge);
        let living = self.rows().filter(|(name, ..)| !judge.is_dead(name));
        let without_numbers = |mut row: NodeRow| {
            row.load = Load { draining: row.load.draining, ..Load::default() };
            row
        };
        living.map(|(name, row, _)| (name, without_numbers(row))).collect()
    }
}

async fn run(tasks: Tasks, shared: Arc<Shared>, mut own: Own) {
    tokio::select! {
        biased;
        () = tasks.stopping() => {}
        error = shared.beats(&mut own) => return tasks.fail(&error),
        never = shared.judge() => match never {},
    }
    // So that others need not wait for its silence.
    let Expect::Revision(revision) = own.expect else { return };
    let (table, boot) = (&*shared.table, &shared.boot);
    let (name, revision) = (shared.name.as_str(), Some(revision));
    let left = withdraw(table, name, revision, |row| row.boot == *boot).await;
    if let Err(error) = left {
        tracing::debug!(%error, "the row of this node stays until its name is used again");
    }
}
