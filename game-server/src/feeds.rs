//! Feeds and their five transports.
//!
//! [`feed`] is the log, [`reader`] a position in it, and each transport a thin adapter from one to the other. What the log gets comes
//! from the bus: through the [`bridge`] in a server that is alone, and else through an [`outbox`] and the [`shared_log`] that all nodes
//! read.

pub mod fan_out;
pub mod feed;
pub mod reader;

pub mod long_poll;
pub mod poll;
pub mod sse;
pub mod stream;
pub mod websocket;

pub mod bridge;
pub mod outbox;
pub mod shared_bus;
pub mod shared_log;

#[cfg(test)]
mod numbers;

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use shared::api::{RoomClosed, RoomList, RoomSummary, ScoreRow, Scoreboard};
use tokio::time::timeout;

use feed::{Feed, FeedLimits, FeedState, Source};
use shared_log::SharedState;

/// How far back the lab's samples are kept, within a feed's limits.
const LAB_REMEMBERS_FOR: Duration = Duration::from_secs(120);
/// Samples that are kept however seldom they come: a reader continues from one to the next.
const LAB_EVENTS_MIN: usize = 16;

/// The longest time that a request waits for readers. A person does not notice it.
const REQUEST_WAITS_MAX: Duration = Duration::from_millis(50);

/// Every feed of this server.
pub struct Feeds {
    /// The ladder: `score` events.
    pub scoreboard: Arc<Feed<Scoreboard>>,
    /// Public rooms: `room` and `closed` events.
    pub rooms: Arc<Feed<RoomList>>,
    /// Numbered samples to measure transports with: `beat` events.
    pub lab: Arc<Feed<LabSample>>,
}

impl Feeds {
    /// Empty feeds, each in an epoch of its own. `lab_interval` is the time between two samples of the lab.
    #[must_use]
    pub fn new(lab_interval: Duration) -> Self {
        let limits = FeedLimits::default();
        let samples = LAB_REMEMBERS_FOR.as_nanos() / lab_interval.as_nanos().max(1);
        let samples = usize::try_from(samples).unwrap_or(usize::MAX);
        let events_max = samples.clamp(LAB_EVENTS_MIN, limits.events_max);
        let lab = FeedLimits { events_max, ..limits };
        Self {
            scoreboard: Arc::new(Feed::new("scoreboard", Scoreboard::default(), limits)),
            rooms: Arc::new(Feed::new("rooms", RoomList::default(), limits)),
            lab: Arc::new(Feed::new("lab", LabSample::default(), lab)),
        }
    }

    /// Ends every stream, because the server stops.
    pub fn close(&self) {
        self.scoreboard.close();
        self.rooms.close();
        self.lab.close();
    }

    /// Ends streams until so many shares of them are ended, because the server drains.
    pub fn end_shares(&self, ended: u16) {
        self.scoreboard.end_shares(ended);
        self.rooms.end_shares(ended);
        self.lab.end_shares(ended);
    }

    /// Waits until the events that were published have been taken by all who waited for them, or for
    /// `REQUEST_WAITS_MAX`.
    pub async fn served(&self) {
        let readers = [self.scoreboard.fan_out(), self.rooms.fan_out(), self.lab.fan_out()];
        if readers.iter().all(|readers| readers.is_served()) {
            return;
        }
        let served = async {
            for readers in readers {
                readers.served().await;
            }
        };
        if timeout(REQUEST_WAITS_MAX, served).await.is_err() {
            // Whatever holds them up, one request has waited for it.
            readers.iter().for_each(|readers| readers.give_up());
        }
    }

    /// The feed of that name.
    #[must_use]
    pub fn by_name(&self, name: &str) -> Option<Arc<dyn Source>> {
        match name {
            "scoreboard" => Some(self.scoreboard.clone()),
            "rooms" => Some(self.rooms.clone()),
            "lab" => Some(self.lab.clone()),
            _ => None,
        }
    }
}

impl FeedState for Scoreboard {
    type Event = ScoreRow;

    fn kind(_: &ScoreRow) -> &'static str {
        Self::EVENT_SCORE
    }

    fn apply(&mut self, row: ScoreRow) {
        self.upsert(row);
    }
}

impl SharedState for Scoreboard {
    fn event(kind: &str, data: &str) -> Option<ScoreRow> {
        if kind == Self::EVENT_SCORE { serde_json::from_str(data).ok() } else { None }
    }
}

impl SharedState for RoomList {
    fn event(kind: &str, data: &str) -> Option<RoomEvent> {
        match kind {
            Self::EVENT_ROOM => serde_json::from_str(data).ok().map(RoomEvent::Room),
            Self::EVENT_CLOSED => serde_json::from_str(data).ok().map(RoomEvent::Closed),
            _ => None,
        }
    }
}

/// An event of the feed `rooms`.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub enum RoomEvent {
    /// A room opened or changed.
    Room(RoomSummary),
    /// A room closed.
    Closed(RoomClosed),
}

impl FeedState for RoomList {
    type Event = RoomEvent;

    fn kind(event: &RoomEvent) -> &'static str {
        match event {
            RoomEvent::Room(_) => Self::EVENT_ROOM,
            RoomEvent::Closed(_) => Self::EVENT_CLOSED,
        }
    }

    fn apply(&mut self, event: RoomEvent) {
        match event {
            RoomEvent::Room(room) => self.upsert(room),
            RoomEvent::Closed(closed) => self.close(closed.id),
        }
    }
}

/// The newest sample of the feed `lab`: its snapshot and its only event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, utoipa::ToSchema)]
#[schema(as = Beat)]
pub struct LabSample {
    /// The number of the sample, counted from the start of the server.
    pub n: u64,
    /// When the sample was made, in milliseconds since 1970.
    pub at_ms: u64,
}

impl FeedState for LabSample {
    type Event = Self;

    fn kind(_: &Self) -> &'static str {
        "beat"
    }

    fn apply(&mut self, sample: Self) {
        *self = sample;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::feed::Source as _;
    use super::{Feeds, LabSample};

    #[test]
    fn a_lab_that_samples_seldom_remembers_its_last_samples() {
        let lab = Feeds::new(Duration::from_secs(3_600)).lab;
        let before = lab.publish(LabSample { n: 1, at_ms: 0 });
        lab.publish(LabSample { n: 2, at_ms: 0 });

        assert_eq!(lab.after(before, 9).unwrap().len(), 1);
    }
}
