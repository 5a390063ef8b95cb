//! The network: the only module that knows sockets.
//!
//! A thread of its own runs a tokio runtime, and Bevy does not wait for servers. The game sends [`Request`]s and reads
//! events of several topics (`SessionEvent`, `RoomEvent`, …). All of them are plain data, so that a browser's
//! implementation can take the place of this one.
//!
//! All queues are bounded. Requests are never dropped: the worker takes them at once, so a full queue would make a frame
//! wait for a moment. Game messages are perishable: when their queue is full, the newest is dropped and counted, because an
//! input is worthless when it is late. While the event queue is full, the sockets are not read, and TCP holds the rest.

mod api;
pub(crate) mod backoff;
mod chat_link;
mod dial;
mod error;
mod events;
mod link_commands;
mod matchmaking;
mod proxies;
mod replay_tasks;
mod requests;
mod room_link;
mod socket;
mod trust;
mod worker;

use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use bevy::app::AppExit;
use bevy::ecs::system::SystemParam;
use bevy::prelude::{
    App, Last, Local, MessageReader, MessageWriter, Plugin, PreUpdate, Res, ResMut, Resource, warn,
};
use shared::protocol::ClientMessage;
use tokio::sync::mpsc;

use events::{EventSender, NetEvent};
use worker::{GameMessage, Worker};

pub use error::UserError;
pub use events::{
    ChatEvent, DirectoryEvent, DownloadPart, LinkState, MatchmakingEvent, ReplayEvent,
    ReplayListing, RoomEvent, RoomListing, ServerTime, SessionEvent,
};
pub use requests::{
    ChatRequest, Credentials, DirectoryRequest, DownloadId, LeaveMode, LinkId, MatchmakingRequest,
    ReplayPage, ReplayRequest, Request, RoomRequest, SignInId, SignInRequest,
};

/// Requests that may wait for the network thread.
const REQUESTS_MAX: usize = 64;
/// Game messages that may wait for the network thread. When full, the newest is dropped and counted.
const GAME_MESSAGES_MAX: usize = 256;
/// Events that may wait for the game.
const EVENTS_MAX: usize = 1024;

/// The window closes after this time at the latest, even when the network thread has not ended.
const END_WITHIN: Duration = Duration::from_millis(500);
/// How often the end of the network thread is checked.
const CHECK_EVERY: Duration = Duration::from_millis(5);

/// The game's end of the network.
#[derive(Debug, Resource)]
pub struct Net {
    /// `None` once the game has ended.
    senders: Option<Senders>,
    events: mpsc::Receiver<NetEvent>,
    /// Game messages that found their queue full.
    dropped: AtomicU32,
    thread: Option<thread::JoinHandle<()>>,
}

#[derive(Debug)]
struct Senders {
    requests: mpsc::Sender<Request>,
    game_messages: mpsc::Sender<GameMessage>,
}

impl Net {
    /// Sends a request. Its answers arrive as events.
    pub fn request(&self, request: impl Into<Request>) {
        if let Some(senders) = &self.senders {
            // It fails only when the network thread has ended, and then nothing can be asked.
            drop(senders.requests.blocking_send(request.into()));
        }
    }

