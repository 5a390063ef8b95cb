//! Rooms and seats: lists, tickets, matchmaking.

use serde::{Deserialize, Serialize};

use crate::id::{PlayerId, PlayerName, RoomId};
use crate::invitation::RoomAddress;
use crate::sim::{BotStrength, Mode};

/// The phase of a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum RoomPhase {
    /// Players take seats; the round has not begun.
    Waiting,
    /// A round runs.
    Playing,
    /// The result of a round is shown; a rematch follows.
    Summary,
}

/// A room in the list: an element of the snapshot and the `room` event of the feed `rooms`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RoomSummary {
    /// The room, and the code that finds it.
    pub id: RoomId,
    /// The rules of the room.
    pub mode: Mode,
    /// The phase.
    pub phase: RoomPhase,
    /// The number of the round, from 1. 0 before the first round.
    pub round: u32,
    /// Seats taken by humans.
    pub players: u32,
    /// Seats taken by bots.
    pub bots: u32,
    /// All seats.
    pub seats: u32,
    /// Connected spectators.
    pub spectators: u32,
    /// When the round ends, in milliseconds since 1970. `null` while waiting.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub ends_at_ms: Option<u64>,
    /// The name and the points of the leader. `null` when there is none.
    #[cfg_attr(feature = "openapi", schema(schema_with = crate::openapi::leader, required = true))]
    pub leader: Option<(PlayerName, i32)>,
}

/// The snapshot of the feed `rooms`: public rooms, the oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RoomList {
    /// All public rooms.
    pub rooms: Vec<RoomSummary>,
}

/// The `closed` event of the feed `rooms`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RoomClosed {
    /// The room.
    pub id: RoomId,
}

impl RoomDetails {
    /// The address that others are invited to.
    #[must_use]
    pub fn address(&self) -> RoomAddress {
        self.invitation.unwrap_or(self.summary.id.into())
    }
}

impl RoomList {
    /// The type of an event that adds or replaces one room.
    pub const EVENT_ROOM: &str = "room";
    /// The type of an event that removes one room.
    pub const EVENT_CLOSED: &str = "closed";

    /// Adds a room, or replaces it by its id.
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
    /// The player in the seat.
    pub player: PlayerId,
    /// The display name.
    pub name: PlayerName,
    /// Whether it is a bot.
    pub bot: bool,
    /// Points in this round.
    pub points: i32,
    /// The team, 0 or 1. `null` in modes without teams.
    #[cfg_attr(feature = "openapi", schema(required = true, minimum = 0, maximum = 1))]
    pub team: Option<u8>,
    /// Whether the connection is lost and the seat is kept.
    pub reconnecting: bool,
}

/// `GET /api/rooms/{id}` and the answer to `POST /api/rooms`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RoomDetails {
    /// The fields that the list has, too.
    #[serde(flatten)]
    pub summary: RoomSummary,
    /// Whether the room is missing from the list: only its invitation and its code lead there.
    pub private: bool,
    /// The address of a private room, with the secret that its other calls take. Missing in public rooms, whose address is
    /// their id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub invitation: Option<RoomAddress>,
    /// Whether its rounds change ratings and totals: not in a private room, nor in Practice and Crowd.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub rated: bool,
    /// The taken seats, best first.
    pub seated: Vec<RoomSeat>,
    /// The recording of the running round. `null` when no round runs.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub recording: Option<crate::id::ReplayId>,
}

/// `POST /api/rooms`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreateRoom {
    /// The rules of the room.
    pub mode: Mode,
    /// Whether to keep it out of the list.
    #[serde(default)]
    pub private: bool,
    /// The strength of the bots that fill free seats and leave them to humans. `null` for no bots.
    #[serde(default)]
    pub bots: Option<BotStrength>,
}

/// The role of a connection to a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Takes a seat, or returns to its own.
    Player,
    /// Watches.
    Spectator,
}

/// `POST /api/rooms/{id}/tickets`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TicketRequest {
    /// Whether to play or to watch.
    #[serde(rename = "as")]
    pub role: Role,
}

/// A single-use key to one WebSocket. The answer to `POST …/tickets` of rooms and chat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = SeatTicket))]
pub struct WebSocketTicket {
    /// The key.
    #[cfg_attr(feature = "openapi", schema(schema_with = crate::openapi::token))]
    pub ticket: String,
    /// The address of the WebSocket: a path on this server that contains the ticket.
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

/// The state of a request for a match.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum MatchState {
    /// The matchmaker looks for other players.
    Waiting {
        /// Seconds since the request.
        waited_s: u32,
        /// The greatest difference of ratings accepted so far, in rating points.
        window: u32,
        /// Players who wait for the same mode, this one included.
        in_queue: u32,
        /// Seconds until bots fill the seats.
        bots_in_s: u32,
        /// No further room can be opened: the search waits for a free seat in a room that is there.
        #[serde(default)]
        full: bool,
    },
    /// A seat is reserved: ask for a ticket of this room.
    Matched {
        /// The room.
        room: RoomId,
        /// No further room could be opened: this one was there, whatever the ratings of its players.
        #[serde(default)]
        full: bool,
        /// Until when the seat is kept, by the server's clock, in milliseconds since 1970. The request ends then, too.
        #[cfg_attr(feature = "openapi", schema(nullable = false))]
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until_ms: Option<u64>,
    },
}

/// `POST /api/matchmaking` (201) and `GET /api/matchmaking/{ticket}` (200).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MatchTicket {
    /// The id of the request. It stays valid over disconnects.
    #[cfg_attr(feature = "openapi", schema(schema_with = crate::openapi::token))]
    pub ticket: String,
    /// The value of `?after=` for the next request. It grows with each change of `state`.
    pub version: u64,
    /// The state of the request.
    pub state: MatchState,
}
