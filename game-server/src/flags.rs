//! The flags of the program. Each has an environment variable.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::{ArgAction, Parser, ValueEnum};
use game_server::Config;
use game_server::client_address::Network;
use game_server::cluster::nats::NatsUrl;
use game_server::config::ranges;
use game_server::http::sites::{parse_host, parse_origin};
use game_server::node::NodeName;
use game_server::storage::DatabaseUrl;
use game_server::storage::blobs::BucketUrl;

/// The format of the log.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object per line, for programs.
    Json,
}

/// The Pushback server: rooms, matchmaking, feeds, chat, replays, and the lobby.
#[derive(Debug, Parser)]
#[command(version)]
pub(crate) struct Flags {
    /// Address and port to listen on. Port 0 picks a free one.
    #[arg(long, env = "PUSHBACK_LISTEN", default_value = "127.0.0.1:7777")]
    pub(crate) listen: String,
    /// File to write the bound address to, once the server listens.
    #[arg(long, env = "PUSHBACK_PORT_FILE", value_name = "PATH")]
    pub(crate) port_file: Option<PathBuf>,
    /// Filter of the log, in the syntax of `tracing`.
    #[arg(long, env = "PUSHBACK_LOG", default_value = "info,sqlx=warn,async_nats=off")]
    pub(crate) log: String,
    /// Format of the log.
    #[arg(long, env = "PUSHBACK_LOG_FORMAT", value_enum, default_value = "text")]
    pub(crate) log_format: LogFormat,

