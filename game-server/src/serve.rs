//! Accepts connections up to the caps, and serves each with HTTP/1.1.
//!
//! `axum::serve` is not used: it sets no time limit on a request's head and caps no connections. Both are here, and
//! smaller buffers with them.

mod refusal;
mod routes;
mod stall;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpStream};

use crate::config::Config;
use crate::connections::{ConnectionLimiter, ConnectionPermit};
use crate::metrics::{ConnectionMetrics, Counter};
use crate::open_files::OpenFiles;
use crate::tasks::Tasks;
use refusal::Refusals;
use stall::StallGuard;

pub use routes::Routes;

/// The socket that HTTP reads and writes, and that an upgrade takes over.
pub(crate) type HttpSocket = TokioIo<StallGuard<ConnectionPermit>>;

/// The buffers for a request's head and for writes: hyper's smallest. Its default is 400 KiB.
const CONNECTION_BUFFER_BYTES_MAX: usize = 8 * 1024;
/// Unsent bytes that the kernel holds at most. The rest of a slow reader's backlog stays in the server, where it is only
/// a cursor.
const UNSENT_BYTES_MAX: u32 = 64 * 1024;
/// TCP keepalive: a probe after this much silence …
const IDLE_MAX: Duration = Duration::from_secs(30);
/// … and again after each of these. Streams may be silent for long, and nothing else detects a vanished peer.
const PROBE_EVERY: Duration = Duration::from_secs(10);
/// The kernel closes a connection whose data or probes stay unacknowledged for this long.
const UNANSWERED_MAX: Duration = Duration::from_secs(30);
/// The pause after a failed accept, which mostly means that no file descriptor is free.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// The part of the time to stop that is kept for the steps after connections.
const STOP_RESERVE: Duration = Duration::from_millis(500);

/// The settings of connections.
#[derive(Debug, Clone, Copy)]
pub struct ServeSettings {
    connections_max: usize,
    overflow_max: usize,
    connections_per_address_max: usize,
    trust_forwarded: bool,
    header_timeout: Duration,
    write_stall_max: Duration,
    without_nodelay: bool,
    without_unsent_limit: bool,
}

impl ServeSettings {
    /// The settings of a configuration, within the files that the process may open.
    #[must_use]
    pub fn new(config: &Config, files: OpenFiles) -> Self {
        Self {
            connections_max: files.connections_max,
            overflow_max: files.overflow_max,
            connections_per_address_max: match config.trust_forwarded {
                // All connections come from the proxy, which has to limit its own clients.
                true => usize::MAX,
                false => config.connections_per_address_max,
            },
            trust_forwarded: config.trust_forwarded,
            header_timeout: config.header_timeout,
            write_stall_max: config.write_stall_max,
            without_nodelay: config.without_nodelay,
            without_unsent_limit: config.without_unsent_limit,
        }
    }
}

/// Accepts until the server stops. Connections run as tasks of the server; `metrics` counts them.
pub async fn accept(
    listener: TcpListener,
    routes: Routes,
    settings: ServeSettings,
    tasks: Tasks,
    metrics: Arc<ConnectionMetrics>,
) {
    let (total_max, per_address_max) =
        (settings.connections_max, settings.connections_per_address_max);
    let limiter = ConnectionLimiter::new(total_max, per_address_max, metrics.open.clone());
    let refusals = Refusals::new(
        routes.clone(),
        (settings.overflow_max, settings.trust_forwarded),
        tasks.clone(),
        metrics.clone(),
    );
    loop {
        let accepted = tokio::select! {
            biased;
            () = tasks.stopping() => return,
            accepted = listener.accept() => accepted,
        };
        let (socket, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        match limiter.permit(peer.ip()) {
            Ok(permit) => {
                let (tasks_of_connection, cut) = (tasks.clone(), metrics.slow_clients_cut.clone());
                let connection =
                    Connection { socket, peer, permit, settings, tasks: tasks_of_connection, cut };
                tasks.spawn("connection", connection.serve(routes.clone()));
            }
            Err(why) => refusals.answer(socket, peer, why).await,
        }
    }
}

/// One accepted connection.
struct Connection {
    socket: TcpStream,
    peer: SocketAddr,
    permit: ConnectionPermit,
    settings: ServeSettings,
    tasks: Tasks,
    /// Counts the connection when its client reads nothing for too long.
    cut: Counter,
}

impl Connection {
    async fn serve(self, routes: Routes) {
        let Self { socket, peer, permit, settings, tasks, cut } = self;
        if let Err(error) = tune(&socket, settings) {
            tracing::debug!(%error, "a socket could not be tuned");
        }
        let socket = StallGuard::new(socket, settings.write_stall_max, cut, permit);
        let service =
            service_fn(move |request| routes.answer(request, peer, settings.trust_forwarded));

        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(settings.header_timeout)
            .max_buf_size(CONNECTION_BUFFER_BYTES_MAX)
            .serve_connection(TokioIo::new(socket), service)
            .with_upgrades();
        let mut connection = std::pin::pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = tasks.stopping() => {
                connection.as_mut().graceful_shutdown();
                let left = tasks.stop_within(STOP_RESERVE);
                tokio::time::timeout(left, connection).await.unwrap_or(Ok(()))
            }
        };
        if let Err(error) = ended {
            // Mostly the client went away, or sent something that is not HTTP.
            tracing::debug!(%peer, %error, "a connection broke");
        }
    }
}

/// Sets TCP_NODELAY, TCP_NOTSENT_LOWAT, keepalive and TCP_USER_TIMEOUT.
fn tune(socket: &TcpStream, settings: ServeSettings) -> std::io::Result<()> {
    socket.set_nodelay(!settings.without_nodelay)?;
    let socket = SockRef::from(socket);
    if !settings.without_unsent_limit {
        socket.set_tcp_notsent_lowat(UNSENT_BYTES_MAX)?;
    }
    let probes = TcpKeepalive::new().with_time(IDLE_MAX).with_interval(PROBE_EVERY);
    socket.set_tcp_keepalive(&probes)?;
    socket.set_tcp_user_timeout(Some(UNANSWERED_MAX))
}

#[cfg(test)]
mod tests {
    use socket2::SockRef;
    use tokio::net::{TcpListener, TcpStream};

    use super::{IDLE_MAX, ServeSettings, UNANSWERED_MAX, tune};
    use crate::config::Config;
    use crate::open_files::OpenFiles;

    #[tokio::test]
    async fn a_connection_finds_out_when_its_peer_has_vanished() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (_client, accepted) = tokio::join!(TcpStream::connect(address), listener.accept());
        let (socket, _) = accepted.unwrap();

        let config = Config::default();
        let files = OpenFiles::of_process(&config).unwrap();
        tune(&socket, ServeSettings::new(&config, files)).unwrap();

        let socket = SockRef::from(&socket);
        assert!(socket.keepalive().unwrap());
        assert_eq!(socket.tcp_keepalive_time().unwrap(), IDLE_MAX);
        assert_eq!(socket.tcp_user_timeout().unwrap(), Some(UNANSWERED_MAX));
    }
}
