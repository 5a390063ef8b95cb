//! Events between parts that do not know each other.
//!
//! The trait is what a message queue between several servers can offer too: fire and forget, every
//! subscriber gets every notice, and a subscriber that falls behind is told so.

use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use serde::{Deserialize, Serialize};
use shared::api::{RoomClosed, RoomList, RoomSummary, ScoreRow, Scoreboard};
use tokio::sync::broadcast;
use tokio_stream::wrappers::BroadcastStream;

/// Notices that a subscriber may be behind before it misses some.
const NOTICES_MAX: usize = 4_096;

/// What parts tell each other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Notice {
    /// A line of the ladder changed.
    Score(ScoreRow),
    /// A public room opened or changed.
    Room(RoomSummary),
    /// A public room closed.
    RoomClosed(RoomClosed),
    /// A subscriber missed notices: whoever owns scores and rooms publishes the whole of them.
    Resend,
    /// The whole ladder, in place of what was known.
    Scores(Scoreboard),
    /// Every public room, in place of what was known.
    Rooms(RoomList),
}

/// What a subscriber gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// The next notice.
    Notice(Notice),
    /// So many were missed.
    Missed(u64),
}

/// Publish and subscribe. Publishing never waits.
pub trait Bus: Send + Sync {
    /// Tells every subscriber. Nobody listening is no error.
    fn publish(&self, notice: Notice);
    /// Everything that is published from now on.
    fn subscribe(&self) -> BoxStream<'static, Delivery>;
}

/// The bus of one process.
pub struct InProcessBus {
    /// Bounded: a subscriber that is further behind misses the oldest and is told.
    notices: broadcast::Sender<Notice>,
}

impl InProcessBus {
    /// A bus that nobody listens to yet.
    #[must_use]
    pub fn new() -> Self {
        Self { notices: broadcast::Sender::new(NOTICES_MAX) }
    }
}

impl Default for InProcessBus {
    fn default() -> Self {
        Self::new()
    }
}

impl Bus for InProcessBus {
    fn publish(&self, notice: Notice) {
        // An error only says that nobody listens.
        self.notices.send(notice).ok();
    }

    fn subscribe(&self) -> BoxStream<'static, Delivery> {
        BroadcastStream::new(self.notices.subscribe())
            .map(|delivery| match delivery {
                Ok(notice) => Delivery::Notice(notice),
                Err(tokio_stream::wrappers::errors::BroadcastStreamRecvError::Lagged(count)) => {
                    Delivery::Missed(count)
                }
            })
            .boxed()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt as _;

    use super::{Bus as _, Delivery, InProcessBus, NOTICES_MAX, Notice};

    #[tokio::test]
    async fn a_subscriber_that_falls_behind_is_told() {
        let bus = InProcessBus::new();
        let mut deliveries = bus.subscribe();

        for _ in 0..NOTICES_MAX + 3 {
            bus.publish(Notice::Resend);
        }

        assert_eq!(deliveries.next().await, Some(Delivery::Missed(3)));
        assert_eq!(deliveries.next().await, Some(Delivery::Notice(Notice::Resend)));
    }
}