    /// Directory of the database and the replays.
    #[arg(long, env = "PUSHBACK_DATA_DIR", default_value = "pushback-data", value_name = "PATH")]
    data_dir: PathBuf,
    /// Database instead of the SQLite file in the data directory: `postgres://USER:PASSWORD@HOST/DATABASE` or
    /// `sqlite://PATH`. Set the variable rather than the flag when it contains a password.
    #[arg(long, env = "PUSHBACK_DATABASE_URL", value_name = "URL", hide_env_values = true)]
    database_url: Option<DatabaseUrl>,
    /// Bucket for the recordings instead of the data directory: `s3://BUCKET[/PREFIX]`, with `?endpoint=URL` for a store other
    /// than Amazon's, and `&region=REGION` and `&style=host` where it wants them. The credentials are those of the environment
    /// (`AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and so on).
    #[arg(long, env = "PUSHBACK_BLOBS", value_name = "URL")]
    blobs: Option<BucketUrl>,
    /// File with the credentials of the bucket, in lines such as `AWS_ACCESS_KEY_ID=…`.
    #[arg(long, env = "PUSHBACK_BLOBS_CREDENTIALS", value_name = "PATH", requires = "blobs")]
    blobs_credentials: Option<PathBuf>,
    /// NATS servers, with commas between them, that join this server with others to one lobby. Takes PostgreSQL, a bucket
    /// and a name of its own, too.
    #[arg(long, env = "PUSHBACK_NATS", value_name = "URL,…")]
    nats: Option<NatsUrl>,
    /// File with the credentials of NATS: a `.creds` file, or lines such as `NATS_USER=…` and `NATS_PASSWORD=…`.
    #[arg(long, env = "PUSHBACK_NATS_CREDENTIALS", value_name = "PATH", requires = "nats")]
    nats_credentials: Option<PathBuf>,
    /// Name of this server among those that share the bucket or the lobby. `main` if there is none.
    #[arg(long, env = "PUSHBACK_NODE", value_name = "NAME")]
    node: Option<NodeName>,
    /// Origin at which browsers reach this server, when a proxy is in front of it.
    #[arg(long, env = "PUSHBACK_PUBLIC_URL", value_name = "URL", value_parser = parse_origin)]
    public_url: Option<String>,
    /// Other origins whose pages may use this server, each with its scheme.
    #[arg(
        long,
        env = "PUSHBACK_ALLOWED_ORIGINS",
        value_delimiter = ',',
        value_name = "ORIGIN",
        value_parser = parse_origin
    )]
    allowed_origins: Vec<String>,
    /// Names at which browsers reach this server, beside the public URL, addresses and `localhost`. `*.example.org` is
    /// every name that ends so.
    #[arg(
        long,
        env = "PUSHBACK_ALLOWED_HOSTS",
        value_delimiter = ',',
        value_name = "HOST",
        value_parser = parse_host
    )]
    allowed_hosts: Vec<String>,
    /// Networks of the proxies before this server, whose `X-Forwarded-For` or `Forwarded` tells the client's address.
    #[arg(long, env = "PUSHBACK_TRUSTED_PROXIES", value_delimiter = ',', value_name = "CIDR")]
    trusted_proxies: Vec<Network>,
    /// Every peer is a proxy, one hop away: short for `--trusted-proxies` where nothing else can connect.
    #[arg(long, env = "PUSHBACK_TRUST_FORWARDED", conflicts_with = "trusted_proxies")]
    trust_forwarded: bool,
    /// Length of the prefix that tells one IPv6 client from another, in bits.
    #[arg(
        long,
        env = "PUSHBACK_IPV6_PREFIX",
        default_value_t = Config::default().ipv6_prefix,
        value_parser = within(ranges::IPV6_PREFIX)
    )]
    ipv6_prefix: u8,

    /// Most open connections.
    #[arg(
        long,
        env = "PUSHBACK_CONNECTIONS_MAX",
        default_value_t = Config::default().connections_max,
        value_parser = within(ranges::CONNECTIONS)
    )]
    connections_max: usize,
    /// Most open connections from one address; behind a proxy, most requests and WebSockets at once.
    #[arg(
        long,
        env = "PUSHBACK_CONNECTIONS_PER_ADDRESS_MAX",
        default_value_t = Config::default().connections_per_address_max,
        value_parser = within(ranges::CONNECTIONS)
    )]
    connections_per_address_max: usize,
    /// New guests per address and minute.
    #[arg(
        long,
        env = "PUSHBACK_SESSIONS_PER_MINUTE",
        default_value_t = Config::default().sessions_per_minute,
        value_parser = within(ranges::PER_MINUTE)
    )]
    sessions_per_minute: u32,
    /// Seconds after which a client that does not read is disconnected.
    #[arg(
        long,
        env = "PUSHBACK_WRITE_STALL_SECONDS",
        default_value_t = Config::default().write_stall_max.as_secs_f64(),
        value_parser = within(in_seconds(ranges::WRITE_STALL))
    )]
    write_stall_seconds: f64,
    /// Seconds after which a connection without a request is closed. Longer than the proxy in front keeps it.
    #[arg(
        long,
        env = "PUSHBACK_IDLE_SECONDS",
        default_value_t = Config::default().idle_timeout.as_secs(),
        value_parser = within(1..=86_400_u64)
    )]
    idle_seconds: u64,
    /// Most open rooms.
    #[arg(
        long,
        env = "PUSHBACK_ROOMS_MAX",
        default_value_t = Config::default().rooms_max,
        value_parser = within(ranges::ROOMS)
    )]
    rooms_max: usize,
    /// Most open rooms that one player has opened.
    #[arg(
        long,
        env = "PUSHBACK_ROOMS_PER_GUEST_MAX",
        default_value_t = Config::default().rooms_per_guest_max,
        value_parser = within(ranges::ROOMS)
    )]
    rooms_per_guest_max: usize,
    /// Most open rooms that players of one address have opened.
    #[arg(
        long,
        env = "PUSHBACK_ROOMS_PER_ADDRESS_MAX",
        default_value_t = Config::default().rooms_per_address_max,
        value_parser = within(ranges::ROOMS)
    )]
    rooms_per_address_max: usize,
    /// Minutes after which a room is closed in which nobody has acted.
    #[arg(
        long,
        env = "PUSHBACK_ROOM_IDLE_MINUTES",
        default_value_t = Config::default().room_idle_max.as_secs() / 60,
        value_parser = within(1..=10_080_u64)
    )]
    room_idle_minutes: u64,

    /// Seconds for which the first SIGTERM or SIGINT lets rounds be played to their end, while nobody new is taken and readers are
    /// sent elsewhere. Then, or when no room is left, the server stops. 0 stops at once.
    #[arg(
        long,
        env = "PUSHBACK_DRAIN_WITHIN",
        value_name = "SECONDS",
        default_value_t = Config::default().drain_within.as_secs(),
        value_parser = within(in_whole_seconds(ranges::DRAIN_WITHIN))
    )]
    drain_within: u64,
    /// Keep one room of bots running, so that the lobby is never empty.
    #[arg(long, env = "PUSHBACK_BOTS", default_value_t = true, action = ArgAction::Set)]
    bots: bool,
    /// Delete replays after this many days.
    #[arg(
        long,
        env = "PUSHBACK_REPLAY_DAYS",
        value_name = "DAYS",
        value_parser = within(ranges::REPLAY_DAYS)
    )]
    replay_days: Option<u32>,
    /// Length of a round, instead of the one in the rules.
    #[arg(
        long,
        env = "PUSHBACK_ROUND_SECONDS",
        value_name = "SECONDS",
        value_parser = within(ranges::ROUND_SECONDS)
    )]
    round_seconds: Option<u32>,
    /// Seconds for which clients show a result before the next round.
    #[arg(
        long,
        env = "PUSHBACK_SUMMARY_SECONDS",
        default_value_t = Config::default().summary_seconds,
        value_parser = within(ranges::SUMMARY_SECONDS)
    )]
    summary_seconds: u32,
    /// Fill a match with bots after this many milliseconds in the queue.
    #[arg(
        long,
        env = "PUSHBACK_BOTS_FILL_AFTER_MS",
        default_value_t = 10_000,
        value_parser = within(in_ms(ranges::BOTS_FILL_AFTER))
    )]
    bots_fill_after_ms: u64,
    /// New rooms per address and minute.
    #[arg(
        long,
        env = "PUSHBACK_ROOMS_PER_MINUTE",
        default_value_t = Config::default().rooms_per_minute,
        value_parser = within(ranges::PER_MINUTE)
    )]
    rooms_per_minute: u32,
    /// Look-ups per address and minute of room codes that belong to no public room.
    #[arg(
        long,
        env = "PUSHBACK_CODES_PER_MINUTE",
        default_value_t = Config::default().codes_per_minute,
        value_parser = within(ranges::PER_MINUTE)
    )]
    codes_per_minute: u32,
    /// Determines the seeds of all worlds, so that a measurement can be repeated.
    #[arg(long, env = "PUSHBACK_SEED", hide = true)]
    seed: Option<u64>,
    /// Let a task of this name panic, to see what that does.
    #[arg(long, env = "PUSHBACK_PANIC_IN", hide = true, value_name = "TASK")]
    panic_in: Option<String>,
    /// Leave TCP_NODELAY unset, to measure the difference.
    #[arg(long, env = "PUSHBACK_WITHOUT_NODELAY", hide = true)]
    without_nodelay: bool,
    /// Leave TCP_NOTSENT_LOWAT unset, to measure the difference.
    #[arg(long, env = "PUSHBACK_WITHOUT_UNSENT_LIMIT", hide = true)]
    without_unsent_limit: bool,
    /// Most bytes of a snapshot, of which there are 30 a second, for one player in Crowd. Later ones carry the rest.
    #[arg(
        long,
        env = "PUSHBACK_CROWD_SNAPSHOT_BYTES_MAX",
        default_value_t = Config::default().crowd_snapshot_bytes_max,
        value_parser = within(ranges::CROWD_SNAPSHOT_BYTES)
    )]
    crowd_snapshot_bytes_max: usize,
    /// Add series for single players to `/metrics`, by room and seat, for the first 256.
    #[arg(long, env = "PUSHBACK_METRICS_PER_PLAYER", default_value_t = true, action = ArgAction::Set)]
    metrics_per_player: bool,
    /// Milliseconds between two samples of the feed `lab`.
    #[arg(
        long,
        env = "PUSHBACK_LAB_INTERVAL_MS",
        default_value_t = 500,
        value_parser = within(in_ms(ranges::LAB_INTERVAL))
    )]
    lab_interval_ms: u64,
}

