//! The state of the routes: a handle to each part of the server that they use.
//!
//! A handler takes the parts that it needs, each as a `State` of its own type, and never the whole.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::FromRef;

use super::arriving::ArrivingFiles;
use super::read_gate::ReadGate;
use super::sites::Sites;
use crate::chat::ChatHandle;
use crate::cluster::nodes::Nodes;
use crate::config::Config;
use crate::device_links::DeviceLinks;
use crate::drain::Drain;
use crate::feeds::Feeds;
use crate::ladder::LadderHandle;
use crate::limits::Limits;
use crate::matchmaking::Matchmaker;
use crate::metrics::Metrics;
use crate::presence::Presence;
use crate::readiness::Readiness;
use crate::renames::Renames;
use crate::rooms::Rooms;
use crate::sessions::Sessions;
use crate::storage::Store;
use crate::storage::blobs::Blobs;
use crate::tasks::Tasks;
use crate::tickets::Tickets;

/// The state of the router. axum clones it several times for each request, so it is one pointer.
#[derive(Clone)]
pub struct HttpState(Arc<HttpParts>);

impl HttpState {
    /// The names of this server, and the sites whose pages may use it.
    pub(super) fn sites(&self) -> &Sites {
        &self.0.settings.sites
    }
}

impl From<HttpParts> for HttpState {
    fn from(parts: HttpParts) -> Self {
        Self(Arc::new(parts))
    }
}

/// Declares the parts, each of which a handler can take as its `State`.
macro_rules! parts {
    ($(#[$meta:meta])* pub struct HttpParts { $($(#[$about:meta])* pub $name:ident: $part:ty,)+ }) => {
        $(#[$meta])*
        pub struct HttpParts {
            $($(#[$about])* pub $name: $part,)+
        }

        $(
            impl FromRef<HttpState> for $part {
                fn from_ref(state: &HttpState) -> Self {
                    state.0.$name.clone()
                }
            }
        )+
    };
}

parts! {
    /// The parts of a running server that routes use.
    #[derive(Clone)]
    pub struct HttpParts {
        /// The settings that routes read.
        pub settings: Arc<HttpSettings>,
        /// Owns the tasks of upgraded connections.
        pub tasks: Tasks,
        /// Whether the server takes nobody new.
        pub drain: Drain,
        /// The nodes of the lobby. `None`: this server is alone.
        pub nodes: Option<Nodes>,
        /// What keeps the server from being ready.
        pub readiness: Readiness,
        /// Players, ratings, rounds, chat.
        pub store: Arc<dyn Store>,
        /// Replay files.
        pub blobs: Blobs,
        /// Waits for replay files that are on their way from another node.
        pub arriving: Arc<ArrivingFiles>,
        /// The feeds that the five transports serve.
        pub feeds: Arc<Feeds>,
        /// Which players are in which room.
        pub presence: Arc<Presence>,
        /// What `/metrics` shows.
        pub metrics: Arc<Metrics>,
        /// Finds the player behind a request.
        pub sessions: Arc<Sessions>,
        /// Gives players other names.
        pub renames: Renames,
        /// Codes that make another program the same player.
        pub device_links: Arc<DeviceLinks>,
        /// Keys to WebSockets.
        pub tickets: Arc<Tickets>,
        /// How often an address or a player may do something.
        pub limits: Arc<Limits>,
        /// Lets reads of lists through.
        pub read_gate: Arc<ReadGate>,
        /// The address of the chat task.
        pub chat: ChatHandle,
        /// The address of the ladder.
        pub ladder: LadderHandle,
        /// Every room.
        pub rooms: Rooms,
        /// The address of the matchmaking task.
        pub matchmaker: Matchmaker,
    }
}

/// The settings that routes read.
#[derive(Debug, Clone)]
pub struct HttpSettings {
    /// The names of this server, and the sites whose pages may use it.
    pub sites: Sites,
    /// How browsers reach the server, without a slash at the end. `None` when the operator has not said it.
    pub public_url: Option<String>,
    /// The longest silence of a stream.
    pub heartbeat: Duration,
    /// The time between two pings of a WebSocket.
    pub ping: Duration,
    /// Whether other nodes share the lobby.
    pub is_one_of_many: bool,
    /// Whether the kernel takes few bytes only that it cannot send yet.
    pub has_unsent_limit: bool,
}

impl From<&Config> for HttpSettings {
    fn from(config: &Config) -> Self {
        Self {
            sites: Sites::new(config),
            public_url: config
                .public_url
                .as_deref()
                .map(|url| url.trim_end_matches('/').to_owned()),
            heartbeat: config.heartbeat,
            ping: config.ping,
            is_one_of_many: config.nats.is_some(),
            has_unsent_limit: !config.without_unsent_limit,
        }
    }
}
