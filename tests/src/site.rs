//! A server at an address, and the calls that need no session.

use std::net::{IpAddr, SocketAddr};

use anyhow::{Context as _, Result};
use reqwest::{Client, ClientBuilder, Method, RequestBuilder};
use shared::api::{ReplayList, ReplaySummary, RoomDetails, RoomList, Scoreboard};
use shared::feed::SnapshotPage;
use shared::id::{ReplayId, RoomId};
use shared::invitation::RoomAddress;
use tokio::net::{TcpSocket, TcpStream};

use crate::answer::Answer;
use crate::wait::{DEADLINE, eventually, within};

/// A server at an address.
#[derive(Debug, Clone)]
pub struct Site {
    address: SocketAddr,
    /// The own address. `None`: as the system chooses.
    source: Option<IpAddr>,
    http: Client,
}

/// A client for HTTP that takes no proxy of the environment.
pub(crate) fn http_client() -> ClientBuilder {
    // Even a client that needs no TLS wants to know whose it would use. Does nothing the second time.
    rustls::crypto::ring::default_provider().install_default().ok();
    Client::builder().no_proxy().tcp_nodelay(true)
}

impl Site {
    /// The server at this address.
    ///
    /// # Panics
    /// When the HTTP client cannot be built.
    #[must_use]
    pub fn at(address: SocketAddr) -> Self {
        // One connection for each request, because stories count and cut connections.
        let http = http_client().pool_max_idle_per_host(0).build();
        Self { address, source: None, http: http.expect("an HTTP client") }
    }

    /// The same server, over connections that are kept for the next request, as browsers do.
    ///
    /// # Panics
    /// When the HTTP client cannot be built.
    #[must_use]
    pub fn keeping_connections(&self) -> Self {
        let http = http_client().build();
        Self { http: http.expect("an HTTP client"), ..self.clone() }
    }

    /// The same server, seen from another address of this machine: limits for each address count it apart.
    ///
    /// # Panics
    /// When the HTTP client cannot be built.
    #[must_use]
    pub fn seen_from(&self, source: IpAddr) -> Self {
        let http = http_client().local_address(source).build();
        let http = http.expect("an HTTP client");
        Self { address: self.address, source: Some(source), http }
    }

    /// Connects, with `TCP_NODELAY`.
    ///
    /// # Errors
    /// When the server does not listen.
    pub async fn tcp(&self) -> Result<TcpStream> {
        let socket = if self.address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() };
        let socket = socket.context("making a socket")?;
        if let Some(source) = self.source {
            socket.bind(SocketAddr::new(source, 0)).context("binding the own address")?;
        }
        let stream = socket.connect(self.address).await.context("connecting")?;
        stream.set_nodelay(true).context("setting TCP_NODELAY")?;
        Ok(stream)
    }

    /// The address at which the server listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL of a path.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Starts a request.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, self.url(path))
    }

    /// Sends a GET request.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path)).await
    }

    /// Sends a request and reads the answer.
    ///
    /// # Panics
    /// When no answer comes.
    pub async fn send(&self, request: RequestBuilder) -> Answer {
        let answer = async { Answer::read(request.send().await?).await };
        within("an answer", answer).await.expect("an answer")
    }

    /// Whether the server says that it is ready. It answers from its start on, and ends without an answer.
    pub async fn is_ready(&self) -> bool {
        let answer = self.request(Method::GET, "/readyz").send();
        within("an answer", answer).await.is_ok_and(|answer| answer.status().is_success())
    }

    /// The scoreboard now.
    pub async fn scoreboard(&self) -> Scoreboard {
        self.get("/api/feeds/scoreboard").await.json::<SnapshotPage<_>>().snapshot
    }

    /// The public rooms.
    pub async fn rooms(&self) -> RoomList {
        self.get("/api/rooms").await.json()
    }

    /// One room.
    pub async fn room(&self, room: RoomId) -> RoomDetails {
        self.get(&format!("/api/rooms/{room}")).await.json()
    }

    /// The address that others are invited to: looked up by the code.
    pub async fn room_address(&self, room: RoomId) -> RoomAddress {
        self.room(room).await.address()
    }

    /// Recorded rounds, the newest first.
    pub async fn replays(&self) -> ReplayList {
        self.get("/api/replays").await.json()
    }

    /// A recording, once it is complete.
    pub async fn finished_replay(&self, replay: ReplayId) -> ReplaySummary {
        eventually(DEADLINE, "the finished recording", async || {
            let answer = self.get(&format!("/api/replays/{replay}")).await;
            let found = answer.status.is_success().then(|| answer.json::<ReplaySummary>());
            found.filter(|replay| replay.complete)
        })
        .await
    }

    /// A recording's file.
    pub async fn replay_file(&self, replay: ReplayId) -> Answer {
        self.get(&format!("/api/replays/{replay}/file")).await
    }

    /// A metric in `/metrics`, summed over its labels. Zero when it was not counted yet.
    pub async fn metric(&self, name: &str) -> f64 {
        metric_in(self.get("/metrics").await.text(), name)
    }

    /// Waits until `wanted` is true for a metric.
    pub async fn metric_becomes(&self, name: &str, wanted: impl Fn(f64) -> bool) -> f64 {
        eventually(DEADLINE, name, async || Some(self.metric(name).await).filter(|v| wanted(*v)))
            .await
    }
}

/// A metric in Prometheus' text format, summed over its labels.
#[must_use]
pub fn metric_in(text: &str, name: &str) -> f64 {
    text.lines()
        .filter_map(|line| line.strip_prefix(name))
        .filter(|rest| rest.starts_with([' ', '{']))
        .filter_map(|rest| rest.rsplit(' ').next()?.parse::<f64>().ok())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::metric_in;

    #[test]
    fn a_figure_is_the_sum_over_its_labels() {
        let text = "# TYPE a counter\na{x=\"1\"} 2\na{x=\"2\"} 3\nab 7\nb 4\n";
        assert!((metric_in(text, "a") - 5.0).abs() < 1e-9);
        assert!((metric_in(text, "b") - 4.0).abs() < 1e-9);
        assert!(metric_in(text, "c").abs() < 1e-9);
    }
}
