//! Which sites may ask: the names at which this server is known, and the origins of the pages that may use it.
//!
//! A page of a foreign name that resolves to this server (DNS rebinding) is of the same origin as this server, as its
//! browser sees it. So a request is answered only under a name that the operator has given, under `localhost`, or under an
//! address, which no other site can take over.

use std::net::{IpAddr, Ipv6Addr};

use http::header::{HOST, ORIGIN};
use http::{HeaderMap, Uri};
use url::{Host, Url};

use crate::config::Config;

/// The most characters of a header's value that a refusal repeats.
const SHOWN_CHARS_MAX: usize = 120;

/// The sites of a server.
#[derive(Debug, Clone)]
pub struct Sites {
    /// The origin at which browsers reach the server.
    public: Option<String>,
    /// Other origins whose pages may use it.
    allowed: Vec<String>,
    /// Names of the server. One that begins with a dot is the end of a name.
    hosts: Vec<String>,
}

/// A text that is no origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an origin is a scheme, a host and perhaps a port, such as https://play.example.org")]
pub struct OriginError;

/// A text that is no host name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a host is a name without scheme and port, such as play.example.org or *.example.org")]
pub struct HostError;

/// Reads an origin. Returns it as browsers write it.
///
/// # Errors
/// [`OriginError`] when it is something else, or has a path.
pub fn parse_origin(text: &str) -> Result<String, OriginError> {
    let url = Url::parse(text.trim()).or(Err(OriginError))?;
    let is_web = matches!(url.scheme(), "http" | "https") && url.has_host();
    let is_bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    let is_nobody = url.username().is_empty() && url.password().is_none();
    (is_web && is_bare && is_nobody).then(|| url.origin().ascii_serialization()).ok_or(OriginError)
}

/// Reads the name of a host, or `*.` and the end of one. Returns it as [`Sites`] compares it.
///
/// # Errors
/// [`HostError`] when it is something else.
pub fn parse_host(text: &str) -> Result<String, HostError> {
    let text = text.trim().trim_end_matches('.');
    let (dot, name) = match text.strip_prefix("*.") {
        Some(end) => (".", end),
        None => ("", text),
    };
    if name.contains('*') {
        return Err(HostError);
    }
    match Host::parse(name).or(Err(HostError))? {
        Host::Domain(name) => Ok(format!("{dot}{name}")),
        Host::Ipv4(_) | Host::Ipv6(_) if dot.is_empty() => Ok(name.to_owned()),
        Host::Ipv4(_) | Host::Ipv6(_) => Err(HostError),
    }
}

/// Why a site may not ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stranger {
    /// The request names another host.
    Host {
        /// As the request names it.
        host: String,
    },
    /// The page is of another site.
    Origin {
        /// As the browser names it.
        origin: String,
        /// As the request names it.
        host: String,
    },
}

