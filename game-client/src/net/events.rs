//! What the network reports to the game, by topic. Each topic is a Bevy message of its own, so that a part of the game
//! reads what concerns it and nothing else.

use std::time::{Duration, Instant};

use bevy::prelude::Message;
use shared::api::{MatchState, ReplayList, RoomDetails, RoomList, Session};
use shared::invitation::RoomAddress;
use shared::protocol::ServerMessage;
use shared::protocol::chat::ChatServerMessage;
use tokio::sync::mpsc;

use super::error::UserError;
use super::requests::{DownloadId, LinkId, ReplayPage, SignInId};

/// About the session.
#[derive(Debug, Clone, Message)]
pub enum SessionEvent {
    /// A sign-in succeeded.
    SignedIn {
        /// The attempt.
        id: SignInId,
        /// The server's address.
        server: String,
        /// The session.
        session: Session,
    },
    /// A sign-in failed.
    SignInFailed {
        /// The attempt.
        id: SignInId,
        /// Why.
        error: UserError,
    },
    /// The server's address for others, which its links carry.
    PublicAddress {
        /// The server's address as this client uses it.
        server: String,
        /// The one for others.
        address: String,
    },
    /// The server had forgotten the session, and the client has signed in again under the same name.
    Renewed {
        /// The server's address.
        server: String,
        /// The new session.
        session: Session,
    },
}

/// The public rooms, as far as this build understands them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RoomListing {
    /// The rooms.
    pub list: RoomList,
    /// The number of rooms of a kind that this build does not know.
    pub not_understood: usize,
}

/// A page of the recordings, as far as this build understands them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplayListing {
    /// The recordings.
    pub list: ReplayList,
    /// The number of recordings of a kind that this build does not know.
    pub not_understood: usize,
    /// The server's clock. `None` when the server does not tell.
    pub time: Option<ServerTime>,
}

/// The server's clock at one moment. Ages are counted from it: the clock of this machine may be wrong, or be set anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServerTime {
    /// Milliseconds since 1970.
    pub ms: u64,
    /// The moment.
    pub at: Instant,
}

impl ServerTime {
    /// The server's clock at a later moment, in milliseconds since 1970.
    #[must_use]
    pub fn ms_at(self, moment: Instant) -> u64 {
        let since = moment.saturating_duration_since(self.at).as_millis();
        self.ms.saturating_add(u64::try_from(since).unwrap_or(u64::MAX))
    }
}

/// About the rooms of the server.
#[derive(Debug, Clone, Message)]
pub enum DirectoryEvent {
    /// The public rooms.
    Listed(Result<RoomListing, UserError>),
    /// One room. `None`: there is no room with this code.
    LookedUp(RoomAddress, Result<Option<RoomDetails>, UserError>),
    /// The room that was to be opened.
    Created(Result<RoomDetails, UserError>),
}

/// About the search for a match.
#[derive(Debug, Clone, Message)]
pub enum MatchmakingEvent {
    /// The state of the search changed.
    Changed(MatchState),
    /// The search is interrupted. It goes on by itself when the error is transient.
    Interrupted(UserError),
}

/// The state of the link to a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkState {
    /// Getting a ticket and opening the socket.
    Connecting {
        /// The number of the attempt. The first is 1.
        attempt: u32,
    },
    /// Open. The server's welcome follows.
    Open,
    /// Broken. It connects again.
    Lost {
        /// Why.
        error: UserError,
        /// When it connects again.
        retry_at: Instant,
    },
    /// Over. It does not connect again.
    Ended {
        /// Why.
        error: UserError,
    },
}

/// About the room that the player or spectator is in.
#[derive(Debug, Clone, Message)]
pub enum RoomEvent {
    /// The state of a link changed.
    Link {
        /// The link: events of an earlier one may still arrive.
        link: LinkId,
        /// Its state.
        state: LinkState,
    },
    /// A message of the server.
    Message {
        /// The link that received it.
        link: LinkId,
        /// The message.
        message: ServerMessage,
        /// When it was read from the socket.
        at: Instant,
    },
    /// The invitation to the room was looked up by its code.
    Invited {
        /// The link to the room.
        link: LinkId,
        /// The room's address, with the secret of the invitation.
        room: RoomAddress,
    },
    /// A ping was answered.
    RoundTrip {
        /// The time from ping to pong.
        time: Duration,
    },
}

/// About the chat.
#[derive(Debug, Clone, Message)]
pub enum ChatEvent {
    /// Whether the socket is open.
    Open(bool),
    /// A message of the server.
    Message(ChatServerMessage),
}

/// About recordings.
#[derive(Debug, Clone, Message)]
pub enum ReplayEvent {
    /// A page of the list.
    Listed(ReplayPage, Result<ReplayListing, UserError>),
    /// Part of a download.
    Download {
        /// The download.
        id: DownloadId,
        /// The part.
        part: DownloadPart,
    },
}

/// Part of a download.
#[derive(Debug, Clone)]
pub enum DownloadPart {
    /// The next bytes.
    Bytes {
        /// The offset of the first one. Zero: the file begins, perhaps for another time.
        from: u64,
        /// The bytes. They follow the ones before without a gap.
        bytes: Vec<u8>,
    },
    /// The connection broke. The download goes on at `retry_at`.
    Interrupted {
        /// Why.
        error: UserError,
        /// When it goes on.
        retry_at: Instant,
    },
    /// No more bytes follow: the file is complete (`None`), or the server refused the rest.
    Ended(Option<UserError>),
}

/// An event of any topic, on its way to the game.
#[derive(Debug)]
pub(super) enum NetEvent {
    Session(SessionEvent),
    Directory(DirectoryEvent),
    Matchmaking(MatchmakingEvent),
    Room(RoomEvent),
    Chat(ChatEvent),
    Replay(ReplayEvent),
}

macro_rules! net_event_from {
    ($($topic:ident($event:ident)),*) => {$(
        impl From<$event> for NetEvent {
            fn from(event: $event) -> Self {
                Self::$topic(event)
            }
        }
    )*};
}

net_event_from!(
    Session(SessionEvent),
    Directory(DirectoryEvent),
    Matchmaking(MatchmakingEvent),
    Room(RoomEvent),
    Chat(ChatEvent),
    Replay(ReplayEvent)
);

/// The end of the event queue that the network's tasks hold.
#[derive(Debug, Clone)]
pub(super) struct EventSender(mpsc::Sender<NetEvent>);

impl EventSender {
    /// Both ends of a queue.
    pub(super) fn channel(events_max: usize) -> (Self, mpsc::Receiver<NetEvent>) {
        let (sender, receiver) = mpsc::channel(events_max);
        (Self(sender), receiver)
    }

    /// Sends an event. While the queue is full this waits: then the socket is not read, and TCP holds the rest.
    ///
    /// False when the game has ended.
    pub(super) async fn send(&self, event: impl Into<NetEvent>) -> bool {
        self.0.send(event.into()).await.is_ok()
    }
}
