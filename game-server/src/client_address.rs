//! Where a request comes from.

use std::net::IpAddr;

use http::HeaderMap;

/// The address that limits count for a request: the peer's, or the one that a trusted proxy reports. The connection
/// puts it into the request's extensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

impl ClientAddress {
    /// The peer's address, or, behind a proxy, the last one in `X-Forwarded-For`: the only one that the proxy itself
    /// wrote. Falls back to the peer's when the header is missing or holds no address.
    #[must_use]
    pub fn of(headers: &HeaderMap, peer: IpAddr, trust_forwarded: bool) -> Self {
        if !trust_forwarded {
            return Self(peer);
        }
        let forwarded = headers.get_all("x-forwarded-for").iter().next_back();
        let last = forwarded.and_then(|value| value.to_str().ok()?.rsplit(',').next());
        Self(last.and_then(|address| address.trim().parse().ok()).unwrap_or(peer))
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use http::{HeaderMap, HeaderValue};

    use super::ClientAddress;

    #[test]
    fn only_the_last_address_is_the_proxy_s_own_word() {
        let (peer, client): (IpAddr, IpAddr) = ([127, 0, 0, 1].into(), [192, 0, 2, 7].into());
        let mut headers = HeaderMap::new();
        assert_eq!(ClientAddress::of(&headers, peer, true).0, peer);

        headers.append("x-forwarded-for", HeaderValue::from_static("10.0.0.1"));
        headers.append("x-forwarded-for", HeaderValue::from_static("10.0.0.2, 192.0.2.7"));
        assert_eq!(ClientAddress::of(&headers, peer, true).0, client);
        assert_eq!(ClientAddress::of(&headers, peer, false).0, peer);

        headers.append("x-forwarded-for", HeaderValue::from_static("unknown"));
        assert_eq!(ClientAddress::of(&headers, peer, true).0, peer);
    }
}
