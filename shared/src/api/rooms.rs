//! Rooms, seats in them, and the way to one: listing, tickets, matchmaking.

use serde::{Deserialize, Serialize};

use crate::id::{PlayerId, PlayerName, RoomId};
use crate::sim::{BotStrength, Mode};

/// What a room is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum RoomPhase {
    /// Seats are filling; the round has not begun.
    Waiting,
    /// A round runs.
    Playing,
    /// The round is over and its result is shown; a rematch follows.
    Summary,
}

/// A room as the list shows it: the snapshot's element and the `room` event of the feed `rooms`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RoomSummary {
    /// Also the code of an invitation.
    pub id: RoomId,
    /// The rules played.
    pub mode: Mode,
    /// What it is doing.
    pub phase: RoomPhase,
    /// Which round this is, from 1. 0 before the first.
    pub round: u32,
    /// Seats taken by people.
    pub players: u32,
    /// Seats taken by bots.
    pub bots: u32,
    /// Seats in all.
    pub seats: u32,
    /// People who watch.
    pub spectators: u32,
    /// When the round ends, milliseconds since 1970. Nothing while waiting.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub ends_at_ms: Option<u64>,
    /// The one in front and the points.
    #[cfg_attr(feature = "openapi", schema(schema_with = crate::openapi::leader, required = true))]
    pub leader: Option<(PlayerName, i32)>,
}

/// The snapshot of the feed `rooms`: public rooms, the oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RoomList {
    /// Every public room.
    pub rooms: Vec<RoomSummary>,
}

/// The `closed` event of the feed `rooms`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RoomClosed {
    /// Which room.
    pub id: RoomId,
}

impl RoomList {
    /// The type of an event that adds or replaces one room.
    pub const EVENT_ROOM: &str = "room";
    /// The type of an event that removes one room.
    pub const EVENT_CLOSED: &str = "closed";

    /// Adds a room or replaces what is known of it.
    pub fn upsert(&mut self, room: RoomSummary) {
        match self.rooms.iter_mut().find(|known| known.id == room.id) {
            Some(known) => *known = room,
            None => self.rooms.push(room),
        }
    }

    /// Removes a room.
    pub fn close(&mut self, id: RoomId) {
        self.rooms.retain(|room| room.id != id);
    }
}

/// A taken seat of a room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RoomSeat {
    /// Whose seat.
    pub player: PlayerId,
    /// The name shown.
    pub name: PlayerName,
    /// Whether a bot sits there.
    pub bot: bool,
    /// Points in this round.
    pub points: i32,
    /// The team, 0 or 1, in Teams.
    #[cfg_attr(feature = "openapi", schema(required = true, minimum = 0, maximum = 1))]
    pub team: Option<u8>,
    /// Whether the seat waits for its player to come back.
    pub reconnecting: bool,
}

/// `GET /api/rooms/{id}` and the answer to `POST /api/rooms`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RoomDetails {
    /// As in the list.
    #[serde(flatten)]
    pub summary: RoomSummary,
    /// Not listed: only who knows the code finds it.
    pub private: bool,
    /// The seats taken, best first.
    pub seated: Vec<RoomSeat>,
    /// The replay that is being recorded, when a round runs.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub recording: Option<crate::id::ReplayId>,
}

/// `POST /api/rooms`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreateRoom {
    /// The rules to play.
    pub mode: Mode,
    /// Whether to keep it out of the list.
    #[serde(default)]
    pub private: bool,
    /// Bots take the free seats (and give them up to people). `null`: no bots.
    #[serde(default)]
    pub bots: Option<BotStrength>,
}

/// What a connection to a room is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Takes a seat, or returns to one's own.
    Player,
    /// Only watches.
    Spectator,
}

/// `POST /api/rooms/{id}/tickets`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TicketRequest {
    /// To play or to watch.
    #[serde(rename = "as")]
    pub role: Role,
}

/// A key that opens one WebSocket once. The answer to `POST …/tickets` of rooms and chat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = SeatTicket))]
pub struct WebSocketTicket {
    /// The key.
    #[cfg_attr(feature = "openapi", schema(schema_with = crate::openapi::token))]
    pub ticket: String,
    /// The address to open, a path on this server with the ticket in it.
    #[cfg_attr(
        feature = "openapi",
        schema(pattern = r"^/ws/(?:chat|rooms/[0-9A-Z]{6})\?ticket=[A-Za-z0-9_-]{22}$")
    )]
    pub url: String,
    /// Seconds until it expires.
    pub expires_in_s: u32,
}

/// `POST /api/matchmaking`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MatchRequest {
    /// The rules to play.
    pub mode: Mode,
}

/// Where a request for a match stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum MatchState {
    /// Looking for others.
    Waiting {
        /// Seconds since the request.
        waited_s: u32,
        /// How far from the own rating others may be, in rating points.
        window: u32,
        /// People who wait for the same mode, oneself included.
        in_queue: u32,
        /// Seconds until bots fill the seats.
        bots_in_s: u32,
    },
    /// There is a seat: ask for a ticket of this room.
    Matched {
        /// Where.
        room: RoomId,
    },
}

/// `POST /api/matchmaking` (201) and `GET /api/matchmaking/{ticket}` (200).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MatchTicket {
    /// Names the request; it survives any disconnect.
    #[cfg_attr(feature = "openapi", schema(schema_with = crate::openapi::token))]
    pub ticket: String,
    /// Grows with each change of `state`: send it as `?after=`.
    pub version: u64,
    /// Where it stands.
    pub state: MatchState,
}
