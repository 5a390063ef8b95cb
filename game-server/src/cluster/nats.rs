//! The connection to NATS: its address, its credentials, and opening it.

use std::fmt;
use std::fs;
use std::future::ready;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::{Duration, Instant};

use async_nats::jetstream::{self, Context};
use async_nats::{Client, ConnectOptions, Event};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use url::Url;

use crate::metrics::Engine;
use crate::node::NodeName;

/// How soon a dead connection is noticed: after two of them.
const PING_EVERY: Duration = Duration::from_secs(3);
/// The longest time for one request.
pub const REQUEST_WITHIN: Duration = Duration::from_secs(2);
const CONNECT_WITHIN: Duration = Duration::from_secs(3);
/// The pause before the first attempt to reconnect. Each is twice as long as the one before …
const PAUSE_MIN: Duration = Duration::from_millis(50);
/// … up to this one.
const PAUSE_MAX: Duration = Duration::from_secs(2);
/// The pause before a server that could not be reached at the start is tried again.
const OPEN_AGAIN_AFTER: Duration = Duration::from_millis(500);
/// Servers of one address.
const SERVERS_MAX: usize = 16;
const PORT: u16 = 4222;

/// The addresses of the NATS servers of one cluster: `nats://HOST[:PORT]` or `tls://HOST[:PORT]`, with commas between them. They
/// hold no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NatsUrl(Vec<Url>);

/// Why an address is none of NATS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadNatsUrl {
    /// It has another form.
    #[error("a NATS server is nats://HOST:PORT or tls://HOST:PORT, with commas between several")]
    Form,
    /// It contains a user or a password.
    #[error("credentials of NATS stand in the file of --nats-credentials, not in the address")]
    Credentials,
    /// One is with TLS, another without.
    #[error("either all NATS servers are tls://, or none")]
    Mixed,
}

impl NatsUrl {
    fn is_tls(&self) -> bool {
        self.0.iter().any(|url| url.scheme() == "tls")
    }

    fn servers(&self) -> Vec<String> {
        let server = |url: &Url| {
            let (host, port) = (url.host_str().unwrap_or_default(), url.port().unwrap_or(PORT));
            format!("{}://{host}:{port}", url.scheme())
        };
        self.0.iter().map(server).collect()
    }
}

impl FromStr for NatsUrl {
    type Err = BadNatsUrl;

    fn from_str(text: &str) -> Result<Self, BadNatsUrl> {
        let servers: Vec<_> =
            text.split(',').map(str::trim).map(server).collect::<Result<_, _>>()?;
        if servers.len() > SERVERS_MAX {
            return Err(BadNatsUrl::Form);
        }
        let tls = servers.iter().filter(|url| url.scheme() == "tls").count();
        if tls != 0 && tls != servers.len() {
            return Err(BadNatsUrl::Mixed);
        }
        Ok(Self(servers))
    }
}

fn server(text: &str) -> Result<Url, BadNatsUrl> {
    let url = Url::parse(text).or(Err(BadNatsUrl::Form))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(BadNatsUrl::Credentials);
    }
    let is_bare = matches!(url.path(), "" | "/") && url.query().is_none();
    let is_server = matches!(url.scheme(), "nats" | "tls")
        && url.host_str().is_some_and(|host| !host.is_empty());
    if is_server && is_bare { Ok(url) } else { Err(BadNatsUrl::Form) }
}

impl fmt::Display for NatsUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.servers().join(","))
    }
}

/// Why there is no connection to NATS.
#[derive(Debug, thiserror::Error)]
pub enum NatsError {
    /// The file of the credentials cannot be read.
    #[error("the credentials of NATS in {} cannot be read", file.display())]
    Credentials {
        /// The file.
        file: PathBuf,
        /// The system's error, or what is wrong with the file.
        source: io::Error,
    },
    /// No server answers, or it refuses.
    #[error("NATS at {url} cannot be used")]
    Connect {
        /// What was tried.
        url: NatsUrl,
        /// Why it failed.
        source: async_nats::ConnectError,
    },
    /// It has no JetStream.
    #[error("NATS at {url} has no JetStream, which feeds and tables need")]
    JetStream {
        /// What was tried.
        url: NatsUrl,
        /// Why it failed.
        source: io::Error,
    },
}

