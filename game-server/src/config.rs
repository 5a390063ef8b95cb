//! The settings of a server. The program fills them from flags and `PUSHBACK_…` variables; tests start from
//! [`Config::default`].

pub mod many_nodes;
pub mod ranges;

use std::path::PathBuf;
use std::time::Duration;

use shared::sim::mode::{ROUND_TICKS, ROUND_TICKS_MAX};
use shared::tick::TICK_RATE_HZ;

use crate::client_address::{AddressRules, Network, Proxies};
use crate::cluster::nats::NatsUrl;
use crate::node::NodeName;
use crate::storage::DatabaseUrl;
use crate::storage::blobs::{Bucket, BucketError, BucketUrl};

/// Everything that an operator can set.
#[derive(Debug, Clone)]
pub struct Config {
    /// The directory of the database and the replays.
    pub data_dir: PathBuf,
    /// The database. `None`: a SQLite file in `data_dir`.
    pub database_url: Option<DatabaseUrl>,
    /// The bucket of the recordings. `None`: they stay in `data_dir`.
    pub blobs: Option<BucketUrl>,
    /// The file with the credentials of the bucket. `None`: they stand in the environment.
    pub blobs_credentials: Option<PathBuf>,
    /// The NATS servers that the nodes of one lobby share. `None`: this server is alone.
    pub nats: Option<NatsUrl>,
    /// The file with the credentials of NATS. `None`: it asks for none.
    pub nats_credentials: Option<PathBuf>,
    /// The name of this server among those that share the bucket or the lobby. `None`: `main`.
    pub node: Option<NodeName>,
    /// The origin at which browsers reach this server, when a proxy is in front of it.
    pub public_url: Option<String>,
    /// Other origins whose pages may use this server, such as `https://example.org`.
    pub allowed_origins: Vec<String>,
    /// Names at which browsers reach this server, beside the public URL, addresses and `localhost`. `*.example.org` is every
    /// name that ends so.
    pub allowed_hosts: Vec<String>,
    /// The networks of the proxies before this server: their `X-Forwarded-For` or `Forwarded` is believed.
    pub trusted_proxies: Vec<Network>,
    /// Every peer is a proxy, and the last entry of its `X-Forwarded-For` is the client.
    pub trust_forwarded: bool,
    /// The bits of an IPv6 address that tell one client from another.
    pub ipv6_prefix: u8,
    /// Most open connections.
    pub connections_max: usize,
    /// Most open connections from one address; behind a proxy, most requests and WebSockets at once.
    pub connections_per_address_max: usize,
    /// New guests per address and minute.
    pub sessions_per_minute: u32,
    /// A connection is closed when a write makes no progress for this long.
    pub write_stall_max: Duration,
    /// Time for a request's head to arrive, from its first byte on.
    pub header_timeout: Duration,
    /// A connection without a request is closed after this time.
    pub idle_timeout: Duration,
    /// Longest silence on a stream before a heartbeat. At most 15 s.
    pub heartbeat: Duration,
    /// Interval between pings on WebSockets. At most 20 s.
    pub ping: Duration,
    /// Interval between samples of the feed `lab`.
    pub lab_interval: Duration,
    /// Time for a graceful stop.
    pub stop_within: Duration,
    /// Time before a stop in which rounds are played to their end, and nobody new is taken. Zero: none.
    pub drain_within: Duration,
    /// Whether one room of bots always runs.
    pub bots: bool,
    /// Most open rooms.
    pub rooms_max: usize,
    /// Most open rooms that one player has opened.
    pub rooms_per_guest_max: usize,
    /// Most open rooms that players of one address have opened.
    pub rooms_per_address_max: usize,
    /// A room in which nobody has acted for this long is closed.
    pub room_idle_max: Duration,
    /// Look-ups per address and minute of room codes that belong to no public room.
    pub codes_per_minute: u32,
    /// Replays older than this are deleted. `None`: never.
    pub replay_retention: Option<Duration>,
    /// The length of a round in seconds. `None`: as the mode's rules say.
    pub round_seconds: Option<u32>,
    /// Seconds for which clients show a result before the next round.
    pub summary_seconds: u32,
    /// Time in the matchmaking queue after which bots fill the match.
    pub bots_fill_after: Duration,
    /// New rooms per address and minute.
    pub rooms_per_minute: u32,
    /// Leaves `TCP_NODELAY` unset. `cargo xtask bench link --without` measures the difference.
    pub without_nodelay: bool,
    /// Leaves `TCP_NOTSENT_LOWAT` unset. Measured in the same way.
    pub without_unsent_limit: bool,
    /// Most bytes of a snapshot for one player in Crowd. Later snapshots carry the rest.
    pub crowd_snapshot_bytes_max: usize,
    /// Whether `/metrics` has series for single players, of the first 256.
    pub metrics_per_player: bool,
    /// Determines the seeds of all worlds, room by room and round by round, for measurements and tests. `None`: random.
    pub seed: Option<u64>,
    /// The name of a task that panics, to see what that does to the server and to its clients.
    pub panic_in: Option<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data_dir: PathBuf::from("pushback-data"),
            database_url: None,
            blobs: None,
            blobs_credentials: None,
            nats: None,
            nats_credentials: None,
            node: None,
            public_url: None,
            allowed_origins: Vec::new(),
            allowed_hosts: Vec::new(),
            trusted_proxies: Vec::new(),
            trust_forwarded: false,
            ipv6_prefix: 64,
            connections_max: 10_000,
            connections_per_address_max: 256,
            sessions_per_minute: 30,
            write_stall_max: Duration::from_secs(10),
            header_timeout: Duration::from_secs(10),
            // Longer than proxies keep theirs: nginx 60 s, Go 90 s, Caddy 120 s.
            idle_timeout: Duration::from_secs(130),
            heartbeat: Duration::from_secs(15),
            ping: Duration::from_secs(20),
            lab_interval: Duration::from_millis(500),
            stop_within: Duration::from_secs(5),
            drain_within: Duration::ZERO,
            bots: true,
            rooms_max: 200,
            rooms_per_guest_max: 4,
            rooms_per_address_max: 20,
            room_idle_max: Duration::from_secs(30 * 60),
            codes_per_minute: 30,
            replay_retention: None,
            round_seconds: None,
            summary_seconds: 12,
            bots_fill_after: Duration::from_secs(10),
            rooms_per_minute: 60,
            without_nodelay: false,
            without_unsent_limit: false,
            crowd_snapshot_bytes_max: 376,
            metrics_per_player: true,
            seed: None,
            panic_in: None,
        }
    }
}