impl Flags {
    pub(crate) fn into_config(self) -> Config {
        Config {
            data_dir: self.data_dir,
            database_url: self.database_url,
            blobs: self.blobs,
            blobs_credentials: self.blobs_credentials,
            nats: self.nats,
            nats_credentials: self.nats_credentials,
            node: self.node,
            public_url: self.public_url,
            allowed_origins: self.allowed_origins,
            allowed_hosts: self.allowed_hosts,
            trusted_proxies: self.trusted_proxies,
            trust_forwarded: self.trust_forwarded,
            ipv6_prefix: self.ipv6_prefix,
            connections_max: self.connections_max,
            connections_per_address_max: self.connections_per_address_max,
            sessions_per_minute: self.sessions_per_minute,
            write_stall_max: Duration::from_secs_f64(self.write_stall_seconds),
            idle_timeout: Duration::from_secs(self.idle_seconds),
            rooms_max: self.rooms_max,
            rooms_per_guest_max: self.rooms_per_guest_max,
            rooms_per_address_max: self.rooms_per_address_max,
            room_idle_max: Duration::from_secs(self.room_idle_minutes * 60),
            codes_per_minute: self.codes_per_minute,
            drain_within: Duration::from_secs(self.drain_within),
            bots: self.bots,
            replay_retention: self
                .replay_days
                .map(|days| Duration::from_secs(u64::from(days) * 24 * 60 * 60)),
            round_seconds: self.round_seconds,
            summary_seconds: self.summary_seconds,
            bots_fill_after: Duration::from_millis(self.bots_fill_after_ms),
            rooms_per_minute: self.rooms_per_minute,
            without_nodelay: self.without_nodelay,
            without_unsent_limit: self.without_unsent_limit,
            crowd_snapshot_bytes_max: self.crowd_snapshot_bytes_max,
            metrics_per_player: self.metrics_per_player,
            seed: self.seed,
            panic_in: self.panic_in,
            lab_interval: Duration::from_millis(self.lab_interval_ms),
            ..Config::default()
        }
    }
}

