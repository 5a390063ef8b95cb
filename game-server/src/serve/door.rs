//! Counts connections, in all and for each address, and refuses politely past the caps.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use shared::api::{Problem, ProblemKind};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

use crate::config::Config;
use crate::http::error::RETRY_AFTER_SECONDS;
use crate::sync::lock;

/// Refusals written at once. Past that, a connection is closed without a word.
const REFUSALS_MAX: usize = 64;
/// Time for a refusal to be read.
const REFUSAL_WITHIN: Duration = Duration::from_secs(1);

/// The door of one server.
pub(crate) struct Door {
    inside: Arc<Inside>,
    refusals: Arc<Semaphore>,
}

struct Inside {
    total_max: usize,
    per_address_max: usize,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    total: usize,
    per_address: HashMap<IpAddr, usize>,
}

/// One connection that was let in. Dropping it makes room.
pub(crate) struct Admission {
    inside: Arc<Inside>,
    address: IpAddr,
}

impl Door {
    pub(crate) fn new(config: &Config) -> Self {
        let per_address_max = match config.trust_forwarded {
            // All connections come from the proxy, which has to count for itself.
            true => usize::MAX,
            false => config.connections_per_address_max,
        };
        let open = Mutex::default();
        let inside = Inside { total_max: config.connections_max, per_address_max, open };
        Self { inside: Arc::new(inside), refusals: Arc::new(Semaphore::new(REFUSALS_MAX)) }
    }

    /// Lets a connection in.
    ///
    /// # Errors
    /// Why not: too many in all, or from this address.
    pub(crate) fn admit(&self, address: IpAddr) -> Result<Admission, ProblemKind> {
        let mut open = lock(&self.inside.open);
        if open.total >= self.inside.total_max {
            return Err(ProblemKind::Overloaded);
        }
        let here = open.per_address.entry(address).or_default();
        if *here >= self.inside.per_address_max {
            return Err(ProblemKind::TooMany);
        }
        *here += 1;
        open.total += 1;
        drop(open);
        Ok(Admission { inside: self.inside.clone(), address })
    }

    /// Tells a client that it is not let in, without making the door wait.
    pub(super) fn refuse(&self, mut socket: TcpStream, kind: ProblemKind, tasks: &TaskTracker) {
        metrics::counter!("pushback_connections_refused_total", "why" => kind.uri()).increment(1);
        let Ok(permit) = self.refusals.clone().try_acquire_owned() else { return };
        tasks.spawn(async move {
            let _permit = permit;
            let saying = async {
                // Closing with unread bytes would reset the connection, and the refusal with it.
                let mut request = [0; 2048];
                let _first_bytes = socket.read(&mut request).await?;
                socket.write_all(refusal(kind).as_bytes()).await?;
                socket.shutdown().await
            };
            // Whether it got through is the client's concern.
            tokio::time::timeout(REFUSAL_WITHIN, saying).await.ok();
        });
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        let mut open = lock(&self.inside.open);
        open.total -= 1;
        if let Some(here) = open.per_address.get_mut(&self.address) {
            *here -= 1;
            if *here == 0 {
                open.per_address.remove(&self.address);
            }
        }
    }
}

fn refusal(kind: ProblemKind) -> String {
    let (reason, detail) = match kind {
        ProblemKind::TooMany => (
            "Too Many Requests",
            "Too many connections come from this address. Close one, or try again later.",
        ),
        _ => (
            "Service Unavailable",
            "The server holds as many connections as it can. Try again later.",
        ),
    };
    let body = serde_json::to_string(&Problem::new(kind, detail)).unwrap_or_default();
    format!(
        "HTTP/1.1 {status} {reason}\r\nContent-Type: application/problem+json\r\n\
         Retry-After: {RETRY_AFTER_SECONDS}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}",
        status = kind.status(),
        length = body.len(),
    )
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use shared::api::ProblemKind;

    use super::Door;
    use crate::config::Config;

    #[test]
    fn the_door_counts_in_all_and_for_each_address() {
        let config =
            Config { connections_max: 3, connections_per_address_max: 2, ..Config::default() };
        let door = Door::new(&config);
        let (here, there): (IpAddr, IpAddr) = ([127, 0, 0, 1].into(), [127, 0, 0, 2].into());

        let first = door.admit(here);
        let _second = door.admit(here);
        assert_eq!(door.admit(here).err(), Some(ProblemKind::TooMany));
        let _third = door.admit(there);
        assert_eq!(door.admit(there).err(), Some(ProblemKind::Overloaded));

        drop(first);
        assert!(door.admit(here).is_ok());
    }
}
