//! What the routes see of the running server.

use std::sync::Arc;

use crate::chat::ChatHandle;
use crate::config::Config;
use crate::device_links::DeviceLinks;
use crate::feeds::Feeds;
use crate::ladder::LadderHandle;
use crate::limits::Limits;
use crate::matchmaking::Matchmaker;
use crate::metrics::Gauges;
use crate::presence::Presence;
use crate::rooms::Rooms;
use crate::sessions::Sessions;
use crate::storage::Store;
use crate::storage::blobs::Blobs;
use crate::tasks::Tasks;
use crate::tickets::Tickets;

/// The parts of the running server that routes use.
pub struct App {
    /// The settings of this run.
    pub config: Arc<Config>,
    /// Owns every task.
    pub tasks: Tasks,
    /// Players, ratings, rounds, chat.
    pub store: Arc<dyn Store>,
    /// Replay files.
    pub blobs: Arc<dyn Blobs>,
    /// The feeds that the five transports serve.
    pub feeds: Arc<Feeds>,
    /// Which players are in which room.
    pub presence: Arc<Presence>,
    /// What `/metrics` shows beside the counters.
    pub gauges: Arc<Gauges>,
    /// Finds the player behind a request.
    pub sessions: Sessions,
    /// Codes that make another program the same player.
    pub device_links: DeviceLinks,
    /// Keys to WebSockets.
    pub tickets: Tickets,
    /// How often an address may do something.
    pub limits: Limits,
    /// The address of the chat task.
    pub chat: ChatHandle,
    /// The address of the ladder.
    pub ladder: LadderHandle,
    /// Every room.
    pub rooms: Rooms,
    /// The address of the matchmaking task.
    pub matchmaker: Matchmaker,
}

/// What a route gets.
pub type SharedApp = Arc<App>;
