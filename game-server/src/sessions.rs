//! Who asks: guests with a name and a secret token.
//!
//! A token is 128 random bits and is kept only as its SHA-256, so the database gives nobody's identity
//! away. It comes as `Authorization: Bearer` or in a cookie.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderMap;
use http::header::{AUTHORIZATION, COOKIE};
use sha2::{Digest as _, Sha256};
use shared::api::Session;
use shared::id::{PlayerId, PlayerName};

use crate::app::Services;
use crate::clock::now_ms;
use crate::store::{Store, StoreError};

/// The cookie that carries the token.
pub const COOKIE_NAME: &str = "pushback_session";
/// How long a browser keeps the cookie: a year, in seconds.
const COOKIE_SECONDS: u32 = 365 * 24 * 60 * 60;

/// The SHA-256 of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenHash(pub [u8; 32]);

/// Somebody with a session. As an argument of a route: refuses who has none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Player {
    /// Who.
    pub id: PlayerId,
    /// The name that others see.
    pub name: PlayerName,
}

/// 128 random bits in the letters of base64url.
#[must_use]
pub fn random_token() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 16]>())
}

/// What is kept of a token.
#[must_use]
pub fn hash_token(token: &str) -> TokenHash {
    TokenHash(Sha256::digest(token.as_bytes()).into())
}

/// The token that a request brings. `Authorization` goes before the cookie.
#[must_use]
pub fn token_of(headers: &HeaderMap) -> Option<&str> {
    let bearer = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    if let Some(value) = bearer {
        let (scheme, token) = value.split_once(' ')?;
        return scheme.eq_ignore_ascii_case("bearer").then(|| token.trim());
    }
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(name, token)| (name == COOKIE_NAME).then_some(token))
}

/// Guests come and go.
pub struct Sessions {
    store: Arc<dyn Store>,
    secure: bool,
}

impl Sessions {
    /// Sessions in this store.
    #[must_use]
    pub fn new(services: &Services) -> Self {
        Self { store: services.store.clone(), secure: services.config.is_tls() }
    }

    /// Who asks, if the request brings a good token.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn player(&self, headers: &HeaderMap) -> Result<Option<Player>, StoreError> {
        match token_of(headers) {
            Some(token) => self.store.session(hash_token(token)).await,
            None => Ok(None),
        }
    }

    /// A new guest.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn begin(&self, name: PlayerName) -> Result<Session, StoreError> {
        let player = Player { id: PlayerId::from_bits(rand::random()), name };
        let token = random_token();
        self.store.add_guest(player.clone(), hash_token(&token), now_ms()).await?;
        Ok(Session { player: player.id, name: player.name, token })
    }

    /// Another session of a known player. Nothing: there is no such player (any more).
    ///
    /// # Errors
    /// When the store fails.
    pub async fn resume(&self, player: PlayerId) -> Result<Option<Session>, StoreError> {
        let Some(player) = self.store.player(player).await? else { return Ok(None) };
        let token = random_token();
        self.store.add_session(player.id, hash_token(&token), now_ms()).await?;
        Ok(Some(Session { player: player.id, name: player.name, token }))
    }

    /// The same guest under another name.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn rename(&self, player: PlayerId, name: PlayerName) -> Result<(), StoreError> {
        self.store.rename(player, name).await
    }

    /// Ends the session that the request brings.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn end(&self, headers: &HeaderMap) -> Result<(), StoreError> {
        match token_of(headers) {
            Some(token) => self.store.end_session(hash_token(token)).await,
            None => Ok(()),
        }
    }

    /// `Set-Cookie` for a token; an empty token removes the cookie.
    #[must_use]
    pub fn cookie(&self, token: &str) -> String {
        let seconds = if token.is_empty() { 0 } else { COOKIE_SECONDS };
        let secure = if self.secure { "; Secure" } else { "" };
        format!("{COOKIE_NAME}={token}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}")
    }
}

#[cfg(test)]
mod tests {
    use http::header::{AUTHORIZATION, COOKIE};
    use http::{HeaderMap, HeaderValue};

    use super::{random_token, token_of};

    #[test]
    fn a_bearer_token_goes_before_the_cookie() {
        let mut headers = HeaderMap::new();
        assert_eq!(token_of(&headers), None);

        headers.insert(COOKIE, HeaderValue::from_static("a=b; pushback_session=cookie"));
        assert_eq!(token_of(&headers), Some("cookie"));

        headers.insert(AUTHORIZATION, HeaderValue::from_static("bearer sent"));
        assert_eq!(token_of(&headers), Some("sent"));
        headers.insert(AUTHORIZATION, HeaderValue::from_static("Basic sent"));
        assert_eq!(token_of(&headers), None);
    }

    #[test]
    fn tokens_differ_and_fit_into_a_header() {
        let token = random_token();
        assert_eq!(token.len(), 22);
        assert_ne!(token, random_token());
    }
}
