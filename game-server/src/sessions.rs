//! Sessions: guests with a name and a secret token.
//!
//! A request brings its token ([`crate::token`]) as `Authorization: Bearer` or in a cookie.

use std::sync::Arc;

use http::HeaderMap;
use http::header::{AUTHORIZATION, COOKIE};
use shared::api::Session;
use shared::id::{PlayerId, PlayerName};

use crate::clock::now_ms;
use crate::player::Player;
use crate::storage::{Players, StoreError};
use crate::token::{hash_token, random_token};

/// The cookie that carries the token.
pub const COOKIE_NAME: &str = "pushback_session";
/// How long a browser keeps the cookie: a year, in seconds.
const COOKIE_SECONDS: u32 = 365 * 24 * 60 * 60;

/// The token of a request. `Authorization` takes precedence over the cookie.
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

/// Begins, finds and ends sessions.
pub struct Sessions {
    players: Arc<dyn Players>,
    secure: bool,
}

impl Sessions {
    /// Sessions in the store `players`. `secure` limits the cookie to TLS.
    #[must_use]
    pub fn new(players: Arc<dyn Players>, secure: bool) -> Self {
        Self { players, secure }
    }

    /// The player of a request. `None` without a valid token.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn player(&self, headers: &HeaderMap) -> Result<Option<Player>, StoreError> {
        match token_of(headers) {
            Some(token) => self.players.session(hash_token(token)).await,
            None => Ok(None),
        }
    }

    /// Begins a session of a new guest.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn begin(&self, name: PlayerName) -> Result<Session, StoreError> {
        let player = Player { id: PlayerId::from_bits(rand::random()), name };
        let token = random_token();
        self.players.add_guest(player.clone(), hash_token(&token), now_ms()).await?;
        Ok(Session { player: player.id, name: player.name, token })
    }

    /// Begins another session of a known player. `None` when the player is unknown.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn resume(&self, player: PlayerId) -> Result<Option<Session>, StoreError> {
        let Some(player) = self.players.player(player).await? else { return Ok(None) };
        let token = random_token();
        self.players.add_session(player.id, hash_token(&token), now_ms()).await?;
        Ok(Some(Session { player: player.id, name: player.name, token }))
    }

    /// Gives a guest another name.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn rename(&self, player: PlayerId, name: PlayerName) -> Result<(), StoreError> {
        self.players.rename(player, name).await
    }

    /// Ends the session of a request.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn end(&self, headers: &HeaderMap) -> Result<(), StoreError> {
        match token_of(headers) {
            Some(token) => self.players.end_session(hash_token(token)).await,
            None => Ok(()),
        }
    }

    /// The value of `Set-Cookie` for a token; an empty token removes the cookie.
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

    use super::token_of;

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
}
