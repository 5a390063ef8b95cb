//! Requests to one node: its own subject, and an answer within a second.

use std::sync::Arc;
use std::time::Duration;

use async_nats::RequestErrorKind;
use bytes::Bytes;
use futures_util::StreamExt as _;

use crate::cluster::nats::{Nats, SubscriptionEnded};
use crate::cluster::request::{Answer, Answers, AskError, Refused, Request};
use crate::node::NodeName;
use crate::tasks::Tasks;

/// The longest time for an answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(1);

/// The subject of requests to a node.
pub(super) fn subject(node: &NodeName) -> String {
    format!("pb1.node.{node}")
}

/// Asks the node of a subject.
pub(super) async fn ask(
    nats: &Nats,
    subject: String,
    request: Request,
) -> Result<Answer, AskError> {
    let request = serde_json::to_vec(&request).or(Err(AskError::NoAnswer))?;
    let request = async_nats::Request::new().payload(Bytes::from(request));
    let request = request.timeout(Some(ANSWER_WITHIN));
    let answer = nats.client().send_request(subject, request).await;
    let answer = answer.map_err(|error| match error.kind() {
        RequestErrorKind::NoResponders => AskError::NoNode,
        RequestErrorKind::TimedOut
        | RequestErrorKind::InvalidSubject
        | RequestErrorKind::MaxPayloadExceeded
        | RequestErrorKind::Other => AskError::NoAnswer,
    })?;
    // A node of a newer build may answer otherwise.
    let answer: Result<Answer, Refused> =
        serde_json::from_slice(&answer.payload).or(Err(AskError::NoAnswer))?;
    Ok(answer?)
}

/// Answers the requests to this node until the server stops.
pub(super) async fn answer_all(
    tasks: Tasks,
    nats: Nats,
    mut requests: async_nats::Subscriber,
    answers: Arc<Answers>,
) {
    loop {
        let request = tokio::select! {
            biased;
            () = tasks.stopping() => return,
            request = requests.next() => match request {
                Some(request) => request,
                None => return tasks.fail(&SubscriptionEnded),
            },
        };
        let Some(reply) = request.reply else { continue };
        let (nats, answers, stop) = (nats.clone(), answers.clone(), tasks.clone());
        // Further requests are refused at once, so these tasks are few.
        tasks.spawn("answer", async move {
            let answer = async {
                match serde_json::from_slice(&request.payload) {
                    Ok(request) => answers.answer(request).await,
                    // Of a newer build.
                    Err(_) => Err(Refused::Unable),
                }
            };
            let answer = tokio::select! {
                () = stop.stopping() => Err(Refused::NotNow),
                answer = answer => answer,
            };
            let Ok(answer) = serde_json::to_vec(&answer) else { return };
            if let Err(error) = nats.client().publish(reply, Bytes::from(answer)).await {
                tracing::debug!(%error, "an answer to another node could not be sent");
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures_util::FutureExt as _;
    use futures_util::future::{BoxFuture, pending, ready};
    use shared::id::RoomId;
    use test_nats::Nats as Server;

    use crate::cluster::nats_post::{NatsPost, start};
    use crate::cluster::post::Post as _;
    use crate::cluster::request::{Answer, Answerer, AskError, Refused, Request};
    use crate::cluster::testing::{connect, tasks};
    use crate::tasks::Tasks;

    /// Offers nothing, is full, and never says whether a seat is reserved.
    struct Full;

    impl Answerer for Full {
        fn answer(&self, request: Request) -> BoxFuture<'_, Result<Answer, Refused>> {
            match request {
                Request::Offers => ready(Ok(Answer::Offers { rooms: vec![], people: 7 })).boxed(),
                Request::IsReserved { .. } => pending().boxed(),
                _ => ready(Err(Refused::Full)).boxed(),
            }
        }
    }

    async fn node(server: &Server, name: &str) -> (Arc<NatsPost>, Tasks) {
        let tasks = tasks();
        (start(&tasks, &connect(server, name).await).await.unwrap(), tasks)
    }

    #[tokio::test]
    async fn a_node_is_asked_over_nats_and_itself_directly() {
        let mut server = Server::start();
        let ((ada, _a), (bob, _b)) = (node(&server, "ada").await, node(&server, "bob").await);
        let (names, room) =
            (["ada", "bob"].map(|name| name.parse().unwrap()), RoomId::from_bits(1));
        let reserve = || Request::Reserve { room, players: vec![] };
        let asked = ada.ask(&names[1], Request::Offers).await;
        assert_eq!(asked, Err(AskError::Refused(Refused::NotNow)), "it still starts");
        ada.answer_with(Arc::new(Full));
        bob.answer_with(Arc::new(Full));

        for name in &names {
            let offers = Ok(Answer::Offers { rooms: vec![], people: 7 });
            assert_eq!(ada.ask(name, Request::Offers).await, offers);
            assert_eq!(ada.ask(name, reserve()).await, Err(AskError::Refused(Refused::Full)));
        }
        let nowhere = "cleo".parse().unwrap();
        assert_eq!(ada.ask(&nowhere, Request::Offers).await, Err(AskError::NoNode));
        let never = Request::IsReserved { room, player: shared::id::PlayerId::from_bits(1) };
        assert_eq!(ada.ask(&names[1], never).await, Err(AskError::NoAnswer));

        server.kill();
        assert_eq!(ada.ask(&names[1], Request::Offers).await, Err(AskError::NoAnswer));
        assert!(ada.ask(&names[0], Request::Offers).await.is_ok());
    }
}
