//! The role of the steward: one node at a time does what only one may do.
//!
//! For a moment there may be two, when a write takes seconds to arrive. What a steward does is therefore done by
//! compare-and-set, so that two do no harm.

mod candidate;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::time::{sleep, timeout_at};
use tokio_util::sync::CancellationToken;

use self::candidate::Candidate;
use super::kv_table::TableName;
use super::nodes::{Nodes, Timing};
use super::table::{Expect, Table, WriteError, withdraw};
use crate::node::NodeName;
use crate::sync::lock;
use crate::tasks::Tasks;

/// The table of the roles.
pub const ROLES: TableName = TableName { table: "roles", task: "table roles" };
const KEY: &str = "steward";

/// Who has a role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Role {
    /// The node.
    pub holder: NodeName,
    /// Its start.
    pub boot: String,
}

/// Whether this node is the steward. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Steward {
    held: Arc<Held>,
    resigned: CancellationToken,
}

#[derive(Debug)]
struct Held {
    until: Mutex<Until>,
    changes: watch::Sender<bool>,
    is_with_another: AtomicBool,
}

/// For how long.
#[derive(Debug, Clone, Copy)]
enum Until {
    Never,
    /// Unless it is renewed before.
    Then(Instant),
    Always,
}

impl Steward {
    /// That of a server that runs alone: it always is.
    #[must_use]
    pub fn always() -> Self {
        Self::with(Until::Always)
    }

    /// Begins to strive for the role, until the server stops.
    #[must_use]
    pub fn start(tasks: &Tasks, table: Arc<dyn Table<Role>>, nodes: Nodes, timing: Timing) -> Self {
        let steward = Self::with(Until::Never);
        let own = Role { holder: nodes.own().clone(), boot: nodes.boot().to_owned() };
        let candidate = Candidate::new(timing.dead_after);
        let (held, state, is_in_doubt) = (steward.held.clone(), None, false);
        let striving = Striving { table, nodes, timing, own, candidate, held, state, is_in_doubt };
        tasks.spawn_vital("steward", striving.run(tasks.clone(), steward.resigned.clone()));
        steward
    }

    fn with(until: Until) -> Self {
        let is_held = matches!(until, Until::Always);
        let (until, changes) = (Mutex::new(until), watch::Sender::new(is_held));
        let held = Held { until, changes, is_with_another: AtomicBool::new(false) };
        Self { held: Arc::new(held), resigned: CancellationToken::new() }
    }

    /// Whether this node is the steward at this moment.
    #[must_use]
    pub fn is_held(&self) -> bool {
        match *lock(&self.held.until) {
            Until::Never => false,
            Until::Then(end) => Instant::now() < end,
            Until::Always => true,
        }
    }

    /// Whether another node has taken the role, as far as this one knows. While NATS is away, no node has it.
    #[must_use]
    pub fn is_with_another(&self) -> bool {
        self.held.is_with_another.load(Ordering::Relaxed)
    }

    /// [`Steward::is_held`] as it changes. It may be a moment late to say that it ends: ask [`Steward::is_held`] before something is done.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<bool> {
        self.held.changes.subscribe()
    }

    /// Gives the role up for good, for a node that will stop. Another one can take it at once.
    pub fn resign(&self) {
        self.resigned.cancel();
    }
}

impl Held {
    fn set(&self, until: Until) {
        *lock(&self.until) = until;
        let is_held = !matches!(until, Until::Never);
        self.changes.send_if_modified(|held| std::mem::replace(held, is_held) != is_held);
    }
}

/// The role while this node has it.
#[derive(Debug, Clone, Copy)]
struct Holding {
    revision: u64,
    /// When it is given up unless it is renewed before.
    end: Instant,
}

struct Striving {
    table: Arc<dyn Table<Role>>,
    nodes: Nodes,
    timing: Timing,
    own: Role,
    candidate: Candidate,
    held: Arc<Held>,
    state: Option<Holding>,
    /// Whether the role may have been taken without this node knowing of it.
    is_in_doubt: bool,
}

