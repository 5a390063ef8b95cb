//! Accepts connections up to the caps, and serves each with HTTP/1.1.
//!
//! `axum::serve` is not used: it sets no time limit on a request's head and caps no connections. Both are here, and
//! smaller buffers with them.

mod client_socket;
mod exchange;
mod head_refusal;
mod lingering;
mod pause;
mod refusal;
mod routes;
mod stall;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use futures_util::TryFutureExt as _;
use futures_util::future::{Either, ready};
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpStream};

use crate::client_address::AddressRules;
use crate::config::Config;
use crate::connections::{AddressShare, ConnectionLimiter, ConnectionPermit, ShareSlot};
use crate::metrics::ConnectionMetrics;
use crate::open_files::OpenFiles;
use crate::tasks::Tasks;
use client_socket::ClientSocket;
use exchange::{AnswerBody, Exchange, Exchanges, RequestBody};
use head_refusal::HEAD_BYTES_MAX;
use refusal::Refusals;
use stall::StallGuard;

pub use routes::{ForThisNode, Routes};

/// The socket that HTTP reads and writes, and that an upgrade takes over.
pub(crate) type HttpSocket = TokioIo<ClientSocket<ConnectionPermit>>;

/// The buffers for a request's head and for writes. A buffer begins small and grows with a long head only. There is room
/// for more than a head, so that HTTP never finds one too long before its socket does.
const CONNECTION_BUFFER_BYTES_MAX: usize = HEAD_BYTES_MAX + 8 * 1024;
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
#[derive(Debug, Clone)]
pub struct ServeSettings {
    connections_max: usize,
    overflow_max: usize,
    connections_per_address_max: usize,
    addresses: AddressRules,
    header_timeout: Duration,
    idle_timeout: Duration,
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
            connections_per_address_max: config.connections_per_address_max,
            addresses: config.address_rules(),
            header_timeout: config.header_timeout,
            idle_timeout: config.idle_timeout,
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
        (settings.overflow_max, settings.addresses.clone()),
        tasks.clone(),
        metrics.clone(),
    );
    let server = Arc::new(Server { routes, settings, limiter, tasks: tasks.clone(), metrics });
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
                tokio::select! {
                    () = tasks.stopping() => return,
                    () = tokio::time::sleep(ACCEPT_PAUSE) => continue,
                }
            }
        };
        let addresses = &server.settings.addresses;
        let is_proxy = addresses.is_proxy(peer.ip());
        let permit = match is_proxy {
            true => server.limiter.permit_proxy(),
            false => server.limiter.permit(addresses.of_peer(peer.ip())),
        };
        match permit {
            Ok(permit) => {
                let connection = Connection { socket, peer, is_proxy, permit };
                tasks.spawn("connection", connection.serve(server.clone()));
            }
            Err(why) => refusals.answer(socket, peer, why),
        }
    }
}

/// What all connections share.
struct Server {
    routes: Routes,
    settings: ServeSettings,
    limiter: ConnectionLimiter,
    tasks: Tasks,
    metrics: Arc<ConnectionMetrics>,
}

/// One accepted connection.
struct Connection {
    socket: TcpStream,
    peer: SocketAddr,
    /// It carries requests of many clients.
    is_proxy: bool,
    permit: ConnectionPermit,
}

impl Connection {
    async fn serve(self, server: Arc<Server>) {
        let Self { socket, peer, is_proxy, permit } = self;
        let settings = &server.settings;
        if let Err(error) = tune(&socket, settings) {
            tracing::debug!(%error, "a socket could not be tuned");
        }
        let exchanges = Exchanges::default();
        let slot = is_proxy.then(|| permit.share_slot());
        let cut = server.metrics.slow_clients_cut.clone();
        let socket = StallGuard::new(socket, settings.write_stall_max, cut, permit);
        let socket = ClientSocket::new(socket, exchanges.clone(), settings.header_timeout);
        let service = service_fn({
            let server = server.clone();
            move |request| answer(&server, &exchanges, slot.clone(), peer, request)
        });

        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            // The pause before a request, too. The socket limits the time of a head alone.
            .header_read_timeout(settings.idle_timeout)
            .max_buf_size(CONNECTION_BUFFER_BYTES_MAX)
            .serve_connection(TokioIo::new(socket), service)
            .with_upgrades();
        let mut connection = std::pin::pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = server.tasks.stopping() => {
                connection.as_mut().graceful_shutdown();
                let left = server.tasks.stop_within(STOP_RESERVE);
                tokio::time::timeout(left, connection).await.unwrap_or(Ok(()))
            }
        };
        if let Err(error) = ended {
            // Mostly the client went away, or sent something that is not HTTP.
            tracing::debug!(%peer, %error, "a connection broke");
        }
    }
}

/// Answers one request. `slot` is there when the connection is a proxy's. No `async fn`: that would hold the request beside
/// the future that has taken it, for as long as a long-poll waits.
fn answer(
    server: &Server,
    exchanges: &Exchanges,
    slot: Option<ShareSlot>,
    peer: SocketAddr,
    request: Request<Incoming>,
) -> impl Future<Output = Result<Response<AnswerBody>, Infallible>> + use<> {
    let exchange = exchanges.begin();
    let address = server.settings.addresses.of_request(request.headers(), peer.ip());
    let request = request.map(|incoming| Body::new(RequestBody::new(incoming, exchanges.clone())));
    let share = match slot.as_ref().map(|_| server.limiter.share(address)).transpose() {
        Ok(share) => share,
        Err(why) => {
            let refused = refusal::of_request(why, &server.metrics);
            let refused = refused.map(|body| AnswerBody::new(body, Some(exchange), None));
            return Either::Left(ready(Ok(refused)));
        }
    };
    let answering = server.routes.answer(request, address);
    let tasks = server.tasks.clone();
    let answering = answering.and_then(move |response| pause::before(response, tasks));
    Either::Right(answering.map_ok(move |response| watched(response, exchange, share, slot)))
}

/// Ends the exchange and returns the client's share with the answer, or with the socket of an upgraded connection.
fn watched(
    response: Response<Body>,
    exchange: Exchange,
    share: Option<AddressShare>,
    slot: Option<ShareSlot>,
) -> Response<AnswerBody> {
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        return response.map(|body| AnswerBody::new(body, Some(exchange), share));
    }
    exchange.never_ends();
    if let Some((slot, share)) = slot.zip(share) {
        slot.keep(share);
    }
    response.map(|body| AnswerBody::new(body, None, None))
}

/// Sets TCP_NODELAY, TCP_NOTSENT_LOWAT, keepalive and TCP_USER_TIMEOUT.
fn tune(socket: &TcpStream, settings: &ServeSettings) -> std::io::Result<()> {
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
        tune(&socket, &ServeSettings::new(&config, files)).unwrap();

        let socket = SockRef::from(&socket);
        assert!(socket.keepalive().unwrap());
        assert_eq!(socket.tcp_keepalive_time().unwrap(), IDLE_MAX);
        assert_eq!(socket.tcp_user_timeout().unwrap(), Some(UNANSWERED_MAX));
    }
}
