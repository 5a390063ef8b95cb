//! Open connections: counted, and capped in all and for each address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use crate::metrics::{Counted, Gauge};
use crate::sync::lock;

/// Why a connection is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ConnectionRefused {
    /// The server holds as many connections as it may.
    #[error("the server holds as many connections as it may")]
    Overloaded,
    /// The address holds as many connections as it may.
    #[error("the address holds as many connections as it may")]
    TooManyFromAddress,
}

/// Permits connections up to the caps. Cheap to clone.
#[derive(Clone)]
pub struct ConnectionLimiter {
    shared: Arc<Shared>,
    gauge: Gauge,
}

struct Shared {
    total_max: usize,
    per_address_max: usize,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    total: usize,
    per_address: HashMap<IpAddr, usize>,
}

/// The right of one connection to be open. It stays with the socket, which outlives HTTP when it becomes a WebSocket;
/// dropping it makes room for another connection.
pub struct ConnectionPermit {
    shared: Arc<Shared>,
    address: IpAddr,
    _counted: Counted,
}

impl ConnectionLimiter {
    /// No open connections yet. `gauge` shows how many there are.
    #[must_use]
    pub fn new(total_max: usize, per_address_max: usize, gauge: Gauge) -> Self {
        let shared = Shared { total_max, per_address_max, open: Mutex::default() };
        Self { shared: Arc::new(shared), gauge }
    }

    /// Permits one more connection.
    ///
    /// # Errors
    /// See [`ConnectionRefused`].
    pub fn permit(&self, address: IpAddr) -> Result<ConnectionPermit, ConnectionRefused> {
        let mut open = lock(&self.shared.open);
        if open.total >= self.shared.total_max {
            return Err(ConnectionRefused::Overloaded);
        }
        let from_address = open.per_address.entry(address).or_default();
        if *from_address >= self.shared.per_address_max {
            return Err(ConnectionRefused::TooManyFromAddress);
        }
        *from_address += 1;
        open.total += 1;
        drop(open);
        let (shared, counted) = (self.shared.clone(), self.gauge.enter());
        Ok(ConnectionPermit { shared, address, _counted: counted })
    }
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        let mut open = lock(&self.shared.open);
        open.total -= 1;
        if let Some(from_address) = open.per_address.get_mut(&self.address) {
            *from_address -= 1;
            if *from_address == 0 {
                open.per_address.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::{ConnectionLimiter, ConnectionRefused};
    use crate::metrics::Gauge;

    #[test]
    fn connections_are_capped_in_all_and_for_each_address() {
        let gauge = Gauge::default();
        let limiter = ConnectionLimiter::new(3, 2, gauge.clone());
        let (here, there): (IpAddr, IpAddr) = ([127, 0, 0, 1].into(), [127, 0, 0, 2].into());

        let first = limiter.permit(here);
        let _second = limiter.permit(here);
        assert_eq!(limiter.permit(here).err(), Some(ConnectionRefused::TooManyFromAddress));
        let _third = limiter.permit(there);
        assert_eq!(limiter.permit(there).err(), Some(ConnectionRefused::Overloaded));
        assert_eq!(gauge.count(), 3);

        drop(first);
        assert!(limiter.permit(here).is_ok());
    }
}
