//! The address of a server, as people write it: with or without a scheme, a path, spaces around it.

use url::{Host, Url};

/// The longest address, in bytes.
const BYTES_MAX: usize = 300;
/// The port that a server listens on when no other is given.
const SERVER_PORT: u16 = 7777;

/// A text that is no server's address. The text says what one looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("that is no server's address: one looks like https://play.example.org or 192.168.1.5:7777")]
pub struct AddressError;

/// The canonical form of a server's address: scheme, host and, where it is not the scheme's own, port.
///
/// Without a scheme, names of the internet get `https` and everything nearby (`localhost`, IP addresses, names without a
/// dot, and whatever names a port that is not 443) gets `http`. `ws` and `wss` are `http` and `https`. Path, query and
/// fragment are dropped: the address of any page of the lobby names its server.
///
/// # Errors
/// Another scheme, a user name, spaces inside, no host.
pub fn parse(text: &str) -> Result<String, AddressError> {
    let text = text.trim();
    if text.is_empty()
        || text.len() > BYTES_MAX
        || text.chars().any(|c| c.is_whitespace() || c.is_control())
    {
        return Err(AddressError);
    }
    let mut url = match text.split_once("://") {
        // `https:///x` has no host.
        Some((_, rest)) if rest.starts_with('/') => return Err(AddressError),
        Some((scheme, rest)) => {
            let scheme = match scheme.to_ascii_lowercase().as_str() {
                "http" | "ws" => "http",
                "https" | "wss" => "https",
                _ => return Err(AddressError),
            };
            url(&format!("{scheme}://{rest}"))?
        }
        None => without_scheme(text)?,
    };
    let is_bare = url.username().is_empty() && url.password().is_none();
    if !is_bare || url.host().is_none_or(|host| host == Host::Domain("")) || url.port() == Some(0) {
        return Err(AddressError);
    }
    url.set_path("");
    Ok(url.origin().ascii_serialization())
}

fn url(text: &str) -> Result<Url, AddressError> {
    Url::parse(text).map_err(|_reason| AddressError)
}

fn without_scheme(text: &str) -> Result<Url, AddressError> {
    // A bare IPv6 address has no brackets.
    let text = match text.parse::<std::net::Ipv6Addr>() {
        Ok(address) => format!("[{address}]"),
        Err(_) => text.to_owned(),
    };
    // `mailto:a` and the like have a scheme without slashes; a port is a number.
    let host_and_port = text.split(['/', '?', '#']).next().unwrap_or_default();
    let after_brackets = host_and_port.rsplit(']').next().unwrap_or_default();
    let has_odd_port =
        after_brackets.split_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_err());
    if has_odd_port {
        return Err(AddressError);
    }
    let http = url(&format!("http://{text}"))?;
    let is_near = match http.host() {
        Some(Host::Domain(name)) => {
            !name.contains('.') || name.ends_with(".local") || name.ends_with(".localhost")
        }
        Some(Host::Ipv4(_) | Host::Ipv6(_)) => true,
        None => return Err(AddressError),
    };
    match http.port() {
        Some(443) => url(&format!("https://{text}")),
        Some(_) => Ok(http),
        // `Url` drops the port of the scheme; nearby a server has its own.
        None if after_brackets.ends_with(":80") => Ok(http),
        None if is_near => {
            let mut near = http;
            near.set_port(Some(SERVER_PORT)).map_err(|()| AddressError)?;
            Ok(near)
        }
        None => url(&format!("https://{text}")),
    }
}

/// Whether only programs on this machine reach the server.
#[must_use]
pub fn is_this_machine(server: &str) -> bool {
    Url::parse(server).is_ok_and(|url| match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback() || address.is_unspecified(),
        Some(Host::Ipv6(address)) => {
            let mapped = address.to_ipv4_mapped().is_some_and(|v4| v4.is_loopback());
            address.is_loopback() || address.is_unspecified() || mapped
        }
        None => false,
    })
}

#[cfg(test)]
mod tests {
    use super::{AddressError, is_this_machine, parse};

    #[test]
    fn addresses_work_as_people_write_them() {
        for (written, meant) in [
            ("http://127.0.0.1:7777", "http://127.0.0.1:7777"),
            ("localhost:7777", "http://localhost:7777"),
            ("localhost", "http://localhost:7777"),
            (" LOCALHOST:7777/ ", "http://localhost:7777"),
            ("192.168.1.5", "http://192.168.1.5:7777"),
            ("192.168.1.5:80", "http://192.168.1.5"),
            ("::1", "http://[::1]:7777"),
            ("[::1]:7777", "http://[::1]:7777"),
            ("attic", "http://attic:7777"),
            ("attic.local:8000", "http://attic.local:8000"),
            ("play.example.org", "https://play.example.org"),
            ("play.example.org:7777", "http://play.example.org:7777"),
            ("play.example.org:443", "https://play.example.org"),
            ("ws://h:7777", "http://h:7777"),
            ("WSS://play.example.org/api/x?y=1#z", "https://play.example.org"),
            ("https://play.example.org/rooms/ABC123/watch?t=4", "https://play.example.org"),
            ("http://play.example.org:80/", "http://play.example.org"),
            ("https://bücher.example", "https://xn--bcher-kva.example"),
        ] {
            assert_eq!(parse(written).as_deref(), Ok(meant), "{written}");
            assert_eq!(parse(meant).as_deref(), Ok(meant), "{meant}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused_at_once() {
        for text in [
            "",
            "   ",
            "http://",
            "https:///x",
            "ftp://h",
            "file:///etc/passwd",
            "mailto:ada",
            "http://a b",
            "two words",
            "http://ada:secret@h",
            "h:99999",
            "h:port",
            "h:0",
            "http://h:99999",
            "http://[::1",
            "pushback://join/ABC123",
        ] {
            assert_eq!(parse(text), Err(AddressError), "{text}");
        }
        assert_eq!(parse(&"a".repeat(4_000)), Err(AddressError));
    }

    #[test]
    fn a_server_on_this_machine_is_known() {
        for here in ["http://localhost:7777", "http://127.0.0.1:1", "http://[::1]:7777"] {
            assert!(is_this_machine(here), "{here}");
        }
        assert!(!is_this_machine("http://192.168.1.5:7777") && !is_this_machine("nonsense"));
    }
}
