//! The hops that the headers of a proxy name, the nearest first.

use std::net::{IpAddr, SocketAddr};

use http::HeaderMap;

const X_FORWARDED_FOR: &str = "x-forwarded-for";
const FORWARDED: &str = "forwarded";

/// The hops in `X-Forwarded-For`. `None` without the header; a hop is `None` when it is no address.
pub(super) fn by_x_forwarded_for(
    headers: &HeaderMap,
) -> Option<impl Iterator<Item = Option<IpAddr>>> {
    headers.get(X_FORWARDED_FOR)?;
    let lines = headers.get_all(X_FORWARDED_FOR).iter().rev();
    let entries = lines.flat_map(|line| line.to_str().unwrap_or_default().rsplit(','));
    Some(entries.map(node))
}

/// The hops in `Forwarded` (RFC 7239). `None` without the header; a hop is `None` when it is hidden or unknown.
pub(super) fn by_forwarded(headers: &HeaderMap) -> Option<impl Iterator<Item = Option<IpAddr>>> {
    headers.get(FORWARDED)?;
    let lines = headers.get_all(FORWARDED).iter().rev();
    let elements = lines.flat_map(|line| {
        let mut elements = split_outside_quotes(line.to_str().unwrap_or_default(), ',');
        elements.reverse();
        elements
    });
    Some(elements.map(|element| {
        let pairs = split_outside_quotes(element, ';');
        let mut pairs = pairs.iter().filter_map(|pair| pair.split_once('='));
        let (_, value) = pairs.find(|(name, _)| name.trim().eq_ignore_ascii_case("for"))?;
        node(value.trim().trim_matches('"'))
    }))
}

/// The address of a node: an address, with a port or without, an IPv6 address with brackets or without.
fn node(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']');
    if let Ok(address) = bracketed().unwrap_or(text).parse() {
        return Some(address);
    }
    if let Ok(socket) = text.parse::<SocketAddr>() {
        return Some(socket.ip());
    }
    // RFC 7239 §6.3: a port may be hidden, too.
    let (address, port) = text.rsplit_once(':').filter(|(_, port)| port.starts_with('_'))?;
    let is_hidden = port.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    let address =
        address.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(address);
    address.parse().ok().filter(|_| is_hidden)
}

/// The parts of a text between separators that stand in no quoted string.
fn split_outside_quotes(text: &str, separator: char) -> Vec<&str> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    let parts = text.split(|letter| {
        let was_escaped = core::mem::replace(&mut is_escaped, false);
        match letter {
            '\\' if is_quoted && !was_escaped => is_escaped = true,
            '"' if !was_escaped => is_quoted = !is_quoted,
            _ => {}
        }
        letter == separator && !is_quoted
    });
    parts.collect()
}

#[cfg(test)]
mod tests {
    use super::{node, split_outside_quotes};

    #[test]
    fn a_node_is_read_with_and_without_port_and_brackets() {
        for text in ["192.0.2.7", " 192.0.2.7:4711", "192.0.2.7:_hidden"] {
            assert_eq!(node(text), Some([192, 0, 2, 7].into()), "{text}");
        }
        for text in ["2001:db8::7", "[2001:db8::7]", "[2001:db8::7]:4711", "[2001:db8::7]:_a"] {
            assert_eq!(node(text), "2001:db8::7".parse().ok(), "{text}");
        }
        for text in ["", "unknown", "_hidden", "192.0.2.7:", "192.0.2.7:x", "[192.0.2", "a,b"] {
            assert_eq!(node(text), None, "{text}");
        }
    }

    #[test]
    fn a_separator_in_quotes_separates_nothing() {
        assert_eq!(split_outside_quotes(r#"a,"b,\"c",d"#, ','), ["a", r#""b,\"c""#, "d"]);
        assert_eq!(split_outside_quotes(r#""a,b"#, ','), [r#""a,b"#]);
    }
}
