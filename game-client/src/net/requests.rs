//! What the game asks of the network, by topic. Each request is answered by events, never at once.

use shared::api::{CreateRoom, Role};
use shared::id::{PlayerId, PlayerName, ReplayId};
use shared::invitation::RoomAddress;
use shared::protocol::chat::ChatChannel;
use shared::sim::Mode;

use crate::invite::DeviceLinkCode;

/// Tells one attempt to sign in from the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SignInId(pub u32);

/// Tells one link to a room from the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LinkId(pub u32);

/// Tells one download of a recording from the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DownloadId(pub u32);

/// Everything that the game can ask. A request is never dropped.
#[derive(Debug, Clone)]
pub enum Request {
    /// Get a session.
    SignIn(SignInRequest),
    /// About the rooms of the server.
    Directory(DirectoryRequest),
    /// About the search for a match.
    Matchmaking(MatchmakingRequest),
    /// About the room that the player or spectator is in.
    Room(RoomRequest),
    /// About the chat.
    Chat(ChatRequest),
    /// About recordings.
    Replay(ReplayRequest),
}

/// Gets a session on a server. A newer request cancels the one before. When it succeeds, the room, the search and the
/// chat of the session before are left.
#[derive(Debug, Clone)]
pub struct SignInRequest {
    /// Comes back with the outcome.
    pub id: SignInId,
    /// The server's address: scheme, host and port.
    pub server: String,
    /// The identity that is claimed.
    pub credentials: Credentials,
    /// The token of the last session on this server.
    pub token: Option<String>,
}

/// The identity that a sign-in claims.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credentials {
    /// The owner of the token, or a new guest without one, under this name.
    Name(PlayerName),
    /// The owner of the token, under the name that the server knows. Without a valid one, a new guest under this name.
    Known(PlayerName),
    /// The player of the lobby in the browser, which showed this code.
    DeviceLink(DeviceLinkCode),
}

/// About the rooms of the server. Needs a session; without one nothing happens.
#[derive(Debug, Clone)]
pub enum DirectoryRequest {
    /// List the public rooms.
    List,
    /// Look one room up.
    LookUp(RoomAddress),
    /// Open a room.
    Create(CreateRoom),
}

/// About the search for a match. Needs a session; without one nothing happens.
#[derive(Debug, Clone)]
pub enum MatchmakingRequest {
    /// Search until there is a match or the search is cancelled.
    Start(Mode),
    /// Stop searching and give the ticket back.
    Cancel,
}

/// About the room that the player or spectator is in. Needs a session; without one nothing happens.
#[derive(Debug, Clone)]
pub enum RoomRequest {
    /// Connect to a room, and connect again whenever the connection breaks. Leaves the room before.
    Enter {
        /// Comes back with what this link reports.
        link: LinkId,
        /// The room.
        room: RoomAddress,
        /// Player or spectator.
        role: Role,
    },
    /// Open a new connection to the same room: a new connection begins with a keyframe.
    Reconnect(LinkId),
    /// Leave the room.
    Leave(LeaveMode),
}

/// What becomes of the seat when a player leaves a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeaveMode {
    /// The seat is free at once.
    GiveUpSeat,
    /// The server keeps the seat for a while, so that the player can return.
    KeepSeat,
}

/// About the chat.
#[derive(Debug, Clone)]
pub enum ChatRequest {
    /// Send a line.
    Send {
        /// Where it is shown.
        channel: ChatChannel,
        /// The line.
        text: String,
    },
}

/// A page of the list of recordings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReplayPage {
    /// Only recordings that are older than this one.
    pub before: Option<ReplayId>,
    /// Only rounds of this mode.
    pub mode: Option<Mode>,
    /// Only rounds that this player took part in.
    pub player: Option<PlayerId>,
}

/// About recordings. They need no session, so each request names its server.
#[derive(Debug, Clone)]
pub enum ReplayRequest {
    /// Get a page of the list.
    List {
        /// The server's address.
        server: String,
        /// The page.
        page: ReplayPage,
    },
    /// Download a whole file from its beginning. Ends the download before.
    Download {
        /// The server's address.
        server: String,
        /// The recording.
        replay: ReplayId,
        /// Comes back with every part of it.
        id: DownloadId,
    },
    /// End the download.
    Stop,
}

macro_rules! request_from {
    ($($topic:ident($request:ident)),*) => {$(
        impl From<$request> for Request {
            fn from(request: $request) -> Self {
                Self::$topic(request)
            }
        }
    )*};
}

request_from!(
    SignIn(SignInRequest),
    Directory(DirectoryRequest),
    Matchmaking(MatchmakingRequest),
    Room(RoomRequest),
    Chat(ChatRequest),
    Replay(ReplayRequest)
);
