//! Where a request comes from, as limits count it: found behind proxies, and an IPv6 network as one client.

mod forwarded;

use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use http::HeaderMap;
use ipnet::{IpNet, Ipv4Net};
use serde::{Deserialize, Serialize};

/// The address that limits count for a request: of the peer, or the one that trusted proxies report. The connection
/// puts it into the request's extensions.
///
/// An IPv4 address in IPv6 form is the IPv4 address. Any other IPv6 address stands for its network, by default its /64:
/// one subscriber has all of the addresses in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ClientAddress(pub IpAddr);

/// A network whose hosts are proxies of this server, as CIDR (RFC 4632). A bare address is a network of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network(IpNet);

/// A text that is no network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a network is an address with the length of its prefix, such as 10.0.0.0/8 or ::1")]
pub struct NetworkError;

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let text = text.trim();
        let network = match text.parse::<IpNet>() {
            Ok(network) => network.trunc(),
            Err(_) => IpNet::from(text.parse::<IpAddr>().or(Err(NetworkError))?),
        };
        Ok(Self(without_mapping(network)))
    }
}

/// A network of IPv4 addresses in IPv6 form, as the network of IPv4 addresses.
fn without_mapping(network: IpNet) -> IpNet {
    /// The bits of `::ffff:0:0/96` (RFC 4291 §2.5.5.2).
    const MAPPED_BITS: u8 = 96;
    let IpNet::V6(long) = network else { return network };
    let short = long.addr().to_ipv4_mapped().zip(long.prefix_len().checked_sub(MAPPED_BITS));
    short.and_then(|(address, bits)| Ipv4Net::new(address, bits).ok()).map_or(network, IpNet::V4)
}

/// Which peers are proxies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proxies {
    /// Those in these networks, any number of them in a row.
    In(Vec<Network>),
    /// Every peer, and no hop before it.
    EveryPeer,
}

/// How the address of a request is found and counted.
#[derive(Debug, Clone)]
pub struct AddressRules {
    proxies: Proxies,
    ipv6_prefix: u8,
}

impl AddressRules {
    /// Rules that tell one IPv6 client from another by a prefix of so many bits, at most 128.
    #[must_use]
    pub fn new(proxies: Proxies, ipv6_prefix: u8) -> Self {
        Self { proxies, ipv6_prefix: ipv6_prefix.min(128) }
    }

    /// Whether a peer is a proxy, so that its connections carry requests of others.
    #[must_use]
    pub fn is_proxy(&self, peer: IpAddr) -> bool {
        match &self.proxies {
            Proxies::EveryPeer => true,
            Proxies::In(_) => self.is_trusted_hop(peer),
        }
    }

    /// A connection's own address.
    #[must_use]
    pub fn of_peer(&self, peer: IpAddr) -> ClientAddress {
        ClientAddress(match peer.to_canonical() {
            IpAddr::V6(address) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.ipv6_prefix)).unwrap_or(0);
                IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & mask))
            }
            short @ IpAddr::V4(_) => short,
        })
    }

    /// The address of a request. From a proxy it is the nearest hop that is no proxy, read from `X-Forwarded-For` or
    /// `Forwarded` (RFC 7239) from the right: whatever stands farther left, a client may have written. A hop without an
    /// address ends the search at the proxy that reported it.
    ///
    /// A proxy writes one of the two headers and may pass on the other as the client sent it. So if they name two
    /// clients, neither is believed, and the proxy counts.
    #[must_use]
    pub fn of_request(&self, headers: &HeaderMap, peer: IpAddr) -> ClientAddress {
        if !self.is_proxy(peer) {
            return self.of_peer(peer);
        }
        let by_list = forwarded::by_x_forwarded_for(headers).map(|hops| self.walk(peer, hops));
        let by_rfc = forwarded::by_forwarded(headers).map(|hops| self.walk(peer, hops));
        match (by_list, by_rfc) {
            (Some(one), Some(other)) if one != other => self.of_peer(peer),
            (one, other) => self.of_peer(one.or(other).unwrap_or(peer)),
        }
    }

    /// The first hop that is no proxy, the nearest first.
    fn walk(&self, peer: IpAddr, hops: impl Iterator<Item = Option<IpAddr>>) -> IpAddr {
        let mut found = peer;
        for hop in hops {
            let Some(address) = hop else { break };
            found = address.to_canonical();
            if !self.is_trusted_hop(found) {
                break;
            }
        }
        found
    }

    fn is_trusted_hop(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        match &self.proxies {
            Proxies::EveryPeer => false,
            Proxies::In(networks) => networks.iter().any(|network| network.0.contains(&address)),
        }
    }
}

#[cfg(test)]
mod tests;