impl Config {
    /// The database's address.
    #[must_use]
    pub fn database_url(&self) -> DatabaseUrl {
        let in_folder = || DatabaseUrl::sqlite(&self.data_dir.join("pushback.sqlite"));
        self.database_url.clone().unwrap_or_else(in_folder)
    }

    /// The name of this server.
    #[must_use]
    pub fn node(&self) -> NodeName {
        self.node.clone().unwrap_or_default()
    }

    /// What addresses begin with that only this server can answer. Empty when there is no other.
    #[must_use]
    pub fn prefix(&self) -> String {
        self.one_of_many().map_or_else(String::new, |node| node.prefix())
    }

    /// The name of this server, when others share the lobby.
    #[must_use]
    pub fn one_of_many(&self) -> Option<NodeName> {
        self.nats.as_ref().map(|_| self.node())
    }

    /// The bucket of the recordings, if there is one. Asks nothing of it.
    ///
    /// # Errors
    /// When the credentials cannot be read, or the settings do not fit together.
    pub fn bucket(&self) -> Result<Option<Bucket>, BucketError> {
        let credentials = self.blobs_credentials.as_deref();
        let bucket = |url| Bucket::new(url, credentials, self.node());
        self.blobs.as_ref().map(bucket).transpose()
    }

    /// The length of a round in ticks.
    #[must_use]
    pub fn round_ticks(&self) -> u32 {
        let asked = self.round_seconds.map(|count| count.saturating_mul(TICK_RATE_HZ));
        asked.map_or(ROUND_TICKS, |ticks| ticks.min(ROUND_TICKS_MAX))
    }

    /// How the address of a request is found and counted.
    #[must_use]
    pub fn address_rules(&self) -> AddressRules {
        let proxies = match self.trust_forwarded {
            true => Proxies::EveryPeer,
            false => Proxies::In(self.trusted_proxies.clone()),
        };
        AddressRules::new(proxies, self.ipv6_prefix)
    }

    /// The directory of the replays.
    #[must_use]
    pub fn replay_dir(&self) -> PathBuf {
        self.data_dir.join("replays")
    }

    /// Whether browsers use TLS.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        self.public_url.as_deref().is_some_and(|url| url.starts_with("https://"))
    }
}
