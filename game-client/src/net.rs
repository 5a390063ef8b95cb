//! The network: the one module that knows sockets.
//!
//! A thread of its own runs a tokio runtime; Bevy never waits for it. The game asks with [`Request`]s and hears
//! [`Report`]s, both plain data, so another implementation (a browser's) can take this one's place.
//!
//! Both queues are bounded. When the requests are full, the newest is dropped and counted: inputs are worthless when
//! they are late. When the reports are full, the sockets are not read until the game has caught up: TCP holds the rest.

mod api;
pub(crate) mod backoff;
mod chat;
mod link;
mod orders;
mod queue;
mod replays;
mod socket;
mod worker;

use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use bevy::app::AppExit;
use bevy::prelude::{
    App, Last, Message, MessageReader, MessageWriter, Plugin, PreUpdate, Res, ResMut, Resource,
    warn,
};
use shared::api::{CreateRoom, MatchState, Role, RoomDetails, RoomList, Session};
use shared::id::{PlayerName, RoomId};
use shared::protocol::chat::{ChatChannel, ChatServerMessage};
use shared::protocol::{ClientMessage, ServerMessage};
use shared::sim::Mode;
use tokio::sync::mpsc;

use crate::invite::HandoverCode;

pub use replays::{ReplayPage, ReplayPart, ReplayReport, ReplayRequest};

/// Requests that may wait for the network thread.
const REQUESTS_MAX: usize = 256;
/// Reports that may wait for the game.
const REPORTS_MAX: usize = 1024;

/// The window closes no later than that, even when a server does not take leave.
const END_WITHIN: Duration = Duration::from_millis(500);
/// How often the end of the thread is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Who one says to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// Whose token comes along, or a new guest, under the name that others shall see.
    Name(PlayerName),
    /// The player of the lobby in the browser.
    Handover(HandoverCode),
}

/// What the game asks of the network. Each is answered by reports, never at once.
#[derive(Debug, Clone)]
pub enum Request {
    /// Be somebody on a server. Leaves everything on another server.
    SignIn {
        /// Its address: scheme, host and port.
        server: String,
        /// Who.
        claim: Claim,
        /// The token kept from the last time.
        token: Option<String>,
    },
    /// Ask for the public rooms.
    ListRooms,
    /// Ask about one room.
    LookAt(RoomId),
    /// Open a room.
    Create(CreateRoom),
    /// Look for a match; tries until it is matched or cancelled.
    Queue(Mode),
    /// Stop looking.
    LeaveQueue,
    /// Connect to a room, and keep connecting when the link breaks.
    Enter {
        /// Comes back in what this link reports.
        link: LinkId,
        /// Which room.
        room: RoomId,
        /// To play or to watch.
        role: Role,
    },
    /// Leave the room; the seat waits for a while.
    StepOut,
    /// Connect to the room once more: what came from it cannot be followed.
    BeginAgain,
    /// Leave the room, and give the seat up.
    Leave,
    /// About recordings.
    Replays(ReplayRequest),
    /// Say something to the room's server.
    Game(ClientMessage),
    /// Say something in the chat.
    Say {
        /// To whom.
        channel: ChatChannel,
        /// What.
        text: String,
    },
}

/// Tells one link to a room from the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LinkId(pub u32);

/// Something that went wrong, in words for a person.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct Trouble {
    /// What happened and what helps.
    pub text: String,
    /// Whether the same try can succeed later.
    pub may_pass: bool,
}

/// How the link to a room stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkState {
    /// Getting a ticket and opening the socket; the first try is 1.
    Connecting {
        /// Which try.
        attempt: u32,
    },
    /// Open: a welcome follows.
    Open,
    /// Broken; it will be tried again.
    Lost {
        /// Why.
        why: Trouble,
        /// When.
        retry_at: Instant,
    },
    /// Over, and not to be tried again.
    Ended {
        /// Why.
        why: Trouble,
    },
}

