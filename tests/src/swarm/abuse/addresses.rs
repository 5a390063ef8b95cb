//! Loopback addresses, one for each client.

use std::net::{IpAddr, Ipv4Addr};

/// A loopback address for the client with this number in a group.
pub(super) fn address(group: u8, number: usize) -> IpAddr {
    let [high, low] = u16::try_from(number).unwrap_or(u16::MAX).to_be_bytes();
    Ipv4Addr::new(127, group + (high >> 7), high & 0x7f, low).into()
}