/// A subscription ends with the connection only, which lives as long as the server.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("a subscription to NATS has ended: this node does not hear of the others any more")]
pub(super) struct SubscriptionEnded;

/// A connection, which comes back by itself. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Nats {
    client: Client,
    jetstream: Context,
    node: NodeName,
    connected: watch::Receiver<()>,
}

impl Nats {
    /// Connects. Waits up to `limit` for a server that cannot be reached.
    ///
    /// # Errors
    /// See [`NatsError`].
    pub async fn connect(
        url: &NatsUrl,
        credentials: Option<&Path>,
        node: NodeName,
        engine: Engine,
        limit: Duration,
    ) -> Result<Self, NatsError> {
        let (began, mut has_said) = (Instant::now(), false);
        let (connects, connected) = watch::channel(());
        let client = loop {
            let options = options(credentials, &node, engine.clone(), connects.clone())?;
            let options = options.require_tls(url.is_tls());
            match options.connect(url.servers()).await {
                Ok(client) => break client,
                Err(error) if may_pass(&error) && began.elapsed() < limit => {
                    if !std::mem::replace(&mut has_said, true) {
                        say_waiting(&error);
                    }
                    sleep(OPEN_AGAIN_AFTER).await;
                }
                Err(source) => return Err(NatsError::Connect { url: url.clone(), source }),
            }
        };
        let jetstream = jetstream::ContextBuilder::new()
            .timeout(REQUEST_WITHIN)
            .ack_timeout(REQUEST_WITHIN)
            .build(client.clone());
        let nats = Self { client, jetstream, node, connected };
        match nats.round_trip().await {
            Ok(round_trip) => engine.answered(round_trip),
            Err(source) => return Err(NatsError::JetStream { url: url.clone(), source }),
        }
        Ok(nats)
    }

    /// The connection itself.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// What is kept in streams and tables.
    #[must_use]
    pub fn jetstream(&self) -> &Context {
        &self.jetstream
    }

    /// Changes soon after each new connection: what was sent over the one before may be lost.
    #[must_use]
    pub fn connected(&self) -> watch::Receiver<()> {
        self.connected.clone()
    }

    /// The name of this node.
    #[must_use]
    pub fn node(&self) -> &NodeName {
        &self.node
    }

    /// How long an answer of JetStream takes.
    ///
    /// # Errors
    /// When none comes within [`REQUEST_WITHIN`], or it says that there is no JetStream.
    pub async fn round_trip(&self) -> io::Result<Duration> {
        let asked = Instant::now();
        // Read as whatever it is: what an account says of itself differs between the versions of NATS.
        let answer = self.jetstream.request::<_, _, serde_json::Value>("INFO", &());
        match timeout(REQUEST_WITHIN, answer).await {
            Ok(Ok(answer)) => match answer.get("error") {
                Some(error) => Err(io::Error::other(error.to_string())),
                None => Ok(asked.elapsed()),
            },
            Ok(Err(error)) => Err(io::Error::other(error)),
            Err(_) => Err(io::ErrorKind::TimedOut.into()),
        }
    }
}

/// Whether the same attempt can succeed later.
fn may_pass(error: &async_nats::ConnectError) -> bool {
    use async_nats::ConnectErrorKind::{Dns, Io, TimedOut};
    matches!(error.kind(), Dns | Io | TimedOut)
}

fn say_waiting(error: &async_nats::ConnectError) {
    let error = error as &dyn std::error::Error;
    tracing::warn!(error, "the start waits for NATS, which does not answer");
}

