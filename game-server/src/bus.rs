//! Events between parts that do not know each other, in the order of their publication.
//!
//! Publishing never waits. In one server every subscriber gets every event, and one that falls behind learns how many it
//! missed; it then asks the [`StateOwner`]s for the whole of their state, until it has received it. Between many nodes the
//! events go through a log that all share (`feeds/shared_log`).

use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use serde::{Deserialize, Serialize};
use shared::api::{RoomClosed, RoomList, RoomSummary, ScoreRow, Scoreboard};
use tokio::sync::broadcast;
use tokio_stream::wrappers::BroadcastStream;
use tokio_stream::wrappers::errors::BroadcastStreamRecvError;

/// The most notices that a subscriber may be behind. Past that it misses the oldest.
const NOTICES_MAX: usize = 4_096;

/// An event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Notice {
    /// A row of the ladder changed.
    Score(ScoreRow),
    /// A public room opened or changed.
    Room(RoomSummary),
    /// A public room closed.
    RoomClosed(RoomClosed),
    /// The whole ladder, which replaces all earlier rows.
    Scores(Scoreboard),
    /// All public rooms, which replace all earlier ones.
    Rooms(RoomList),
}

/// The next item of a subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// The next notice.
    Notice(Notice),
    /// This many notices were missed. Every later delivery was published after them.
    Missed(u64),
}

/// Where parts publish.
pub trait Bus: Send + Sync {
    /// Sends a notice to all who want it. Never waits.
    fn publish(&self, notice: Notice);
    /// The ladder ends and publishes nothing more.
    fn end_of_scores(&self) {}
}

/// A part that publishes the changes of its state.
pub trait StateOwner: Send + Sync {
    /// Publishes the whole state soon, in order with its changes. Never waits. It can fail, so a caller repeats this until
    /// the state has arrived.
    fn republish(&self);
}

/// The bus of one process.
pub struct InProcessBus {
    /// Bounded: see [`NOTICES_MAX`].
    notices: broadcast::Sender<Notice>,
}

impl InProcessBus {
    /// A bus without subscribers.
    #[must_use]
    pub fn new() -> Self {
        Self { notices: broadcast::Sender::new(NOTICES_MAX) }
    }

    /// All notices from now on.
    #[must_use]
    pub fn subscribe(&self) -> BoxStream<'static, Delivery> {
        BroadcastStream::new(self.notices.subscribe())
            .map(|delivery| match delivery {
                Ok(notice) => Delivery::Notice(notice),
                Err(BroadcastStreamRecvError::Lagged(count)) => Delivery::Missed(count),
            })
            .boxed()
    }
}

impl Default for InProcessBus {
    fn default() -> Self {
        Self::new()
    }
}

impl Bus for InProcessBus {
    fn publish(&self, notice: Notice) {
        // The error means that there is no subscriber.
        self.notices.send(notice).ok();
    }
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt as _;
    use shared::api::RoomList;

    use super::{Bus as _, Delivery, InProcessBus, NOTICES_MAX, Notice};

    #[tokio::test]
    async fn a_subscriber_that_falls_behind_learns_how_many_it_missed() {
        let bus = InProcessBus::new();
        let mut deliveries = bus.subscribe();

        let notice = Notice::Rooms(RoomList::default());
        for _ in 0..NOTICES_MAX + 3 {
            bus.publish(notice.clone());
        }

        assert_eq!(deliveries.next().await, Some(Delivery::Missed(3)));
        assert_eq!(deliveries.next().await, Some(Delivery::Notice(notice)));
    }
}
