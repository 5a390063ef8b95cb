//! A feed with a shared log, and what this node knows of that log.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures_util::future::BoxFuture;
use tokio::sync::{Notify, watch};

use super::{Checkpoint, SharedState};
use crate::cluster::nats::Nats;
use crate::cluster::table::Table;
use crate::feeds::feed::Feed;
use crate::metrics::Engine;
use crate::storage::StoreError;

/// The state with which a new epoch begins.
pub type Fresh<S> = Arc<dyn Fn() -> BoxFuture<'static, Result<S, StoreError>> + Send + Sync>;

/// A feed whose log other nodes share.
pub struct SharedFeed<S: SharedState> {
    /// The feed of this node.
    pub feed: Arc<Feed<S>>,
    /// The name of both.
    pub name: &'static str,
    /// Where the log is.
    pub nats: Nats,
    /// What is known of NATS.
    pub engine: Engine,
    /// Where the states are.
    pub checkpoints: Arc<dyn Table<Checkpoint>>,
    /// The state with which a new epoch begins.
    pub fresh: Fresh<S>,
    /// Notified when another epoch has begun: this node's own part of the state is to be told again.
    pub renewed: Arc<Notify>,
}

/// An event of the log that was taken over: its number and its time tell whether the log is still the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) sequence: u64,
    pub(super) at_ns: i128,
}

/// What a node that follows a log knows of it.
pub(super) struct Follower<S: SharedState> {
    pub(super) with: SharedFeed<S>,
    /// The last event that was taken over. `None` when that was none since the state was put in place.
    pub(super) seen: Option<Seen>,
    /// Whether the log that was read before is gone, so that what this node knows belongs to no log.
    pub(super) has_lost: bool,
    /// Whether the log went on with a later event than the next one.
    pub(super) has_hole: bool,
    /// When the log was heard last, in milliseconds since 1970.
    pub(super) heard_ms: u64,
    pub(super) current: watch::Sender<bool>,
}

impl<S: SharedState> Follower<S> {
    /// How often there has been a connection to NATS.
    pub(super) fn connects(&self) -> u64 {
        self.with.nats.client().statistics().connects.load(Ordering::Relaxed)
    }
}
