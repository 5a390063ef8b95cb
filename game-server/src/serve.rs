//! The door: accepts connections, counts them, and serves each with HTTP/1.1.
//!
//! Not `axum::serve`, which sets no time limit on a request's head and no cap: both are here, and
//! smaller buffers with them.

mod door;
mod stall;

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt as _;

use crate::app::SharedApp;
use crate::config::Config;
use crate::http::ClientAddress;
use crate::metrics::Counted;
use door::Admission;
pub(crate) use door::Door;
use stall::StallGuard;

/// What a connection holds for as long as its socket is open: its place at the door, and being counted.
pub(crate) type Held = (Admission, Counted);
/// The socket as HTTP sees it, and gives it away after an upgrade.
pub(crate) type HttpSocket = TokioIo<StallGuard<Held>>;

/// Buffer for a request's head and for what is written: hyper's smallest. Its default is 400 KiB.
const CONNECTION_BUFFER_BYTES_MAX: usize = 8 * 1024;
/// The kernel takes no more than so many bytes that it cannot send yet, so a slow reader's backlog stays
/// with us, where it is a cursor.
const UNSENT_BYTES_MAX: u32 = 64 * 1024;
/// A connection on which nothing was said for so long is asked whether its other end is there …
const IDLE_MAX: Duration = Duration::from_secs(30);
/// … and again after each of these: streams may be silent for long, and nothing else finds a peer that vanished.
const PROBE_EVERY: Duration = Duration::from_secs(10);
/// The kernel gives a connection up when nothing that it sent, question or data, was taken in for so long.
const UNANSWERED_MAX: Duration = Duration::from_secs(30);
/// After a failed accept, which mostly means that there are no more file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// Left of the time to stop for what comes after connections.
const STOP_RESERVE: Duration = Duration::from_millis(500);

/// Accepts until the server stops. Connections run as tasks of the server.
pub async fn accept(listener: TcpListener, routes: Router, app: &SharedApp) {
    let services = &app.services;
    let door = Door::new(&services.config);
    loop {
        let accepted = tokio::select! {
            biased;
            () = services.shutdown.cancelled() => return,
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
        match door.admit(peer.ip()) {
            Ok(admission) => {
                let connection = serve(socket, peer, admission, routes.clone(), app.clone());
                services.tasks.spawn(connection);
            }
            Err(refusal) => door.refuse(socket, refusal, &services.tasks),
        }
    }
}

async fn serve(
    socket: TcpStream,
    peer: SocketAddr,
    admission: Admission,
    routes: Router,
    app: SharedApp,
) {
    let config = &app.services.config;
    if let Err(error) = tune(&socket, config) {
        tracing::debug!(%error, "a socket could not be tuned");
    }
    // Admission and count stay with the socket, which outlives HTTP when it becomes a WebSocket.
    let counted = app.services.gauges.connections.enter();
    let socket = StallGuard::new(socket, config.write_stall_max, (admission, counted));
    let trust_forwarded = config.trust_forwarded;
    let service = service_fn(move |mut request: Request<Incoming>| {
        let address = address_of(&request, peer.ip(), trust_forwarded);
        request.extensions_mut().insert(ClientAddress(address));
        routes.clone().oneshot(request.map(Body::new))
    });

    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(config.header_timeout)
        .max_buf_size(CONNECTION_BUFFER_BYTES_MAX)
        .serve_connection(TokioIo::new(socket), service)
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = app.services.shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            let left = config.stop_within.saturating_sub(STOP_RESERVE);
            tokio::time::timeout(left, connection).await.unwrap_or(Ok(()))
        }
    };
    if let Err(error) = ended {
        // The client's doing, mostly: it went away, or spoke no HTTP.
        tracing::debug!(%peer, %error, "a connection broke");
    }
}

/// Sends at once what is written, lets the kernel hold little that it cannot send, and finds dead peers.
fn tune(socket: &TcpStream, config: &Config) -> std::io::Result<()> {
    socket.set_nodelay(!config.without_nodelay)?;
    let socket = SockRef::from(socket);
    if !config.without_unsent_limit {
        socket.set_tcp_notsent_lowat(UNSENT_BYTES_MAX)?;
    }
    let probes = TcpKeepalive::new().with_time(IDLE_MAX).with_interval(PROBE_EVERY);
    socket.set_tcp_keepalive(&probes)?;
    socket.set_tcp_user_timeout(Some(UNANSWERED_MAX))
}

/// The peer's address, or, behind a proxy, the one that the proxy wrote last.
fn address_of(request: &Request<Incoming>, peer: IpAddr, trust_forwarded: bool) -> IpAddr {
    if !trust_forwarded {
        return peer;
    }
    request
        .headers()
        .get_all("x-forwarded-for")
        .iter()
        .next_back()
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.rsplit(',').next())
        .and_then(|last| last.trim().parse().ok())
        .unwrap_or(peer)
}

#[cfg(test)]
mod tests {
    use socket2::SockRef;
    use tokio::net::{TcpListener, TcpStream};

    use super::{IDLE_MAX, UNANSWERED_MAX, tune};
    use crate::config::Config;

    #[tokio::test]
    async fn a_connection_finds_out_when_its_peer_has_vanished() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (_client, accepted) = tokio::join!(TcpStream::connect(address), listener.accept());
        let (socket, _) = accepted.unwrap();

        tune(&socket, &Config::default()).unwrap();

        let socket = SockRef::from(&socket);
        assert!(socket.keepalive().unwrap());
        assert_eq!(socket.tcp_keepalive_time().unwrap(), IDLE_MAX);
        assert_eq!(socket.tcp_user_timeout().unwrap(), Some(UNANSWERED_MAX));
    }
}