/// What the network tells the game.
#[derive(Debug, Clone, Message)]
pub enum Report {
    /// The session that the server gave.
    SignedIn {
        /// On which server.
        server: String,
        /// Who one is there.
        session: Session,
    },
    /// No session.
    SignInFailed(Trouble),
    /// The public rooms.
    Rooms(Result<RoomList, Trouble>),
    /// One room. Nothing: there is none with that code.
    Looked(RoomId, Result<Option<RoomDetails>, Trouble>),
    /// The room that was asked for.
    Created(Result<RoomDetails, Trouble>),
    /// Where the search for a match stands.
    Queue(MatchState),
    /// The search is interrupted, and goes on when it passes.
    QueueTrouble(Trouble),
    /// The link to a room changed.
    Link {
        /// Which link: reports of one that was left may still arrive.
        link: LinkId,
        /// How it stands.
        state: LinkState,
    },
    /// Something from the room.
    Game {
        /// By which link.
        link: LinkId,
        /// What.
        message: ServerMessage,
        /// When it came off the socket.
        at: Instant,
    },
    /// The round trip of one ping.
    RoundTrip {
        /// There and back.
        time: Duration,
    },
    /// Something from the chat.
    Chat(ChatServerMessage),
    /// Whether the chat's socket is open.
    ChatOpen(bool),
    /// About recordings.
    Replays(ReplayReport),
}

/// The game's end of the network.
#[derive(Debug, Resource)]
pub struct Net {
    /// Nothing once the game is over.
    requests: Option<mpsc::Sender<Request>>,
    reports: mpsc::Receiver<Report>,
    dropped: AtomicU32,
    thread: Option<thread::JoinHandle<()>>,
}

impl Net {
    /// Asks for something.
    pub fn ask(&self, request: Request) {
        let Some(requests) = &self.requests else { return };
        if requests.try_send(request).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Requests that found the queue full.
    pub fn dropped(&self) -> u32 {
        self.dropped.load(Ordering::Relaxed)
    }

    fn start() -> std::io::Result<Self> {
        let (requests, inbox) = mpsc::channel(REQUESTS_MAX);
        let (outbox, reports) = mpsc::channel(REPORTS_MAX);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        // The thread ends when the game drops its end of the requests.
        let thread = thread::Builder::new()
            .name("network".to_owned())
            .spawn(move || runtime.block_on(worker::Worker::new(inbox, outbox).run()))?;
        let (requests, thread) = (Some(requests), Some(thread));
        Ok(Self { requests, reports, dropped: AtomicU32::new(0), thread })
    }

    /// Takes leave of the server: a search is called off, a seat waits. Nothing can be asked any more.
    fn end(&mut self) {
        self.requests = None;
        let Some(thread) = self.thread.take() else { return };
        let until = Instant::now() + END_WITHIN;
        while !thread.is_finished() && Instant::now() < until {
            thread::sleep(LOOK_EVERY);
        }
    }
}

/// Starts the network thread and turns its reports into messages at the start of each frame.
#[derive(Debug)]
pub struct NetPlugin;

impl Plugin for NetPlugin {
    fn build(&self, app: &mut App) {
        app.add_message::<Report>();
        match Net::start() {
            Ok(net) => {
                app.insert_resource(net)
                    .add_systems(PreUpdate, (hear, complain))
                    .add_systems(Last, end);
            }
            Err(error) => bevy::prelude::error!("the network thread cannot start: {error}"),
        }
    }
}

fn hear(mut net: ResMut<Net>, mut messages: MessageWriter<Report>) {
    while let Ok(report) = net.reports.try_recv() {
        messages.write(report);
    }
}

fn end(mut exits: MessageReader<AppExit>, mut net: ResMut<Net>) {
    if exits.read().next().is_some() {
        net.end();
    }
}

fn complain(net: Res<Net>, mut known: bevy::prelude::Local<u32>) {
    let dropped = net.dropped();
    if dropped != *known {
        warn!("the network was too busy for {} requests", dropped - *known);
        *known = dropped;
    }
}

#[cfg(test)]
impl Net {
    /// Without a thread: what is asked comes out at the other end.
    pub(crate) fn on_paper() -> (Self, mpsc::Receiver<Request>) {
        let (requests, asked) = mpsc::channel(REQUESTS_MAX);
        let (_, reports) = mpsc::channel(REPORTS_MAX);
        let dropped = AtomicU32::new(0);
        (Self { requests: Some(requests), reports, dropped, thread: None }, asked)
    }
}
