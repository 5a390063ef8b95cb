//! The answer to a connection that is not permitted.

use std::sync::Arc;
use std::time::Duration;

use shared::api::{Problem, ProblemKind};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

use crate::connections::ConnectionRefused;
use crate::limits::RETRY_AFTER_SECONDS;
use crate::metrics::ConnectionMetrics;
use crate::tasks::Tasks;

/// Refusals written at once. Past that, a connection is closed without an answer.
const REFUSALS_MAX: usize = 64;
/// Time for a refusal to be read.
const REFUSAL_WITHIN: Duration = Duration::from_secs(1);

/// Writes refusals beside the accepting loop, a bounded number at once.
pub(super) struct Refusals {
    permits: Arc<Semaphore>,
    tasks: Tasks,
    metrics: Arc<ConnectionMetrics>,
}

impl Refusals {
    pub(super) fn new(tasks: Tasks, metrics: Arc<ConnectionMetrics>) -> Self {
        Self { permits: Arc::new(Semaphore::new(REFUSALS_MAX)), tasks, metrics }
    }

    /// Tells a client that its connection is refused, without making the accepting loop wait.
    pub(super) fn send(&self, mut socket: TcpStream, why: ConnectionRefused) {
        let (kind, _, _) = answer(why);
        self.metrics.refused.of(kind.uri()).add(1);
        let Ok(permit) = self.permits.clone().try_acquire_owned() else { return };
        self.tasks.spawn(async move {
            let _permit = permit;
            let writing = async {
                // Closing with unread bytes would reset the connection, and the refusal with it.
                let mut request = [0; 2048];
                let _first_bytes = socket.read(&mut request).await?;
                socket.write_all(response(why).as_bytes()).await?;
                socket.shutdown().await
            };
            // The client may be gone already.
            tokio::time::timeout(REFUSAL_WITHIN, writing).await.ok();
        });
    }
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
