//! Several nodes in one test, which hear each other's hints for as long as the test lets them.

use std::future::ready;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use tokio::sync::broadcast;
use tokio_stream::wrappers::BroadcastStream;

use super::post::{Hint, Post};

/// Hints that a node may be behind. Past that it misses the oldest.
const HINTS_MAX: usize = 1_024;

/// What connects the nodes.
pub(crate) struct Exchange {
    hints: broadcast::Sender<(u64, Hint)>,
    loses_all: Arc<AtomicBool>,
    nodes: AtomicU64,
}

/// The post of one of the nodes.
struct NodePost {
    node: u64,
    hints: broadcast::Sender<(u64, Hint)>,
    loses_all: Arc<AtomicBool>,
}

impl Exchange {
    /// No node yet.
    pub(crate) fn new() -> Self {
        let hints = broadcast::Sender::new(HINTS_MAX);
        Self { hints, loses_all: Arc::default(), nodes: AtomicU64::new(0) }
    }

    /// The post of one more node.
    pub(crate) fn post(&self) -> Arc<dyn Post> {
        let node = self.nodes.fetch_add(1, Ordering::Relaxed);
        let (hints, loses_all) = (self.hints.clone(), self.loses_all.clone());
        Arc::new(NodePost { node, hints, loses_all })
    }

    /// Whether every hint is lost from now on.
    pub(crate) fn lose_all(&self, loses: bool) {
        self.loses_all.store(loses, Ordering::SeqCst);
    }
}

impl Post for NodePost {
    fn tell(&self, hint: Hint) {
        if !self.loses_all.load(Ordering::SeqCst) {
            // The error means that nobody listens.
            self.hints.send((self.node, hint)).ok();
        }
    }

    fn heard(&self) -> BoxStream<'static, Hint> {
        let own = self.node;
        let hints = BroadcastStream::new(self.hints.subscribe());
        let of_others = move |(from, hint)| (from != own).then_some(hint);
        hints.filter_map(move |hint| ready(hint.ok().and_then(of_others))).boxed()
    }
}
