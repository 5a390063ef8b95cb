//! One feed on many nodes: its log is a JetStream stream, which numbers and times the events, so that every node has the same
//! log, the same cursors and the same bytes.
//!
//! `follow` brings the log to the feed of this node (`attach` begins that), `publish` brings this node's events to the log. The state after
//! some event is kept in a table as a [`Checkpoint`]: a node starts from it and reads the rest of the log. It also names
//! the epoch: when log and checkpoint do not fit together any more, because NATS has lost one of them, the first node that
//! notices begins another epoch, and every reader gets a reset.

mod attach;
mod error;
mod event;
mod follow;
mod follower;
mod publish;

use std::time::Duration;

use async_nats::jetstream::stream;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::feed::FeedState;

pub use follower::{Fresh, SharedFeed};
pub use publish::{Pace, publish};

/// Events that the log keeps.
const LOG_EVENTS_MAX: i64 = 4_096;
/// Bytes that the log keeps.
const LOG_BYTES_MAX: i64 = 8 * 1024 * 1024;
/// How long the log knows the id of an event that was published, so that it takes it once.
const KNOWN_FOR: Duration = Duration::from_secs(120);
/// The header with the type of an event.
const KIND_HEADER: &str = "Pushback-Kind";

/// A state that nodes share.
pub trait SharedState: FeedState + DeserializeOwned {
    /// The event of a type and its JSON. `None` when this build does not know it.
    fn event(kind: &str, data: &str) -> Option<Self::Event>;
}

/// The state after an event, as a table keeps it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Checkpoint {
    /// Names the log, in hexadecimal.
    pub epoch: String,
    /// When the stream of the log was created, in nanoseconds since 1970.
    pub created_ns: String,
    /// The number of the last event in the state.
    pub sequence: u64,
    /// The state.
    pub state: serde_json::Value,
}

impl Checkpoint {
    /// `None` when it has no such form.
    fn epoch(&self) -> Option<u64> {
        u64::from_str_radix(&self.epoch, 16).ok()
    }
}

/// The stream of a feed.
fn stream_config(name: &str) -> stream::Config {
    stream::Config {
        name: format!("pb1_feed_{name}"),
        subjects: vec![subject(name)],
        max_messages: LOG_EVENTS_MAX,
        max_bytes: LOG_BYTES_MAX,
        discard: stream::DiscardPolicy::Old,
        storage: stream::StorageType::File,
        duplicate_window: KNOWN_FOR,
        ..stream::Config::default()
    }
}

fn subject(name: &str) -> String {
    format!("pb1.feed.{name}")
}

#[cfg(test)]
mod tests;