impl Striving {
    async fn run(mut self, tasks: Tasks, resigned: CancellationToken) {
        tokio::select! {
            biased;
            () = tasks.stopping() => {}
            () = resigned.cancelled() => {}
            () = self.strive() => {}
        }
        self.held.set(Until::Never);
        let is_shown = self.table.get(KEY).is_some_and(|row| row.value == self.own);
        if self.state.is_none() && !self.is_in_doubt && !is_shown {
            return;
        }
        let revision = self.state.map(|holding| holding.revision);
        let left = withdraw(&*self.table, KEY, revision, |role| *role == self.own).await;
        if let Err(error) = left {
            tracing::debug!(%error, "others take the role of the steward after a while");
        }
    }

    async fn strive(&mut self) {
        let mut changes = self.table.changes();
        loop {
            match self.state {
                Some(holding) => {
                    let began = Instant::now();
                    self.state = self.renew(holding).await;
                    self.tell();
                    sleep(self.timing.beat_every.saturating_sub(began.elapsed())).await;
                }
                None => {
                    self.state = self.try_to_take().await;
                    self.tell();
                    if self.state.is_none() {
                        // The role may have become free.
                        tokio::select! {
                            () = sleep(self.timing.look_every()) => {}
                            _ = changes.changed() => {}
                        }
                    }
                }
            }
        }
    }

    fn tell(&self) {
        let is_with_another =
            self.state.is_none() && self.table.get(KEY).is_some_and(|row| row.value != self.own);
        self.held.is_with_another.store(is_with_another, Ordering::Relaxed);
        self.held.set(self.state.map_or(Until::Never, |holding| Until::Then(holding.end)));
    }

    /// Writes the row of the role. A time without success begins when a write begins, because others may see it any time later.
    async fn write(&self, expect: Expect) -> Result<Holding, WriteError> {
        let end = Instant::now() + self.timing.give_up_after;
        let revision = self.table.put(KEY, self.own.clone(), expect).await?;
        Ok(Holding { revision, end })
    }

    async fn renew(&self, holding: Holding) -> Option<Holding> {
        // Not much longer than it is held.
        let renewed = timeout_at(holding.end.into(), self.try_to_renew(holding)).await;
        let still = renewed.ok().flatten();
        still.filter(|holding| Instant::now() < holding.end)
    }

    async fn try_to_renew(&self, holding: Holding) -> Option<Holding> {
        match self.write(Expect::Revision(holding.revision)).await {
            Ok(renewed) => return Some(renewed),
            Err(WriteError::Away(_)) => return Some(holding),
            Err(WriteError::Conflict) => {}
        }
        match self.table.read(KEY).await {
            // A write whose outcome was not known.
            Ok(Some(row)) if row.value == self.own => {
                let renewed = self.write(Expect::Revision(row.revision)).await;
                Some(renewed.unwrap_or(Holding { revision: row.revision, ..holding }))
            }
            // Another node's, or the table was emptied: then the fastest takes it.
            Ok(_) => None,
            Err(_) => Some(holding),
        }
    }

    async fn try_to_take(&mut self) -> Option<Holding> {
        let current_since = self.table.current_since()?;
        let counts_since = self.nodes.heard_since().map(|heard| heard.max(current_since));
        let expect = match self.table.get(KEY) {
            None => Expect::Absent,
            // Given up, or a write whose outcome was not known.
            Some(row) if row.value == self.own => Expect::Revision(row.revision),
            Some(row) => {
                let now = Instant::now();
                if !self.candidate.is_silent(now, counts_since, row.revision) {
                    return None;
                }
                Expect::Revision(row.revision)
            }
        };
        // Until it is known. This may be cancelled meanwhile.
        self.is_in_doubt = true;
        let taken = self.write(expect).await;
        self.is_in_doubt = matches!(taken, Err(WriteError::Away(_)));
        taken.ok().filter(|holding| Instant::now() < holding.end)
    }
}
