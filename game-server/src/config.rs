//! Settings. `main.rs` fills them from flags and `PUSHBACK_…` variables, tests from [`Config::default`].

use std::path::PathBuf;
use std::time::Duration;

use shared::sim::mode::{ROUND_TICKS, ROUND_TICKS_MAX};
use shared::tick::TICK_RATE_HZ;

/// Everything that an operator may decide.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where the database and the replays live.
    pub data_dir: PathBuf,
    /// The database's address; SQLite in `data_dir` when it is not given.
    pub database_url: Option<String>,
    /// How browsers reach this server, when it is not the address that they ask (a proxy with TLS).
    pub public_url: Option<String>,
    /// Other sites whose pages may use this server, such as `https://example.org`.
    pub allowed_origins: Vec<String>,
    /// Take the client's address from the last entry of `X-Forwarded-For`.
    pub trust_forwarded: bool,
    /// Open connections in all.
    pub connections_max: usize,
    /// Open connections from one address. Not applied behind a proxy (`trust_forwarded`).
    pub connections_per_address_max: usize,
    /// New guests that one address may make in a minute.
    pub sessions_per_minute: u32,
    /// How long a write may make no progress until the connection is cut.
    pub write_stall_max: Duration,
    /// Time to read a request's head.
    pub header_timeout: Duration,
    /// Blank traffic on streams at least this often. At most 15 s.
    pub heartbeat: Duration,
    /// Pings on WebSockets this often. At most 20 s.
    pub ping: Duration,
    /// The beat of the feed `lab`.
    pub lab_interval: Duration,
    /// How long a graceful stop may take.
    pub stop_within: Duration,
    /// Keep one room of bots running always.
    pub bots: bool,
    /// Rooms in all.
    pub rooms_max: usize,
    /// Replays older than this are deleted. Nothing: kept for ever.
    pub replay_retention: Option<Duration>,
    /// The length of a round in seconds, when it is not the rules' own.
    pub round_seconds: Option<u32>,
    /// How long a result is shown before the next round, in seconds.
    pub summary_seconds: u32,
    /// Who waits for a match for so long plays with bots.
    pub bots_fill_after: Duration,
    /// New rooms that one address may open in a minute.
    pub rooms_per_minute: u32,
    /// Let the kernel wait for more to send (Nagle), and take whatever is written: `cargo xtask bench link --without` shows
    /// what it is worth that it does neither.
    pub without_nodelay: bool,
    /// See [`Config::without_nodelay`].
    pub without_unsent_limit: bool,
    /// Bytes of a snapshot for one player of a crowd. What has no room comes later.
    pub crowd_snapshot_bytes_max: usize,
    /// Show how each seated player does in `/metrics`, up to a number of players.
    pub metrics_per_player: bool,
    /// What the seeds of all worlds follow from, room by room and round by round, for measurements and tests. Nothing:
    /// chance.
    pub seed: Option<u64>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data_dir: PathBuf::from("pushback-data"),
            database_url: None,
            public_url: None,
            allowed_origins: Vec::new(),
            trust_forwarded: false,
            connections_max: 10_000,
            connections_per_address_max: 256,
            sessions_per_minute: 30,
            write_stall_max: Duration::from_secs(10),
            header_timeout: Duration::from_secs(10),
            heartbeat: Duration::from_secs(15),
            ping: Duration::from_secs(20),
            lab_interval: Duration::from_millis(500),
            stop_within: Duration::from_secs(5),
            bots: true,
            rooms_max: 200,
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
        }
    }
}

impl Config {
    /// Where the database is.
    #[must_use]
    pub fn database_url(&self) -> String {
        self.database_url.clone().unwrap_or_else(|| {
            format!("sqlite://{}?mode=rwc", self.data_dir.join("pushback.sqlite").display())
        })
    }

    /// The length of a round, at least a second.
    #[must_use]
    pub fn round_ticks(&self) -> u32 {
        let asked = self.round_seconds.map(|count| count.max(1).saturating_mul(TICK_RATE_HZ));
        asked.map_or(ROUND_TICKS, |ticks| ticks.min(ROUND_TICKS_MAX))
    }

    /// Where replays are kept.
    #[must_use]
    pub fn replay_dir(&self) -> PathBuf {
        self.data_dir.join("replays")
    }

    /// Whether browsers come over TLS.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        self.public_url.as_deref().is_some_and(|url| url.starts_with("https://"))
    }
}
