//! Recorded rounds as the API lists them.

use serde::{Deserialize, Serialize};

use crate::id::{PlayerId, PlayerName, ReplayId, RoomId};
use crate::sim::Mode;

/// One player of a recorded round, best first in its summary.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReplayPlayer {
    /// Who.
    pub player: PlayerId,
    /// The name at the time.
    pub name: PlayerName,
    /// Whether it was a bot.
    pub bot: bool,
    /// Points at the end.
    pub points: i32,
    /// The team, 0 or 1, in Teams.
    #[cfg_attr(feature = "openapi", schema(required = true, minimum = 0, maximum = 1))]
    pub team: Option<u8>,
}

/// `GET /api/replays/{id}` and the elements of the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReplaySummary {
    /// Which recording.
    pub id: ReplayId,
    /// The room that played it.
    pub room: RoomId,
    /// The rules played.
    pub mode: Mode,
    /// When the round began, milliseconds since 1970.
    pub started_at_ms: u64,
    /// Its length in ticks.
    pub ticks: u32,
    /// Size of the file.
    pub bytes: u64,
    /// False when the server was killed in the middle: it plays up to there.
    pub complete: bool,
    /// Best first.
    pub players: Vec<ReplayPlayer>,
}

/// `GET /api/replays?before=&limit=&player=&mode=`: the newest first.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReplayList {
    /// At most `limit`.
    #[cfg_attr(feature = "openapi", schema(max_items = 100))]
    pub replays: Vec<ReplaySummary>,
    /// Send it as `?before=` for the next page. Nothing on the last.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub next: Option<ReplayId>,
}

/// A place worth jumping to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marker {
    /// Ticks from the beginning of the round.
    pub tick: u32,
    /// What happened.
    pub kind: MarkerKind,
    /// Whom it happened to: a slot of the roster.
    pub slot: u16,
}

/// What a [`Marker`] marks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MarkerKind {
    /// `slot` went over the edge.
    KnockOut,
    /// `slot` took a pickup.
    Pickup,
    /// `slot` took the lead.
    LeadChange,
}
