//! The bodies of a feed, as the description shows them.
//!
//! The feeds encode each event once for all readers, so no type exists to derive these schemas from. An end-to-end test
//! checks real answers against them.

use shared::api::{Problem, RoomClosed, RoomList, RoomSummary, ScoreRow, Scoreboard};
use shared::feed::{Cursor, Heartbeat};
use utoipa::ToSchema;

use crate::feeds::LabSample;

/// A feed.
#[derive(ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FeedName {
    /// The ladder.
    Scoreboard,
    /// The public rooms.
    Rooms,
    /// A numbered sample at a fixed interval, to measure transports with.
    Lab,
}

/// The state of the feed `scoreboard`, `rooms` or `lab`.
#[derive(ToSchema)]
#[serde(untagged)]
pub enum FeedSnapshot {
    /// Of `scoreboard`.
    Scoreboard(Scoreboard),
    /// Of `rooms`.
    Rooms(RoomList),
    /// Of `lab`.
    Lab(LabSample),
}

/// An event of a feed. Every transport carries the same bytes.
#[derive(ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum FeedEvent {
    /// In `scoreboard`: a row is new or has changed.
    Score {
        /// The cursor after this event.
        id: Cursor,
        /// When it happened, milliseconds since 1970.
        at_ms: u64,
        /// The whole row.
        data: ScoreRow,
    },
    /// In `rooms`: a room opened or has changed.
    Room {
        /// The cursor after this event.
        id: Cursor,
        /// When it happened, milliseconds since 1970.
        at_ms: u64,
        /// The room now.
        data: RoomSummary,
    },
    /// In `rooms`: a room closed.
    Closed {
        /// The cursor after this event.
        id: Cursor,
        /// When it happened, milliseconds since 1970.
        at_ms: u64,
        /// The room that closed.
        data: RoomClosed,
    },
    /// In `lab`: a sample.
    Beat {
        /// The cursor after this event.
        id: Cursor,
        /// When it happened, milliseconds since 1970.
        at_ms: u64,
        /// The sample.
        data: LabSample,
    },
}

/// A snapshot of the whole feed, in place of an event.
#[derive(ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum FeedOpening {
    /// The first envelope of a stream without a cursor.
    Snapshot {
        /// The cursor of the snapshot.
        id: Cursor,
        /// When it was made, milliseconds since 1970.
        at_ms: u64,
        /// The state at that time.
        data: FeedSnapshot,
    },
    /// The stream cannot continue after its cursor, or was read too slowly: replace the known state.
    Reset {
        /// The cursor of the snapshot.
        id: Cursor,
        /// When it was made, milliseconds since 1970.
        at_ms: u64,
        /// The state at that time.
        data: FeedSnapshot,
    },
}

/// What says that a stream is alive, on event streams and WebSockets. It is no event of the log.
#[derive(ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum FeedHeartbeat {
    /// After the events that were missed, and again in silence.
    Heartbeat {
        /// The position of the stream.
        id: Cursor,
        /// When it was sent, milliseconds since 1970.
        at_ms: u64,
        /// The server's clock, how long the stream is silent at most, and since when the feed is late, if it is.
        data: Heartbeat,
    },
}

/// An envelope of a stream: a line of NDJSON, a text frame, or the `data` of a server-sent event.
#[derive(ToSchema)]
#[serde(untagged)]
pub enum FeedEnvelope {
    /// An event.
    Event(FeedEvent),
    /// A snapshot to start from.
    Opening(FeedOpening),
    /// A sign of life.
    Heartbeat(FeedHeartbeat),
}

/// A server-sent event. The stream begins with `retry: 2000`.
#[derive(ToSchema)]
pub struct ServerSentEvent {
    /// The cursor. A browser sends it as `Last-Event-ID` when it reconnects.
    pub id: Cursor,
    /// The `type` of the envelope.
    #[schema(examples("score"))]
    pub event: String,
    /// A `FeedEnvelope` as JSON.
    #[schema(content_media_type = "application/json")]
    pub data: String,
}

/// The answer to a request without a cursor: the state now.
#[derive(ToSchema)]
pub struct SnapshotPage {
    /// The cursor for the next request.
    pub cursor: Cursor,
    /// The state at the cursor.
    pub snapshot: FeedSnapshot,
}

/// The answer to a request with a cursor: the events after it.
#[derive(ToSchema)]
pub struct EventsPage {
    /// The cursor for the next request.
    pub cursor: Cursor,
    /// The events in order and without a gap, or none. The next request gets the rest.
    #[schema(max_items = 256)]
    pub events: Vec<FeedEvent>,
}

/// The JSON of a feed.
#[derive(ToSchema)]
#[serde(untagged)]
pub enum FeedPage {
    /// Without `after`.
    Snapshot(SnapshotPage),
    /// With `after`.
    Events(EventsPage),
}

/// The events after a cursor are forgotten: a problem that carries a snapshot to continue from.
#[derive(ToSchema)]
pub struct CursorGone {
    /// The refusal.
    #[serde(flatten)]
    pub problem: Problem,
    /// The snapshot to continue from.
    #[serde(flatten)]
    pub page: SnapshotPage,
}
