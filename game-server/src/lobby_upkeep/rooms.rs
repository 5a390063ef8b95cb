//! Rooms that are over although no node said so.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use shared::id::{PlayerId, RoomId};

use super::lasting::Lasting;
use super::scores::Scores;
use super::shared_state::{SharedState, listed_rooms};
use crate::cluster::directory::RoomRow;
use crate::cluster::table::{Row, WriteError};
use crate::feeds::Feeds;
use crate::node::NodeName;
use crate::storage::StoreError;

/// How long a room may be in the list and in no row of the directory: both are told at the same time, by different ways.
const ABSENT_FOR: Duration = Duration::from_secs(10);
/// How long a room may be of another start than the row of its node: the two tables may arrive one after the other.
const RESTARTED_FOR: Duration = Duration::from_secs(5);

/// A row of the directory.
type Known = (RoomId, Arc<Row<RoomRow>>);

/// Closes the rooms that are over.
pub(super) struct Rooms {
    shared: SharedState,
    feeds: Arc<Feeds>,
    /// Rooms in the list without a row in the directory.
    absent: Lasting<RoomId>,
    /// Rooms of an earlier start of their node.
    restarted: Lasting<RoomId>,
}

impl Rooms {
    pub(super) fn new(shared: SharedState, feeds: Arc<Feeds>) -> Self {
        let (absent, restarted) = (Lasting::new(ABSENT_FOR), Lasting::new(RESTARTED_FOR));
        Self { shared, feeds, absent, restarted }
    }

    /// This node is not the steward.
    pub(super) fn forget(&mut self) {
        self.absent.forget();
        self.restarted.forget();
    }

    pub(super) async fn look(&mut self, scores: &Scores) {
        let known = self.shared.directory.rows();
        let over = self.over(&known).await;
        let is_over = |room: &RoomId| over.iter().any(|(other, _)| other == room);
        let living = known.iter().filter(|(room, _)| !is_over(room));
        let seated = living.flat_map(|(_, row)| &row.value.people).map(|visitor| visitor.player);
        let seated: HashSet<PlayerId> = seated.collect();
        if self.shared.steward.is_held() {
            let listed = listed_rooms(&self.feeds);
            let listed = over.iter().filter(|(room, _)| listed.contains(room));
            listed.for_each(|(room, _)| self.shared.bus.end_room(*room));
        }
        for (room, row) in &over {
            if !self.shared.steward.is_held() {
                return;
            }
            if let Err(error) = self.end(*room, row, &seated, scores).await {
                // The next look tries again. Now it would be the same for the other rooms.
                let error = &error as &dyn std::error::Error;
                tracing::warn!(%room, error, "the rows of a dead room's players cannot be read yet");
                break;
            }
        }
        self.end_absent(&known);
    }

    /// Rooms whose node is dead, or has started again.
    async fn over(&mut self, known: &[Known]) -> Vec<Known> {
        let nodes = &self.shared.nodes;
        let is_of_this_start =
            |row: &RoomRow| row.node == *nodes.own() && !is_of_another_start(row, nodes.boot());
        let others = known.iter().filter(|(_, row)| !is_of_this_start(&row.value));
        let (dead, others): (Vec<_>, Vec<_>) =
            others.cloned().partition(|(_, row)| nodes.is_dead(&row.value.node));
        let is_of_before = |row: &RoomRow| {
            nodes.row(&row.node).is_some_and(|of_node| is_of_another_start(row, &of_node.boot))
        };
        let of_before = others.iter().filter(|(_, row)| is_of_before(&row.value));
        let lasting = self.restarted.look(Instant::now(), of_before.map(|(room, _)| *room));
        let (mut over, mut boots) = (dead, BTreeMap::new());
        for (room, row) in others.into_iter().filter(|(room, _)| lasting.contains(room)) {
            let node = &row.value.node;
            if !boots.contains_key(node) {
                boots.insert(node.clone(), self.read_boot(node).await);
            }
            let boot = boots.get(node).and_then(Option::as_deref);
            if boot.is_some_and(|boot| is_of_another_start(&row.value, boot)) {
                over.push((room, row));
            }
        }
        over
    }

    /// The start of a node as the table has it. `None` when that is not known.
    async fn read_boot(&self, node: &NodeName) -> Option<String> {
        self.shared.nodes.read_row(node).await.ok().flatten().map(|row| row.boot)
    }

