//! Recorded rounds in lists and details, and markers.

use serde::{Deserialize, Serialize};

use crate::id::{PlayerId, PlayerName, ReplayId, RoomId};
use crate::sim::Mode;

/// One player of a recorded round.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReplayPlayer {
    /// The player.
    pub player: PlayerId,
    /// The name at that time.
    pub name: PlayerName,
    /// Whether it was a bot.
    pub bot: bool,
    /// Points at the end of the round.
    pub points: i32,
    /// The team, 0 or 1. `null` in modes without teams.
    #[cfg_attr(feature = "openapi", schema(required = true, minimum = 0, maximum = 1))]
    pub team: Option<u8>,
}

/// `GET /api/replays/{id}` and the elements of the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReplaySummary {
    /// The recording.
    pub id: ReplayId,
    /// The room that played it.
    pub room: RoomId,
    /// The rules played.
    pub mode: Mode,
    /// When the round began, in milliseconds since 1970.
    pub started_at_ms: u64,
    /// Length of the recording, in ticks.
    pub ticks: u32,
    /// Size of the file, in bytes.
    pub bytes: u64,
    /// Whether the whole round was recorded. False when the server was killed: the recording plays up to there.
    pub complete: bool,
    /// The players, best first.
    pub players: Vec<ReplayPlayer>,
}

/// `GET /api/replays?before=&limit=&player=&mode=`: the newest first.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReplayList {
    /// The page, at most `limit` replays.
    #[cfg_attr(feature = "openapi", schema(max_items = 100))]
    pub replays: Vec<ReplaySummary>,
    /// The value of `?before=` for the next page. `null` on the last page.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub next: Option<ReplayId>,
}

/// A moment of a round worth jumping to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marker {
    /// Ticks since the round began.
    pub tick: u32,
    /// The kind of event.
    pub kind: MarkerKind,
    /// The seat that the event is about.
    pub slot: u16,
}

/// The kind of a [`Marker`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MarkerKind {
    /// The disc of `slot` went over the edge.
    KnockOut,
    /// The disc of `slot` took a pickup.
    Pickup,
    /// `slot` took the lead.
    LeadChange,
}
