//! The cookie that carries a session's token, and its name.
//!
//! Browsers send a cookie to every port of a host. So the name carries the identity of the server: two servers on one
//! host keep their players apart.

use http::HeaderMap;
use http::header::{AUTHORIZATION, COOKIE};

/// The name of the cookie before it carried the server's identity. It is still read, and moved to the new name.
const OLD_NAME: &str = "pushback_session";
/// How long a browser keeps the cookie, in seconds: for as long as an unused session lasts.
const MAX_AGE_SECONDS: u32 = 90 * 24 * 60 * 60;

/// The way in which a request brings its token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carrier {
    /// `Authorization: Bearer`.
    Bearer,
    /// The cookie.
    Cookie,
    /// The cookie under its old name.
    OldCookie,
}

/// The token that a request brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Presented<'a> {
    /// The token. It may be of no session.
    pub token: &'a str,
    /// How it came.
    pub by: Carrier,
}

/// The cookie of one server.
#[derive(Debug, Clone)]
pub struct SessionCookie {
    name: String,
    secure: bool,
}

impl SessionCookie {
    /// The cookie of the server with this identity. `secure` limits it to TLS.
    #[must_use]
    pub fn new(identity: &str, secure: bool) -> Self {
        Self { name: format!("{OLD_NAME}_{identity}"), secure }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The token of a request. `Authorization` takes precedence over the cookie, and its new name over the old one.
    #[must_use]
    pub fn presented<'a>(&self, headers: &'a HeaderMap) -> Option<Presented<'a>> {
        let bearer = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        if let Some(value) = bearer {
            let (scheme, token) = value.split_once(' ')?;
            let is_bearer = scheme.eq_ignore_ascii_case("bearer");
            return is_bearer.then(|| Presented { token: token.trim(), by: Carrier::Bearer });
        }
        let found = |name, by| cookie(headers, name).map(|token| Presented { token, by });
        found(&self.name, Carrier::Cookie).or_else(|| found(OLD_NAME, Carrier::OldCookie))
    }

    /// The value of `Set-Cookie` that stores a token.
    #[must_use]
    pub fn storing(&self, token: &str) -> String {
        self.set(&self.name, token, MAX_AGE_SECONDS)
    }

    /// The value of `Set-Cookie` that removes the token.
    #[must_use]
    pub fn removing(&self) -> String {
        self.set(&self.name, "", 0)
    }

    /// The value of `Set-Cookie` that removes the cookie of the old name.
    #[must_use]
    pub fn removing_old(&self) -> String {
        self.set(OLD_NAME, "", 0)
    }

    fn set(&self, name: &str, token: &str, seconds: u32) -> String {
        let secure = if self.secure { "; Secure" } else { "" };
        format!("{name}={token}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}")
    }
}

/// The first cookie of that name.
fn cookie<'a>(headers: &'a HeaderMap, wanted: &str) -> Option<&'a str> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(name, token)| (name == wanted).then_some(token))
}

#[cfg(test)]
mod tests {
    use http::header::{AUTHORIZATION, COOKIE};
    use http::{HeaderMap, HeaderValue};

    use super::{Carrier, Presented, SessionCookie};

    #[test]
    fn a_bearer_token_goes_before_the_cookie() {
        let (cookie, mut headers) = (SessionCookie::new("a1", false), HeaderMap::new());
        assert_eq!(cookie.presented(&headers), None);

        headers.insert(COOKIE, HeaderValue::from_static("a=b; pushback_session_a1=own"));
        assert_eq!(
            cookie.presented(&headers),
            Some(Presented { token: "own", by: Carrier::Cookie })
        );

        headers.insert(AUTHORIZATION, HeaderValue::from_static("bearer sent"));
        assert_eq!(
            cookie.presented(&headers),
            Some(Presented { token: "sent", by: Carrier::Bearer })
        );
        headers.insert(AUTHORIZATION, HeaderValue::from_static("Basic sent"));
        assert_eq!(cookie.presented(&headers), None);
    }

    #[test]
    fn the_cookie_of_another_server_is_not_read_and_the_old_name_comes_last() {
        let (cookie, mut headers) = (SessionCookie::new("a1", false), HeaderMap::new());

        headers.insert(COOKIE, HeaderValue::from_static("pushback_session_b2=other"));
        assert_eq!(cookie.presented(&headers), None);

        headers.append(COOKIE, HeaderValue::from_static("pushback_session=old"));
        assert_eq!(
            cookie.presented(&headers),
            Some(Presented { token: "old", by: Carrier::OldCookie })
        );
        headers.append(COOKIE, HeaderValue::from_static("pushback_session_a1=own"));
        assert_eq!(
            cookie.presented(&headers),
            Some(Presented { token: "own", by: Carrier::Cookie })
        );
    }
}
