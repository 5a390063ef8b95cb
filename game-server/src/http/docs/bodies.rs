//! The bodies of a feed, as the description shows them.
//!
//! The feeds write each event once for all who read it, so there is no one type to derive this from.
//! A story holds what is served against it.

use shared::api::{Problem, RoomClosed, RoomList, RoomSummary, ScoreRow, Scoreboard};
use shared::feed::Cursor;
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
    /// A beat, to measure transports with.
    Lab,
}

/// The state of a feed: of `scoreboard`, `rooms` or `lab`.
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

/// What happened in a feed: the same bytes on every transport.
#[derive(ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum FeedEvent {
    /// In `scoreboard`: a line is new or has changed.
    Score {
        /// The cursor after this event.
        id: Cursor,
        /// When it happened, milliseconds since 1970.
        at_ms: u64,
        /// The whole line.
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
        /// Which room.
        data: RoomClosed,
    },
    /// In `lab`: a sample.
    Beat {
        /// The cursor after this event.
        id: Cursor,
        /// When it happened, milliseconds since 1970.
        at_ms: u64,
        /// Its number.
        data: LabSample,
    },
}

/// Where a stream stands: a whole snapshot instead of an event.
#[derive(ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum FeedOpening {
    /// Opens a stream that brought no cursor.
    Snapshot {
        /// The cursor of the snapshot.
        id: Cursor,
        /// When it was made, milliseconds since 1970.
        at_ms: u64,
        /// Everything as it was then.
        data: FeedSnapshot,
    },
    /// The cursor cannot be continued from, or the stream was read too slowly: forget what was known.
    Reset {
        /// The cursor of the snapshot.
        id: Cursor,
        /// When it was made, milliseconds since 1970.
        at_ms: u64,
        /// Everything as it was then.
        data: FeedSnapshot,
    },
}

/// An envelope of a stream: a line of NDJSON, a text frame, or the `data` of a server-sent event.
#[derive(ToSchema)]
#[serde(untagged)]
pub enum FeedEnvelope {
    /// Something happened.
    Event(FeedEvent),
    /// Start from here.
    Opening(FeedOpening),
}

/// A server-sent event. The stream begins with `retry: 2000`.
#[derive(ToSchema)]
pub struct ServerSentEvent {
    /// The cursor; a browser sends it as `Last-Event-ID` when it comes back.
    pub id: Cursor,
    /// The `type` of the envelope.
    #[schema(examples("score"))]
    pub event: String,
    /// A `FeedEnvelope` as JSON.
    #[schema(content_media_type = "application/json")]
    pub data: String,
}

/// The answer without a cursor: everything as it is now.
#[derive(ToSchema)]
pub struct SnapshotPage {
    /// Ask for what comes after this.
    pub cursor: Cursor,
    /// The state at that place.
    pub snapshot: FeedSnapshot,
}

/// The answer to a cursor: what happened since.
#[derive(ToSchema)]
pub struct EventsPage {
    /// Ask for what comes after this.
    pub cursor: Cursor,
    /// In order, without gap; empty when nothing happened. The rest comes with the next request.
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
    /// Why.
    #[serde(flatten)]
    pub problem: Problem,
    /// Where to continue.
    #[serde(flatten)]
    pub page: SnapshotPage,
}