/// Parses a number that must be within a range.
fn within<T>(
    range: RangeInclusive<T>,
) -> impl Fn(&str) -> Result<T, String> + Clone + Send + Sync + 'static
where
    T: FromStr + PartialOrd + Display + Clone + Send + Sync + 'static,
{
    move |text| {
        let number = text.trim().parse().ok().filter(|number| range.contains(number));
        number.ok_or_else(|| format!("a number from {} to {}", range.start(), range.end()))
    }
}

fn in_seconds(range: RangeInclusive<Duration>) -> RangeInclusive<f64> {
    range.start().as_secs_f64()..=range.end().as_secs_f64()
}

fn in_whole_seconds(range: RangeInclusive<Duration>) -> RangeInclusive<u64> {
    range.start().as_secs()..=range.end().as_secs()
}

fn in_ms(range: RangeInclusive<Duration>) -> RangeInclusive<u64> {
    let ms = |time: &Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    ms(range.start())..=ms(range.end())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use clap::{CommandFactory as _, Parser as _};

    use super::Flags;

    /// Cargo runs tests in the folder of their package.
    const TABLE: &str = "../docs/hosting.md";

    #[test]
    fn the_table_for_operators_has_every_flag_and_its_default() {
        let page = fs::read_to_string(TABLE).expect("the page for operators");
        let rows: Vec<_> = page.lines().filter(|line| line.starts_with("| `--")).collect();
        let mut flags = Vec::new();
        for flag in Flags::command().get_arguments().filter(|flag| !flag.is_hide_set()) {
            let Some(long) = flag.get_long() else { continue };
            let name = format!("`--{long}`");
            let row = rows.iter().find(|row| row.contains(&name)).expect(long);
            for default in flag.get_default_values() {
                // Thousands are written with a comma.
                let default = default.to_str().unwrap();
                let is_told = row.replace(',', "").contains(&default.replace(',', ""));
                // Without the flag, it is off.
                assert!(is_told || default == "false", "{name} is {default} by default: {row}");
            }
            flags.push(name);
        }
        let named = rows.iter().filter_map(|row| row.split('|').nth(1));
        for name in named.flat_map(|cell| cell.split(',')).map(str::trim) {
            assert!(flags.iter().any(|flag| flag == name), "{name} is no flag");
        }
    }

    #[test]
    fn every_flag_has_its_variable() {
        let command = Flags::command();
        command.clone().debug_assert();
        for flag in command.get_arguments().filter(|flag| flag.get_id() != "help") {
            let Some(long) = flag.get_long().filter(|long| *long != "version") else { continue };
            let variable = format!("PUSHBACK_{}", long.replace('-', "_").to_uppercase());
            assert_eq!(flag.get_env().and_then(|name| name.to_str()), Some(variable.as_str()));
        }
    }

    /// Values that parse as some kind of number, and that no setting can have.
    const ODD: [&str; 9] =
        ["nan", "NaN", "inf", "-inf", "1e300", "-1", "-0.5", "18446744073709551615", "1e400"];

    #[test]
    fn a_number_outside_its_range_is_refused() {
        let parse = |flag: &str, value: &str| {
            Flags::try_parse_from(["game-server", &format!("--{flag}={value}")])
        };
        let mut numbers = Vec::new();
        for flag in Flags::command().get_arguments() {
            let Some(long) = flag.get_long() else { continue };
            // A flag that takes a number takes its default or 1, but no word. The seed is any number.
            if parse(long, "word").is_ok() || parse(long, "1").is_err() || long == "seed" {
                continue;
            }
            numbers.push(long.to_owned());
            for odd in ODD {
                let refused = parse(long, odd).expect_err(odd).to_string();
                assert!(refused.contains("from"), "--{long} {odd}: {refused}");
            }
        }
        assert!(numbers.len() >= 11, "{numbers:?}");
        for flag in ["write-stall-seconds", "rooms-max", "connections-max", "replay-days"] {
            assert!(numbers.iter().any(|number| number == flag), "{flag}");
            assert!(parse(flag, "0").is_err(), "{flag}");
        }
    }

    #[test]
    fn every_number_that_a_flag_takes_is_a_valid_setting() {
        let flags = [
            "game-server",
            "--write-stall-seconds=0.1",
            "--replay-days=36500",
            "--lab-interval-ms=86400000",
            "--bots-fill-after-ms=0",
            "--round-seconds=1",
            "--drain-within=3600",
        ];
        assert_eq!(Flags::parse_from(flags).into_config().validate(), Ok(()));
    }

    #[test]
    fn sites_and_networks_are_checked_before_the_server_starts() {
        let with = |flags: &[&str]| {
            Flags::try_parse_from([&["game-server"], flags].concat()).map(Flags::into_config)
        };
        let config = with(&[
            "--public-url=HTTPS://Play.Example.org:443/",
            "--allowed-origins=https://a.example,http://localhost:3000",
            "--allowed-hosts=box.local,*.example.net",
            "--trusted-proxies=10.0.0.0/8,::1",
        ])
        .expect("good flags");
        assert_eq!(config.public_url.as_deref(), Some("https://play.example.org"));
        assert_eq!(config.allowed_origins, ["https://a.example", "http://localhost:3000"]);
        assert_eq!((config.allowed_hosts.len(), config.trusted_proxies.len()), (2, 2));

        for flags in [
            &["--public-url=play.example.org"][..],
            &["--allowed-origins=a.example"],
            &["--allowed-origins=https://a.example/page"],
            &["--allowed-hosts=https://a.example"],
            &["--trusted-proxies=proxy"],
            &["--trust-forwarded", "--trusted-proxies=::1"],
            &["--ipv6-prefix=0"],
        ] {
            assert!(with(flags).is_err(), "{flags:?}");
        }
    }

    #[test]
    fn the_seed_is_a_flag_that_help_does_not_show() {
        let flags = Flags::parse_from(["game-server", "--seed", "7"]);
        assert_eq!(flags.into_config().seed, Some(7));

        assert!(!Flags::command().render_long_help().to_string().contains("--seed"));
    }
}
