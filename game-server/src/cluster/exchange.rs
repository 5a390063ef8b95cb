//! Several nodes in one test, which hear each other's hints, and answer each other's requests, for as long as the test lets them.

use std::collections::BTreeMap;
use std::future::ready;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use tokio::sync::broadcast;
use tokio_stream::wrappers::BroadcastStream;

use super::post::{Hint, Post};
use super::request::{Answer, Answerer, Answers, AskError, Request};
use crate::node::NodeName;
use crate::sync::lock;

/// Hints that a node may be behind. Past that it misses the oldest.
const HINTS_MAX: usize = 1_024;

/// What connects the nodes.
pub(crate) struct Exchange {
    hints: broadcast::Sender<(u64, Hint)>,
    loses_all: Arc<AtomicBool>,
    nodes: AtomicU64,
    answers: AllAnswers,
}

/// The answerer of each node.
type AllAnswers = Arc<Mutex<BTreeMap<NodeName, Arc<Answers>>>>;

/// The post of one of the nodes.
struct NodePost {
    node: u64,
    hints: broadcast::Sender<(u64, Hint)>,
    loses_all: Arc<AtomicBool>,
    answers: Arc<Answers>,
    all: AllAnswers,
}

impl Exchange {
    /// No node yet.
    pub(crate) fn new() -> Self {
        let hints = broadcast::Sender::new(HINTS_MAX);
        let nodes = AtomicU64::new(0);
        Self { hints, loses_all: Arc::default(), nodes, answers: Arc::default() }
    }

    /// The post of one more node, which has no name.
    pub(crate) fn post(&self) -> Arc<dyn Post> {
        Arc::new(self.node_post())
    }

    /// The post of one more node.
    pub(crate) fn post_of(&self, name: &NodeName) -> Arc<dyn Post> {
        let post = self.node_post();
        lock(&self.answers).insert(name.clone(), post.answers.clone());
        Arc::new(post)
    }

    fn node_post(&self) -> NodePost {
        let node = self.nodes.fetch_add(1, Ordering::Relaxed);
        let (hints, loses_all) = (self.hints.clone(), self.loses_all.clone());
        NodePost { node, hints, loses_all, answers: Arc::default(), all: self.answers.clone() }
    }

    /// Whether every hint and every request is lost from now on.
    pub(crate) fn lose_all(&self, loses: bool) {
        self.loses_all.store(loses, Ordering::SeqCst);
    }
}

impl Post for NodePost {
    fn tell(&self, hint: Hint) {
        if !self.loses_all.load(Ordering::SeqCst) {
            // `send` fails when the channel has no listener.
            self.hints.send((self.node, hint)).ok();
        }
    }

    fn heard(&self) -> BoxStream<'static, Hint> {
        let own = self.node;
        let hints = BroadcastStream::new(self.hints.subscribe());
        let of_others = move |(from, hint)| (from != own).then_some(hint);
        hints.filter_map(move |hint| ready(hint.ok().and_then(of_others))).boxed()
    }

    fn ask(&self, node: &NodeName, request: Request) -> BoxFuture<'_, Result<Answer, AskError>> {
        let answers = lock(&self.all).get(node).cloned();
        Box::pin(async move {
            let answers = answers.ok_or(AskError::NoNode)?;
            if self.loses_all.load(Ordering::SeqCst) {
                return Err(AskError::NoAnswer);
            }
            Ok(answers.answer(request).await?)
        })
    }

    fn answer_with(&self, answerer: Arc<dyn Answerer>) {
        self.answers.begin(answerer);
    }
}