fn options(
    credentials: Option<&Path>,
    node: &NodeName,
    engine: Engine,
    connects: watch::Sender<()>,
) -> Result<ConnectOptions, NatsError> {
    let options = ConnectOptions::new()
        .name(format!("pushback {node}"))
        .ping_interval(PING_EVERY)
        .request_timeout(Some(REQUEST_WITHIN))
        .connection_timeout(CONNECT_WITHIN)
        .reconnect_delay_callback(pause)
        .event_callback(move |event| {
            match event {
                Event::Connected => drop(connects.send(())),
                Event::Disconnected | Event::Closed => {
                    engine.failed(&io::Error::from(io::ErrorKind::NotConnected));
                }
                _ => {}
            }
            ready(())
        });
    let Some(file) = credentials else { return Ok(options) };
    let unreadable = |source| NatsError::Credentials { file: file.to_owned(), source };
    let text = fs::read_to_string(file).map_err(unreadable)?;
    with_credentials(options, &text).map_err(unreadable)
}

/// The pause before the attempt of this number, from 1: twice as long each time, and never for two nodes the same.
pub(super) fn pause(attempt: usize) -> Duration {
    let doublings = u32::try_from(attempt.saturating_sub(1)).unwrap_or(u32::MAX).min(16);
    let longest = (PAUSE_MIN * 2_u32.pow(doublings)).min(PAUSE_MAX);
    longest.mul_f64(0.5 + rand::random::<f64>() / 2.0)
}

/// A file that `nsc` writes (`.creds`), or lines such as `NATS_USER=…` and `NATS_PASSWORD=…`, or `NATS_TOKEN=…`.
fn with_credentials(options: ConnectOptions, text: &str) -> io::Result<ConnectOptions> {
    if text.contains("-----BEGIN") {
        return options.credentials(text);
    }
    let of = |name: &str| {
        let mut values = text.lines().filter_map(|line| line.trim().split_once('='));
        let (_, value) = values.rfind(|(key, _)| key.trim() == name)?;
        Some(value.trim().trim_matches('"').to_owned())
    };
    match (of("NATS_USER"), of("NATS_PASSWORD"), of("NATS_TOKEN")) {
        (Some(user), Some(password), None) => Ok(options.user_and_password(user, password)),
        (None, None, Some(token)) => Ok(options.token(token)),
        _ => {
            let what =
                "neither a .creds file nor lines with NATS_USER and NATS_PASSWORD, or NATS_TOKEN";
            Err(io::Error::new(io::ErrorKind::InvalidData, what))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{BadNatsUrl, NatsUrl, PAUSE_MAX, PAUSE_MIN, pause};

    #[test]
    fn servers_are_named_with_commas_between_them() {
        let one: NatsUrl = "nats://127.0.0.1".parse().unwrap();
        assert_eq!((one.to_string().as_str(), one.is_tls()), ("nats://127.0.0.1:4222", false));
        let three: NatsUrl = "tls://a:1, tls://b:2/,tls://[::1]:3".parse().unwrap();
        assert_eq!(three.to_string(), "tls://a:1,tls://b:2,tls://[::1]:3");
        assert!(three.is_tls());
    }

    #[test]
    fn what_is_no_server_is_refused_with_the_reason() {
        for (text, reason) in [
            ("", BadNatsUrl::Form),
            ("nats://", BadNatsUrl::Form),
            ("http://a", BadNatsUrl::Form),
            ("nats://a/path", BadNatsUrl::Form),
            ("nats://a,", BadNatsUrl::Form),
            ("nats://ada:secret@a", BadNatsUrl::Credentials),
            ("nats://a,tls://b", BadNatsUrl::Mixed),
        ] {
            assert_eq!(text.parse::<NatsUrl>(), Err(reason), "{text}");
        }
    }

    #[test]
    fn pauses_grow_to_a_bound() {
        for attempt in [1, 5, 100, usize::MAX] {
            let pause = pause(attempt);
            assert!((PAUSE_MIN / 2..=PAUSE_MAX).contains(&pause), "{pause:?}");
        }
        assert!(pause(9) >= PAUSE_MAX / 2 && pause(1) <= Duration::from_millis(50));
    }
}
