//! The answer to a connection that is not permitted: a refusal, or what an operator asks for.

use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustix::net::{RecvFlags, recv};
use shared::api::{Problem, ProblemKind};
use socket2::SockRef;
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::lingering::linger;
use super::routes::Routes;
use crate::client_address::AddressRules;
use crate::connections::ConnectionRefused;
use crate::limits::RETRY_AFTER_SECONDS;
use crate::metrics::ConnectionMetrics;
use crate::tasks::Tasks;

/// Time for a request to come and its answer to be read.
const ANSWER_WITHIN: Duration = Duration::from_secs(1);
/// Time for a client that still sends to see its refusal.
const LINGER_WITHIN: Duration = Duration::from_secs(2);
/// Places for operators alone, whose request is there at once.
const OPERATOR_PLACES: usize = 4;
/// The longest head of a request that is answered at the limit: hyper's smallest buffer.
const REQUEST_BYTES_MAX: usize = 8 * 1024;
/// A full server must still say that it lives, and why it is full. It is not ready for more, so that it refuses `/readyz`.
const FOR_OPERATORS: [&[u8]; 2] = [b"GET /healthz ", b"GET /metrics "];
/// As many bytes as those lines have.
const LINE_BYTES: usize = 13;

/// Answers connections past the caps beside the accepting loop, a bounded number at once.
pub(super) struct Refusals {
    places: Arc<Semaphore>,
    for_operators: Arc<Semaphore>,
    routes: Routes,
    addresses: AddressRules,
    tasks: Tasks,
    metrics: Arc<ConnectionMetrics>,
}

impl Refusals {
    pub(super) fn new(
        routes: Routes,
        (places, addresses): (usize, AddressRules),
        tasks: Tasks,
        metrics: Arc<ConnectionMetrics>,
    ) -> Self {
        let [places, for_operators] =
            [places, OPERATOR_PLACES].map(|places| Arc::new(Semaphore::new(places)));
        Self { places, for_operators, routes, addresses, tasks, metrics }
    }

    /// Tells a client that its connection is refused. An operator's request is answered all the same. Never waits: without a
    /// place to answer in, the connection is refused and closed at once.
    pub(super) fn answer(&self, socket: TcpStream, peer: SocketAddr, why: ConnectionRefused) {
        let Some(place) = self.place(&socket) else {
            refuse_at_once(&socket, why, &self.metrics);
            return;
        };
        let (routes, addresses) = (self.routes.clone(), self.addresses.clone());
        let metrics = self.metrics.clone();
        self.tasks.spawn("refusal", async move {
            let _place = place;
            let asks = timeout(ANSWER_WITHIN, asks_for_operator(&socket)).await;
            if matches!(asks, Ok(Ok(true))) {
                timeout(ANSWER_WITHIN, serve_once(socket, peer, routes, addresses)).await.ok();
                return;
            }
            refuse_at_once(&socket, why, &metrics);
            timeout(LINGER_WITHIN, linger(socket)).await.ok();
        });
    }

    /// A place to answer in.
    fn place(&self, socket: &TcpStream) -> Option<OwnedSemaphorePermit> {
        let place = self.places.clone().try_acquire_owned().ok();
        place.or_else(|| {
            let mut begin = [0; LINE_BYTES];
            let (length, _) =
                recv(socket, &mut begin, RecvFlags::PEEK | RecvFlags::DONTWAIT).ok()?;
            let is_operator = is_for_operator(&begin[..length]);
            is_operator.then(|| self.for_operators.clone().try_acquire_owned().ok())?
        })
    }
}

/// Looks at the first bytes without taking them. A request line that comes in pieces is refused like any other.
async fn asks_for_operator(socket: &TcpStream) -> std::io::Result<bool> {
    let mut begin = [0; LINE_BYTES];
    let length = socket.peek(&mut begin).await?;
    Ok(is_for_operator(&begin[..length]))
}

fn is_for_operator(begin: &[u8]) -> bool {
    FOR_OPERATORS.iter().any(|line| begin.starts_with(line))
}

/// Serves one request, and closes.
async fn serve_once(socket: TcpStream, peer: SocketAddr, routes: Routes, addresses: AddressRules) {
    let service = service_fn(move |request: Request<Incoming>| {
        let address = addresses.of_request(request.headers(), peer.ip());
        routes.answer(request.map(Body::new), address)
    });
    let connection = http1::Builder::new()
        .keep_alive(false)
        .max_buf_size(REQUEST_BYTES_MAX)
        .serve_connection(TokioIo::new(socket), service);
    if let Err(error) = connection.await {
        tracing::debug!(%peer, %error, "a connection broke");
    }
}

/// Counts a refusal, and writes it without waiting: it fits into the empty buffer of a new socket. A client that is closed on while it
/// still sends may not see it.
fn refuse_at_once(socket: &TcpStream, why: ConnectionRefused, metrics: &ConnectionMetrics) {
    metrics.refused.of(answer(why).0.uri()).add(1);
    let socket = SockRef::from(socket);
    let mut socket = &*socket;
    // Closing a socket with unread bytes resets the connection, and the client may then lose the answer.
    let mut request = [0; 2048];
    let _first_bytes = socket.read(&mut request);
    // The client may be gone already.
    socket.write_all(response(why).as_bytes()).ok();
}

/// The refusal of one more request of a client behind a proxy.
pub(super) fn of_request(why: ConnectionRefused, metrics: &ConnectionMetrics) -> Response<Body> {
    let (kind, _, detail) = answer(why);
    metrics.refused.of(kind.uri()).add(1);
    let body = serde_json::to_vec(&Problem::new(kind, detail)).unwrap_or_default();
    let mut response = Response::new(Body::from(body));
    *response.status_mut() =
        StatusCode::from_u16(kind.status()).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    headers.insert(RETRY_AFTER, RETRY_AFTER_SECONDS.into());
    response
}

fn answer(why: ConnectionRefused) -> (ProblemKind, &'static str, &'static str) {
    match why {
        ConnectionRefused::TooManyFromAddress => (
            ProblemKind::TooMany,
            "Too Many Requests",
            "Too many connections come from this address. Close one, or try again later.",
        ),
        ConnectionRefused::Overloaded => (
            ProblemKind::Overloaded,
            "Service Unavailable",
            "The server holds as many connections as it can. Try again later.",
        ),
    }
}

fn response(why: ConnectionRefused) -> String {
    let (kind, reason, detail) = answer(why);
    let body = serde_json::to_string(&Problem::new(kind, detail)).unwrap_or_default();
    format!(
        "HTTP/1.1 {status} {reason}\r\nContent-Type: application/problem+json\r\n\
         Retry-After: {RETRY_AFTER_SECONDS}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}",
        status = kind.status(),
        length = body.len(),
    )
}