    /// Takes a room out of its players' rows and, at last, the directory.
    ///
    /// # Errors
    /// When the store fails: then it has to be done again.
    async fn end(
        &self,
        room: RoomId,
        row: &Row<RoomRow>,
        seated: &HashSet<PlayerId>,
        scores: &Scores,
    ) -> Result<(), StoreError> {
        let people = row.value.people.iter().map(|visitor| visitor.player);
        let left = people.filter(|player| !seated.contains(player)).collect();
        scores.leave(room, left).await?;
        match self.shared.directory.remove(room, row.revision).await {
            Ok(()) => {
                let node = &row.value.node;
                tracing::info!(%room, %node, "a room ended with its node");
            }
            // Its node lives, or another steward was faster.
            Err(WriteError::Conflict) => {}
            Err(WriteError::Away(error)) => {
                tracing::debug!(%room, error, "a room stays in the directory for now");
            }
        }
        Ok(())
    }

    /// Ends rooms in the list that no directory knows: their rows were removed, and the end was not told.
    fn end_absent(&mut self, known: &[Known]) {
        let SharedState { directory, bus, .. } = &self.shared;
        if !directory.is_current_for(ABSENT_FOR) {
            return self.absent.forget();
        }
        let own = directory.own();
        let own = own.iter().map(|(room, _)| *room);
        let known: HashSet<_> = known.iter().map(|(room, _)| *room).chain(own).collect();
        let absent = listed_rooms(&self.feeds).into_iter().filter(|room| !known.contains(room));
        for room in self.absent.look(Instant::now(), absent) {
            tracing::info!(%room, "a room is listed that no node has");
            bus.end_room(room);
        }
    }
}

/// Whether a room does not live in this start of its node.
fn is_of_another_start(row: &RoomRow, boot: &str) -> bool {
    row.boot != boot
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    use shared::id::RoomId;
    use shared::sim::Mode;
    use tokio::time::sleep;

    use super::{RESTARTED_FOR, Rooms, Scores, SharedState};
    use crate::cluster::directory::{Directory, RoomRow};
    use crate::cluster::memory_table::MemoryTable;
    use crate::cluster::nodes::{Load, Nodes, Timing};
    use crate::cluster::steward::Steward;
    use crate::cluster::table::{Expect, Table as _};
    use crate::cluster::testing::{PATIENCE, tasks};
    use crate::feeds::Feeds;
    use crate::feeds::shared_bus::SharedBus;
    use crate::metrics::Engines;
    use crate::storage::{DatabaseUrl, SqlStore};

    /// A write of the start before was not acknowledged, and arrives when this one has looked for such rows.
    #[tokio::test]
    async fn a_late_row_of_an_earlier_start_of_the_steward_itself_is_removed() {
        let (tasks, table) = (tasks(), Arc::new(MemoryTable::default()));
        let (name, load) = ("ada".parse().unwrap(), Arc::new(Load::default));
        let nodes = Arc::new(MemoryTable::default());
        let nodes = Nodes::start(&tasks, nodes, name, Timing::default(), load).await.unwrap();
        let engine = Engines::default().nats;
        let (directory, _) = Directory::start(&tasks, nodes.clone(), table.clone(), engine);
        let (node, boot) = (nodes.own().clone(), nodes.boot().to_owned());
        let (bus, steward) = (SharedBus::new(), Steward::always());
        let shared = SharedState { directory, nodes, steward, bus };
        let folder = tempfile::tempdir().unwrap();
        let store = DatabaseUrl::sqlite(&folder.path().join("test.sqlite"));
        let store = Arc::new(SqlStore::open(&store).await.unwrap());
        let feeds = Arc::new(Feeds::new(Duration::from_secs(1)));
        let scores = Scores::new(shared.clone(), feeds.clone(), store);
        let mut rooms = Rooms::new(shared, feeds);
        let row = |boot: &str| {
            let (node, boot) = (node.clone(), boot.to_owned());
            RoomRow { node, boot, mode: Mode::Brawl, private: false, people: vec![] }
        };
        let (late, own) = (RoomId::from_bits(1).to_string(), RoomId::from_bits(2).to_string());
        table.put(&late, row("before"), Expect::Absent).await.unwrap();
        table.put(&own, row(&boot), Expect::Absent).await.unwrap();

        let began = Instant::now();
        while table.get(&late).is_some() {
            assert!(began.elapsed() < PATIENCE, "the row stays");
            rooms.look(&scores).await;
            sleep(Duration::from_millis(50)).await;
        }

        assert!(began.elapsed() >= RESTARTED_FOR, "{:?}", began.elapsed());
        assert!(table.get(&own).is_some());
    }
}
