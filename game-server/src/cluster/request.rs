//! What one node asks another, and how it is answered.
//!
//! A request may be answered although its answer is lost. What it did then passes by itself: a reservation lapses, and a room
//! without people closes.

use std::sync::{Arc, OnceLock};

use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use shared::id::{PlayerId, RoomId};
use shared::sim::Mode;
use tokio::sync::Semaphore;

use crate::client_address::ClientAddress;

/// Requests that a node answers at once. More are refused.
const ANSWERS_MAX: usize = 64;

/// A player, and the address for which a room of the player counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asker {
    /// The player.
    pub player: PlayerId,
    /// The address.
    pub address: ClientAddress,
}

/// A question to another node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "snake_case")]
pub enum Request {
    /// The public rooms in which people play, and how many people there are.
    Offers,
    /// Reserve seats for all of these players, or for none.
    Reserve {
        /// The room.
        room: RoomId,
        /// The players.
        players: Vec<PlayerId>,
    },
    /// Open a room and reserve seats for these players. It counts for the first of them who may open one.
    Open {
        /// The rules.
        mode: Mode,
        /// The players.
        players: Vec<Asker>,
    },
    /// Reserve a seat in any public room.
    ReserveAnywhere {
        /// The rules.
        mode: Mode,
        /// The player.
        player: PlayerId,
    },
    /// Whether a seat is reserved.
    IsReserved {
        /// The room.
        room: RoomId,
        /// The player.
        player: PlayerId,
    },
}

/// A public room in which people play.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// The room.
    pub room: RoomId,
    /// Its rules.
    pub mode: Mode,
    /// The mean rating of its people.
    pub rating: i32,
    /// Seats that a person could take.
    pub open_seats: usize,
    /// People in the other ones.
    pub people: u32,
}

/// What a node answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum Answer {
    /// To [`Request::Offers`].
    Offers {
        /// The rooms.
        rooms: Vec<Offer>,
        /// People who are in rooms of this node, or have a seat reserved there.
        people: usize,
    },
    /// The seats are reserved.
    Seats {
        /// In this room.
        room: RoomId,
    },
    /// To [`Request::IsReserved`].
    Reserved {
        /// Whether it is.
        is_reserved: bool,
    },
}

/// Why a node does not do what it is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Refused {
    /// It answers as many requests as it may.
    #[error("the node answers as many requests as it may")]
    Busy,
    /// It does not know such a request.
    #[error("the node does not answer such requests")]
    Unable,
    /// It starts, or stops.
    #[error("the node is starting or stopping")]
    NotNow,
    /// There are not enough seats, or no more rooms may be opened.
    #[error("the node has no seat")]
    Full,
    /// The room is not there.
    #[error("the room is not on the node")]
    NoRoom,
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// No node of that name is there.
    #[error("the node is not there")]
    NoNode,
    /// None came in time. It may have done all the same what it was asked for.
    #[error("the node did not answer in time")]
    NoAnswer,
    /// The node refuses.
    #[error(transparent)]
    Refused(#[from] Refused),
}

/// Answers requests of other nodes.
pub trait Answerer: Send + Sync {
    /// Does what a node is asked for.
    ///
    /// # Errors
    /// See [`Refused`].
    fn answer(&self, request: Request) -> BoxFuture<'_, Result<Answer, Refused>>;
}

/// The answerer of one node, as soon as there is one. Answers a bounded number of requests at once.
pub(super) struct Answers {
    answerer: OnceLock<Arc<dyn Answerer>>,
    permits: Semaphore,
}

impl Default for Answers {
    fn default() -> Self {
        Self { answerer: OnceLock::new(), permits: Semaphore::new(ANSWERS_MAX) }
    }
}

impl Answers {
    /// From now on, this one answers. The first one counts.
    pub(super) fn begin(&self, answerer: Arc<dyn Answerer>) {
        self.answerer.set(answerer).ok();
    }

    pub(super) async fn answer(&self, request: Request) -> Result<Answer, Refused> {
        let answerer = self.answerer.get().ok_or(Refused::NotNow)?;
        let _permit = self.permits.try_acquire().or(Err(Refused::Busy))?;
        answerer.answer(request).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures_util::FutureExt as _;
    use futures_util::future::{BoxFuture, join_all, pending};
    use tokio::task::yield_now;

    use super::{ANSWERS_MAX, Answer, Answerer, Answers, Refused, Request};

    struct Never;

    impl Answerer for Never {
        fn answer(&self, _request: Request) -> BoxFuture<'_, Result<Answer, Refused>> {
            pending().boxed()
        }
    }

    #[tokio::test]
    async fn a_node_answers_a_bounded_number_of_requests_at_once() {
        let answers = Answers::default();
        assert_eq!(answers.answer(Request::Offers).await, Err(Refused::NotNow));
        answers.begin(Arc::new(Never));

        let waiting = join_all((0..ANSWERS_MAX).map(|_| answers.answer(Request::Offers)));
        let one_more = async {
            yield_now().await;
            answers.answer(Request::Offers).await
        };
        // All of them wait while one more asks.
        tokio::select! {
            biased;
            _ = waiting => panic!("answered"),
            refused = one_more => assert_eq!(refused, Err(Refused::Busy)),
        }
        assert!(answers.answer(Request::Offers).now_or_never().is_none(), "there is room again");
    }

    #[test]
    fn requests_and_answers_travel_as_json() {
        let json = serde_json::to_string(&Request::Offers).unwrap();
        assert_eq!(json, r#"{"request":"offers"}"#);
        let refused: Result<Answer, Refused> = Err(Refused::Full);
        assert_eq!(serde_json::to_string(&refused).unwrap(), r#"{"Err":"full"}"#);
    }
}
