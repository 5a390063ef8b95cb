//! The proxies that the environment names, as browsers understand it: for HTTP and WebSockets alike.
//!
//! `http_proxy`, `https_proxy`, `all_proxy` and `no_proxy`, in small or capital letters. Nothing on this machine is
//! reached through a proxy. A WebSocket uses a tunnel (`CONNECT`, RFC 9110 §9.3.6) through the proxy for `https`, or else
//! through the one for `http`.

use std::net::IpAddr;
use std::sync::LazyLock;

use hyper_util::client::proxy::matcher::Matcher;
use url::{Host, Url};

static PROXIES: LazyLock<Proxies> = LazyLock::new(|| {
    Proxies::from(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
});

/// The proxy on the way to this address. `None`: there is none.
pub(super) fn proxy_for(url: &Url) -> Option<&'static Url> {
    PROXIES.of(url)
}

#[derive(Debug)]
struct Proxies {
    http: Option<Url>,
    https: Option<Url>,
    /// Tells what `no_proxy` leaves out.
    bypass: Matcher,
}

impl Proxies {
    /// The proxies of an environment.
    fn from(variable: impl Fn(&str) -> Option<String>) -> Self {
        let either = |name: &str| variable(name).or_else(|| variable(&name.to_uppercase()));
        // A web server passes the header `Proxy` of a request as `HTTP_PROXY` to its programs.
        let http = match variable("REQUEST_METHOD") {
            Some(_) => variable("http_proxy"),
            None => either("http_proxy"),
        };
        let all = either("all_proxy");
        let proxy =
            |text: Option<String>| text.or_else(|| all.clone()).and_then(|text| parse(&text));
        let bypass = Matcher::builder()
            .all("http://proxy.invalid")
            .no(either("no_proxy").unwrap_or_default())
            .build();
        Self { http: proxy(http), https: proxy(either("https_proxy")), bypass }
    }

    fn of(&self, url: &Url) -> Option<&Url> {
        let proxy = match url.scheme() {
            "http" => self.http.as_ref(),
            "https" => self.https.as_ref(),
            "ws" | "wss" => self.https.as_ref().or(self.http.as_ref()),
            _ => None,
        }?;
        if is_here(url) {
            return None;
        }
        // The matcher knows these two schemes alone.
        let secure = matches!(url.scheme(), "https" | "wss");
        let host = url.host_str()?;
        let port = url.port_or_known_default()?;
        let scheme = if secure { "https" } else { "http" };
        let destination = format!("{scheme}://{host}:{port}/").parse().ok()?;
        self.bypass.intercept(&destination).map(|_| proxy)
    }
}

/// A proxy's address. Without a scheme it is `http`.
fn parse(text: &str) -> Option<Url> {
    let text = text.trim();
    let url =
        if text.contains("://") { Url::parse(text) } else { Url::parse(&format!("http://{text}")) };
    let known = ["http", "https", "socks5", "socks5h"];
    url.ok().filter(|url| url.has_host() && known.contains(&url.scheme()))
}

/// Whether an address is that of this machine or of its own link. Browsers use no proxy for it.
fn is_here(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback() || address.is_link_local(),
        Some(Host::Ipv6(address)) => match IpAddr::V6(address).to_canonical() {
            IpAddr::V4(address) => address.is_loopback() || address.is_link_local(),
            IpAddr::V6(address) => address.is_loopback() || address.is_unicast_link_local(),
        },
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::Proxies;

    fn proxies(variables: &[(&str, &str)]) -> Proxies {
        Proxies::from(|name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    fn of(proxies: &Proxies, url: &str) -> Option<String> {
        proxies.of(&url.parse().expect("an address")).map(ToString::to_string)
    }

    #[test]
    fn http_and_websockets_go_through_the_proxies_of_the_environment() {
        let both =
            proxies(&[("http_proxy", "plain:3128"), ("HTTPS_PROXY", "http://ada:pw@secure:8080")]);
        assert_eq!(of(&both, "http://h:7777/api").as_deref(), Some("http://plain:3128/"));
        assert_eq!(of(&both, "https://h/api").as_deref(), Some("http://ada:pw@secure:8080/"));
        for socket in ["ws://h:7777/ws", "wss://h/ws"] {
            assert_eq!(of(&both, socket).as_deref(), Some("http://ada:pw@secure:8080/"));
        }
        let plain = proxies(&[("http_proxy", "http://plain:3128")]);
        assert_eq!(of(&plain, "ws://h:7777/ws").as_deref(), Some("http://plain:3128/"));
        assert_eq!(of(&plain, "https://h/"), None);
        let all = proxies(&[("ALL_PROXY", "socks5h://s:1080")]);
        assert_eq!(of(&all, "wss://h/").as_deref(), Some("socks5h://s:1080"));
    }

    #[test]
    fn what_is_here_or_left_out_has_no_proxy() {
        let some = proxies(&[
            ("http_proxy", "http://p:1"),
            ("https_proxy", "http://p:1"),
            ("no_proxy", "example.org,10.0.0.0/8, .intern"),
        ]);
        for direct in [
            "http://localhost:7777",
            "ws://127.0.0.1:7777/ws",
            "http://[::1]:7777",
            "http://169.254.1.1",
            "https://example.org",
            "wss://play.example.org/ws",
            "ws://10.1.2.3:7777/ws",
            "http://a.intern",
        ] {
            assert_eq!(of(&some, direct), None, "{direct}");
        }
        assert!(
            of(&some, "https://example.com").is_some() && of(&some, "http://11.0.0.1").is_some()
        );
        let everything = proxies(&[("http_proxy", "http://p:1"), ("no_proxy", "*")]);
        assert_eq!(of(&everything, "http://h"), None);
    }

    #[test]
    fn what_is_no_proxy_is_none() {
        for odd in ["ftp://p", "http://", "::", ""] {
            assert_eq!(of(&proxies(&[("http_proxy", odd)]), "http://h"), None, "{odd}");
        }
        let cgi = proxies(&[("HTTP_PROXY", "http://evil:1"), ("REQUEST_METHOD", "GET")]);
        assert_eq!(of(&cgi, "http://h"), None);
    }
}