    /// Sends a message to the server of a room. It is dropped when the network thread or the link cannot take it, or when
    /// the room was left.
    pub fn send(&self, link: LinkId, message: ClientMessage) {
        if let Some(senders) = &self.senders
            && senders.game_messages.try_send((link, message)).is_err()
        {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn start() -> std::io::Result<Self> {
        let (requests, request_queue) = mpsc::channel(REQUESTS_MAX);
        let (game_messages, game_message_queue) = mpsc::channel(GAME_MESSAGES_MAX);
        let (event_sender, events) = EventSender::channel(EVENTS_MAX);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let worker = Worker::new(request_queue, game_message_queue, event_sender);
        // The thread ends when the game drops the senders.
        let thread = thread::Builder::new()
            .name("network".to_owned())
            .spawn(move || runtime.block_on(worker.run()))?;
        let senders = Some(Senders { requests, game_messages });
        Ok(Self { senders, events, dropped: AtomicU32::new(0), thread: Some(thread) })
    }

    /// Closes the connections: the search is cancelled, and the server keeps the seat. Later requests do nothing.
    fn shut_down(&mut self) {
        self.senders = None;
        let Some(thread) = self.thread.take() else { return };
        let until = Instant::now() + END_WITHIN;
        while !thread.is_finished() && Instant::now() < until {
            thread::sleep(CHECK_EVERY);
        }
    }
}

/// Starts the network thread, and hands its events to the game at the start of each frame.
#[derive(Debug)]
pub struct NetPlugin;

impl Plugin for NetPlugin {
    fn build(&self, app: &mut App) {
        add_events(app);
        match Net::start() {
            Ok(net) => {
                app.insert_resource(net)
                    .add_systems(PreUpdate, (receive, warn_about_drops))
                    .add_systems(Last, shut_down);
            }
            Err(error) => bevy::prelude::error!("the network thread cannot start: {error}"),
        }
    }
}

/// Registers the events of all topics.
pub(crate) fn add_events(app: &mut App) {
    app.add_message::<SessionEvent>()
        .add_message::<DirectoryEvent>()
        .add_message::<MatchmakingEvent>()
        .add_message::<RoomEvent>()
        .add_message::<ChatEvent>()
        .add_message::<ReplayEvent>();
}

/// A writer for each topic.
#[derive(SystemParam)]
struct Topics<'w> {
    session: MessageWriter<'w, SessionEvent>,
    directory: MessageWriter<'w, DirectoryEvent>,
    matchmaking: MessageWriter<'w, MatchmakingEvent>,
    room: MessageWriter<'w, RoomEvent>,
    chat: MessageWriter<'w, ChatEvent>,
    replay: MessageWriter<'w, ReplayEvent>,
}

fn receive(mut net: ResMut<Net>, mut topics: Topics<'_>) {
    while let Ok(event) = net.events.try_recv() {
        match event {
            NetEvent::Session(event) => {
                topics.session.write(event);
            }
            NetEvent::Directory(event) => {
                topics.directory.write(event);
            }
            NetEvent::Matchmaking(event) => {
                topics.matchmaking.write(event);
            }
            NetEvent::Room(event) => {
                topics.room.write(event);
            }
            NetEvent::Chat(event) => {
                topics.chat.write(event);
            }
            NetEvent::Replay(event) => {
                topics.replay.write(event);
            }
        }
    }
}

fn shut_down(mut exits: MessageReader<AppExit>, mut net: ResMut<Net>) {
    if exits.read().next().is_some() {
        net.shut_down();
    }
}

fn warn_about_drops(net: Res<Net>, mut known: Local<u32>) {
    let dropped = net.dropped.load(Ordering::Relaxed);
    if dropped != *known {
        warn!("the network thread was too busy for {} game messages", dropped - *known);
        *known = dropped;
    }
}

/// Both queues of a [`Net`] without a thread.
#[cfg(test)]
#[derive(Debug)]
pub(crate) struct Sent {
    pub(crate) requests: mpsc::Receiver<Request>,
    pub(crate) game_messages: mpsc::Receiver<GameMessage>,
}

#[cfg(test)]
impl Net {
    /// A network without a thread: the test receives what the game sends.
    pub(crate) fn detached() -> (Self, Sent) {
        let (requests, request_queue) = mpsc::channel(REQUESTS_MAX);
        let (game_messages, game_message_queue) = mpsc::channel(GAME_MESSAGES_MAX);
        let (_, events) = EventSender::channel(EVENTS_MAX);
        let senders = Some(Senders { requests, game_messages });
        let sent = Sent { requests: request_queue, game_messages: game_message_queue };
        (Self { senders, events, dropped: AtomicU32::new(0), thread: None }, sent)
    }
}
