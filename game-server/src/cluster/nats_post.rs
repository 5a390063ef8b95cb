//! Hints and requests over NATS: one subject for hints, to which every node subscribes, and one for requests to each node.

mod asking;

use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use serde::{Deserialize, Serialize};
use tokio::sync::{broadcast, mpsc};
use tokio_stream::wrappers::BroadcastStream;

use super::nats::{Nats, SubscriptionEnded};
use super::post::{Hint, Post};
use super::request::{Answer, Answerer, Answers, AskError, Request};
use crate::node::NodeName;
use crate::tasks::Tasks;

const SUBJECT: &str = "pb1.hints";
/// Hints that a listener may be behind, and that wait to be sent. Past that the oldest are missed, and new ones not sent.
const HINTS_MAX: usize = 1_024;

/// The post of one node.
pub struct NatsPost {
    outgoing: mpsc::Sender<Hint>,
    incoming: broadcast::Sender<Hint>,
    nats: Nats,
    answers: Arc<Answers>,
}

#[derive(Serialize, Deserialize)]
struct Letter {
    from: NodeName,
    #[serde(flatten)]
    hint: Hint,
}

/// Starts to send and to hear, and to answer. It ends with the server; NATS comes and goes meanwhile.
///
/// # Errors
/// When a subject cannot be subscribed to.
pub async fn start(
    tasks: &Tasks,
    nats: &Nats,
) -> Result<Arc<NatsPost>, async_nats::SubscribeError> {
    // It is subscribed to again by itself when the connection comes back.
    let letters = nats.client().subscribe(SUBJECT).await?;
    let requests = nats.client().subscribe(asking::subject(nats.node())).await?;
    // Once the server has answered a later request, it has the subscription. Without an answer it gets it some time.
    nats.round_trip().await.ok();
    let (outgoing, waiting) = mpsc::channel(HINTS_MAX);
    let incoming = broadcast::Sender::new(HINTS_MAX);
    tasks.spawn_vital("hints out", send(tasks.clone(), nats.clone(), waiting));
    tasks.spawn_vital(
        "hints in",
        hear(tasks.clone(), nats.node().clone(), letters, incoming.clone()),
    );
    let answers = Arc::new(Answers::default());
    let answering = asking::answer_all(tasks.clone(), nats.clone(), requests, answers.clone());
    tasks.spawn_vital("answers", answering);
    Ok(Arc::new(NatsPost { outgoing, incoming, nats: nats.clone(), answers }))
}

impl Post for NatsPost {
    fn tell(&self, hint: Hint) {
        // A full queue means that NATS is away. Others look without a hint, a little later.
        self.outgoing.try_send(hint).ok();
    }

    fn heard(&self) -> BoxStream<'static, Hint> {
        // What was missed is seen a little later, without a hint.
        BroadcastStream::new(self.incoming.subscribe()).filter_map(async |hint| hint.ok()).boxed()
    }

    fn ask(&self, node: &NodeName, request: Request) -> BoxFuture<'_, Result<Answer, AskError>> {
        if node == self.nats.node() {
            return Box::pin(async { Ok(self.answers.answer(request).await?) });
        }
        Box::pin(asking::ask(&self.nats, asking::subject(node), request))
    }

    fn answer_with(&self, answerer: Arc<dyn Answerer>) {
        self.answers.begin(answerer);
    }
}

async fn send(tasks: Tasks, nats: Nats, mut waiting: mpsc::Receiver<Hint>) {
    loop {
        let hint = tokio::select! {
            () = tasks.stopping() => return,
            hint = waiting.recv() => match hint {
                Some(hint) => hint,
                None => return,
            },
        };
        let letter = Letter { from: nats.node().clone(), hint };
        let Ok(letter) = serde_json::to_vec(&letter) else { continue };
        // It waits while NATS is away and its queue is full.
        tokio::select! {
            () = tasks.stopping() => return,
            sent = nats.client().publish(SUBJECT, Bytes::from(letter)) => {
                if let Err(error) = sent {
                    tracing::warn!(%error, "a hint to other nodes could not be sent");
                }
            }
        }
    }
}

async fn hear(
    tasks: Tasks,
    own: NodeName,
    mut letters: async_nats::Subscriber,
    incoming: broadcast::Sender<Hint>,
) {
    loop {
        let letter = tokio::select! {
            biased;
            () = tasks.stopping() => return,
            letter = letters.next() => match letter {
                Some(letter) => letter,
                None => return tasks.fail(&SubscriptionEnded),
            },
        };
        match serde_json::from_slice::<Letter>(&letter.payload) {
            Ok(letter) if letter.from == own => {}
            // `send` fails when the channel has no listener.
            Ok(letter) => drop(incoming.send(letter.hint)),
            // A node of a newer build has more to tell.
            Err(error) => tracing::debug!(%error, "a hint of another node is not understood"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use futures_util::StreamExt as _;
    use test_nats::Nats as Server;
    use tokio::time::timeout;
    use tokio_util::sync::CancellationToken;

    use super::{NatsPost, start};
    use crate::cluster::nats::Nats;
    use crate::cluster::post::{Hint, Post as _};
    use crate::metrics::Engines;
    use crate::tasks::Tasks;

    async fn node(server: &Server, name: &str) -> (Arc<NatsPost>, Tasks) {
        let tasks = Tasks::new(CancellationToken::new(), Duration::from_secs(1));
        let (url, engine) = (server.url().parse().unwrap(), Engines::default().nats);
        let name = name.parse().unwrap();
        let limit = Duration::from_secs(10);
        let nats = Nats::connect(&url, None, name, engine, limit).await.unwrap();
        (start(&tasks, &nats).await.unwrap(), tasks)
    }

    #[tokio::test]
    async fn every_other_node_hears_a_hint() {
        let server = Server::start();
        let (ada, _tasks) = node(&server, "a").await;
        let (bob, _tasks) = node(&server, "b").await;
        let (mut at_ada, mut at_bob) = (ada.heard(), bob.heard());
        let hint = |sequence| Hint::ChatLine { sequence };
        let within = Duration::from_secs(10);

        ada.tell(hint(1));
        assert_eq!(timeout(within, at_bob.next()).await.unwrap(), Some(hint(1)));
        bob.tell(hint(2));
        // Not its own one.
        assert_eq!(timeout(within, at_ada.next()).await.unwrap(), Some(hint(2)));
    }
}
