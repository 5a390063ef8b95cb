//! Open connections: counted, and capped in all and for each address.
//!
//! A client's own connection counts for its address as long as it is open. A proxy's connections carry requests of many
//! clients: there each request counts for its client's address until it is answered, and an upgraded one until its
//! socket closes.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use crate::client_address::ClientAddress;
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
    /// Of the client at the other end; of a proxy's connection, that of the client for whom it was upgraded.
    share: ShareSlot,
    _counted: Counted,
}

/// One connection of an address, counted until it is dropped.
pub struct AddressShare {
    shared: Arc<Shared>,
    address: IpAddr,
}

/// Keeps a share for as long as the connection is open.
#[derive(Clone, Default)]
pub struct ShareSlot(Arc<Mutex<Option<AddressShare>>>);

impl ShareSlot {
    /// Keeps a share.
    pub fn keep(&self, share: AddressShare) {
        *lock(&self.0) = Some(share);
    }
}

impl ConnectionLimiter {
    /// No open connections yet. `gauge` shows how many there are.
    #[must_use]
    pub fn new(total_max: usize, per_address_max: usize, gauge: Gauge) -> Self {
        let shared = Shared { total_max, per_address_max, open: Mutex::default() };
        Self { shared: Arc::new(shared), gauge }
    }

    /// Permits one more connection of a client.
    ///
    /// # Errors
    /// See [`ConnectionRefused`].
    pub fn permit(&self, address: ClientAddress) -> Result<ConnectionPermit, ConnectionRefused> {
        let permit = self.permit_proxy()?;
        permit.share.keep(self.share(address)?);
        Ok(permit)
    }

    /// Permits one more connection of a proxy. Its requests take a [`Self::share`] each.
    ///
    /// # Errors
    /// [`ConnectionRefused::Overloaded`]
    pub fn permit_proxy(&self) -> Result<ConnectionPermit, ConnectionRefused> {
        let mut open = lock(&self.shared.open);
        if open.total >= self.shared.total_max {
            return Err(ConnectionRefused::Overloaded);
        }
        open.total += 1;
        drop(open);
        let (shared, counted) = (self.shared.clone(), self.gauge.enter());
        Ok(ConnectionPermit { shared, share: ShareSlot::default(), _counted: counted })
    }

    /// Counts one more for an address.
    ///
    /// # Errors
    /// [`ConnectionRefused::TooManyFromAddress`]
    pub fn share(&self, address: ClientAddress) -> Result<AddressShare, ConnectionRefused> {
        let ClientAddress(address) = address;
        let mut open = lock(&self.shared.open);
        let from_address = open.per_address.entry(address).or_default();
        if *from_address >= self.shared.per_address_max {
            return Err(ConnectionRefused::TooManyFromAddress);
        }
        *from_address += 1;
        drop(open);
        Ok(AddressShare { shared: self.shared.clone(), address })
    }
}

impl ConnectionPermit {
    /// The place for the share of a client for whom a proxy's connection is upgraded.
    #[must_use]
    pub fn share_slot(&self) -> ShareSlot {
        self.share.clone()
    }
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        lock(&self.shared.open).total -= 1;
    }
}

impl Drop for AddressShare {
    fn drop(&mut self) {
        let mut open = lock(&self.shared.open);
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
    use super::{ConnectionLimiter, ConnectionRefused};
    use crate::client_address::ClientAddress;
    use crate::metrics::Gauge;

    const HERE: ClientAddress = ClientAddress(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST));

    fn there() -> ClientAddress {
        ClientAddress([127, 0, 0, 2].into())
    }

    #[test]
    fn connections_are_capped_in_all_and_for_each_address() {
        let gauge = Gauge::default();
        let limiter = ConnectionLimiter::new(3, 2, gauge.clone());

        let first = limiter.permit(HERE);
        let _second = limiter.permit(HERE);
        assert_eq!(limiter.permit(HERE).err(), Some(ConnectionRefused::TooManyFromAddress));
        let _third = limiter.permit(there());
        assert_eq!(limiter.permit(there()).err(), Some(ConnectionRefused::Overloaded));
        assert_eq!(gauge.count(), 3);

        drop(first);
        assert!(limiter.permit(HERE).is_ok());
    }

    #[test]
    fn behind_a_proxy_the_cap_of_an_address_counts_requests_and_upgraded_connections() {
        let limiter = ConnectionLimiter::new(10, 2, Gauge::default());
        let proxied: Vec<_> = (0..3).map(|_| limiter.permit_proxy().expect("room")).collect();

        let answered = limiter.share(HERE).expect("a share");
        proxied[0].share_slot().keep(limiter.share(HERE).expect("a share"));
        assert_eq!(limiter.share(HERE).err(), Some(ConnectionRefused::TooManyFromAddress));
        assert!(limiter.share(there()).is_ok());

        drop(answered);
        let held = limiter.share(HERE);
        assert!(held.is_ok() && limiter.share(HERE).is_err());
        drop(proxied);
        assert!(limiter.share(HERE).is_ok(), "the upgraded connection is gone");
    }
}