impl Sites {
    /// The sites of a configuration.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        let written = |text: &String| {
            parse_origin(text).unwrap_or_else(|_| text.trim_end_matches('/').to_owned())
        };
        let public = config.public_url.as_ref().map(written);
        let hosts = config.allowed_hosts.iter().filter_map(|host| parse_host(host).ok());
        let own = public.as_deref().and_then(|origin| origin.split_once("://"));
        let own = own.map(|(_, authority)| name_of(authority).to_owned());
        Self {
            public,
            allowed: config.allowed_origins.iter().map(written).collect(),
            hosts: hosts.chain(own).collect(),
        }
    }

    /// Other origins whose pages may use this server.
    #[must_use]
    pub fn allowed_origins(&self) -> &[String] {
        &self.allowed
    }

    /// Checks that the request is meant for this server. A request without a host comes from no browser.
    pub(super) fn check_host(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), Stranger> {
        let named = uri.authority().map(|authority| authority.as_str().as_bytes());
        let hosts = headers.get_all(HOST).iter().map(|host| host.as_bytes()).chain(named);
        for host in hosts {
            let known = str::from_utf8(host).is_ok_and(|host| self.knows(host));
            if !known {
                return Err(Stranger::Host { host: shown(host) });
            }
        }
        Ok(())
    }

    /// Checks that the page is of this server or of a site that may use it. Browsers send `Origin` with upgrades and
    /// changes, so a request without it comes from another kind of client.
    pub(super) fn check_origin(&self, headers: &HeaderMap) -> Result<(), Stranger> {
        let Some(origin) = headers.get(ORIGIN) else { return Ok(()) };
        let host = headers.get(HOST).map(|host| host.as_bytes()).unwrap_or_default();
        let is_own = origin.to_str().is_ok_and(|origin| {
            self.lists(origin) || str::from_utf8(host).is_ok_and(|host| self.is_own(origin, host))
        });
        let stranger = || Stranger::Origin { origin: shown(origin.as_bytes()), host: shown(host) };
        is_own.then_some(()).ok_or_else(stranger)
    }

    /// Whether the request comes from a page of another site that may use this server.
    pub(super) fn is_listed(&self, headers: &HeaderMap) -> bool {
        let Some(origin) = headers.get(ORIGIN).and_then(|origin| origin.to_str().ok()) else {
            return false;
        };
        let is_it = |site: &String| site.eq_ignore_ascii_case(origin);
        self.allowed.iter().any(is_it) && !self.public.iter().any(is_it)
    }

    fn lists(&self, origin: &str) -> bool {
        self.public.iter().chain(&self.allowed).any(|site| site.eq_ignore_ascii_case(origin))
    }

    /// Whether a page of this origin was served under this host. The public host is served under its own scheme only.
    fn is_own(&self, origin: &str, host: &str) -> bool {
        let Some((scheme, authority)) = origin.split_once("://") else { return false };
        let port = if scheme.eq_ignore_ascii_case("https") { ":443" } else { ":80" };
        let bare = |authority: &str| {
            let authority = authority.to_ascii_lowercase();
            authority.strip_suffix(port).map(str::to_owned).unwrap_or(authority)
        };
        let is_same = bare(authority) == bare(host);
        let public = self.public.as_deref().and_then(|public| public.split_once("://"));
        let is_downgraded = public.is_some_and(|(public_scheme, public_host)| {
            name_of(public_host).eq_ignore_ascii_case(name_of(authority))
                && !public_scheme.eq_ignore_ascii_case(scheme)
        });
        is_same && !is_downgraded
    }

    /// Whether a host, with a port or without, is a name of this server.
    fn knows(&self, host: &str) -> bool {
        let name = name_of(host).trim_end_matches('.').to_ascii_lowercase();
        let is_address = name.parse::<IpAddr>().is_ok()
            || name
                .strip_prefix('[')
                .and_then(|name| name.strip_suffix(']'))
                .is_some_and(|name| name.parse::<Ipv6Addr>().is_ok());
        let is_local = name == "localhost" || name.ends_with(".localhost");
        let is_listed = |known: &String| match known.strip_prefix('.') {
            Some(_) => name.ends_with(known.as_str()),
            None => name == *known,
        };
        is_address || is_local || self.hosts.iter().any(is_listed)
    }
}

/// A host without its port.
fn name_of(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        Some(_) | None => authority,
    }
}

fn shown(value: &[u8]) -> String {
    String::from_utf8_lossy(value).chars().take(SHOWN_CHARS_MAX).collect()
}

impl Stranger {
    /// The cause and the cure, for a person.
    pub(super) fn advice(&self) -> String {
        match self {
            Self::Host { host } => format!(
                "The request is for the host {host}, and this server does not know that it has this name. Its operator can \
                 start it with --public-url, or with --allowed-hosts {}. If a proxy in front of it changes the Host \
                 header, it should pass it on (nginx: proxy_set_header Host $host).",
                name_of(host),
            ),
            Self::Origin { origin, host } => format!(
                "The page is of {origin}, and the request is for the host {host}. If they are one site, a proxy in front of \
                 this server changes the Host header: let it pass it on (nginx: proxy_set_header Host $host), or start \
                 the server with --public-url {origin}. If the page is of another site, the server's operator can \
                 allow it with --allowed-origins {origin}."
            ),
        }
    }
}

#[cfg(test)]
mod tests;
