//! Sessions: guests with a name and a secret token.
//!
//! A request brings its token ([`crate::token`]) as `Authorization: Bearer` or in a cookie ([`cookie`]). What a session
//! gives out, tickets, codes and sockets, ends with it ([`life`]). A session that is not used for 90 days ends.

pub mod cookie;
pub mod life;

mod cache;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use http::HeaderMap;
use shared::id::{PlayerId, PlayerName};

use crate::clock::now_ms;
use crate::cluster::post::{Hint, Post};
use crate::player::Player;
use crate::storage::{Players, StoreError};
use crate::token::{TokenHash, hash_token, random_token};
use cache::SessionCache;
use cookie::{Carrier, Presented, SessionCookie};
use life::{Lives, SessionLife};

const DAY_MS: u64 = 24 * 60 * 60 * 1_000;
/// A session that was not used for this long has ended, in milliseconds: 90 days, and the day to which its use is noted.
const UNUSED_MS_MAX: u64 = 91 * DAY_MS;

/// A request with a valid session.
#[derive(Clone)]
pub struct SignedIn {
    /// Whose session it is.
    pub player: Player,
    /// Of the session's token.
    pub token: TokenHash,
    /// Ends with the session.
    pub life: SessionLife,
    /// How the request brought the token.
    pub by: Carrier,
}

/// A session that has just begun.
#[derive(Debug)]
pub struct NewSession {
    /// Whose it is.
    pub player: Player,
    /// Its token, which the server does not keep.
    pub token: String,
}

/// Begins, finds and ends sessions.
pub struct Sessions {
    players: Arc<dyn Players>,
    /// Every method below that changes a session or a player tells it.
    cache: SessionCache,
    cookie: SessionCookie,
    lives: Lives,
    /// To the nodes that know the same sessions and players.
    post: Arc<dyn Post>,
    /// When unused sessions were last removed.
    swept_at_ms: AtomicU64,
}

/// What a look-up of a token found.
#[derive(Debug)]
pub struct Found {
    /// The player of the session.
    pub player: Player,
    /// Whether this is the first use of the session on this day, or its cookie has its old name: the cookie is then set
    /// again.
    pub renews_cookie: bool,
}

impl Sessions {
    /// Sessions in the store `players`. `secure` limits the cookie to TLS. Removes sessions that nobody uses any more.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn open(
        players: Arc<dyn Players>,
        secure: bool,
        post: Arc<dyn Post>,
    ) -> Result<Self, StoreError> {
        let cookie = SessionCookie::new(&players.identity().await?, secure);
        let (lives, swept_at_ms) = (Lives::default(), AtomicU64::new(0));
        let cache = SessionCache::default();
        let sessions = Self { players, cache, cookie, lives, post, swept_at_ms };
        sessions.remove_unused().await?;
        Ok(sessions)
    }

    /// The cookie of this server.
    #[must_use]
    pub fn cookie(&self) -> &SessionCookie {
        &self.cookie
    }

    /// The session that a token opens. `None` without one.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn find(&self, presented: Presented<'_>) -> Result<Option<Found>, StoreError> {
        let token = hash_token(presented.token);
        let began = match self.cache.find(token) {
            Ok(player) => {
                let renews_cookie = presented.by == Carrier::OldCookie;
                return Ok(Some(Found { player, renews_cookie }));
            }
            Err(began) => began,
        };
        let Some(kept) = self.players.session(token).await? else {
            // It may have ended at another node, of which this one has not heard.
            self.lives.end(token);
            return Ok(None);
        };
        let (now, used) = (now_ms(), kept.used_at_ms);
        if now.saturating_sub(used) >= UNUSED_MS_MAX {
            let ended = self.players.end_session(token).await;
            self.cache.forget_session(token);
            self.lives.end(token);
            return ended.map(|()| None);
        }
        let mut is_first_today = now.saturating_sub(used) >= DAY_MS;
        if is_first_today && let Err(error) = self.players.note_use(token, now).await {
            // Nobody is refused because a use cannot be noted: the next one of the day is.
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "a session's use is not noted"
            );
            is_first_today = false;
        }
        self.cache.put(token, &kept.player, began);
        let renews_cookie = match presented.by {
            Carrier::Bearer => false,
            Carrier::Cookie => is_first_today,
            Carrier::OldCookie => true,
        };
        Ok(Some(Found { player: kept.player, renews_cookie }))
    }

    /// The life of the session that a token opens, to be asked for before the session is looked up.
    #[must_use]
    pub fn life(&self, presented: Presented<'_>) -> SessionLife {
        self.lives.of(hash_token(presented.token))
    }

    /// Begins a session of a new guest.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn begin(&self, name: PlayerName) -> Result<NewSession, StoreError> {
        let player = Player { id: PlayerId::from_bits(rand::random()), name };
        let token = random_token();
        self.players.add_guest(player.clone(), hash_token(&token), now_ms()).await?;
        if let Err(error) = self.remove_unused().await {
            // This is no fault of the new guest. The sweep comes again after a day, or at the next start.
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "unused sessions could not be removed");
        }
        Ok(NewSession { player, token })
    }

    /// Begins another session of a known player. `None` when the player is unknown.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn resume(&self, player: PlayerId) -> Result<Option<NewSession>, StoreError> {
        let Some(player) = self.players.player(player).await? else { return Ok(None) };
        let token = random_token();
        self.players.add_session(player.id, hash_token(&token), now_ms()).await?;
        Ok(Some(NewSession { player, token }))
    }

    /// Gives a guest another name.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn rename(&self, player: PlayerId, name: PlayerName) -> Result<(), StoreError> {
        let renamed = self.players.rename(player, name.clone()).await;
        // A write that failed may have been made all the same.
        self.cache.forget_player(player);
        renamed?;
        self.post.tell(Hint::Renamed { player: Player { id: player, name } });
        Ok(())
    }

    /// Another node has given a player another name. Returns the player under the name that the store has now: of two
    /// hints, the later one may come first.
    pub(crate) async fn renamed_elsewhere(&self, player: Player) -> Player {
        self.cache.forget_player(player.id);
        match self.players.player(player.id).await {
            Ok(kept) => kept.unwrap_or(player),
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "a new name is not looked up");
                player
            }
        }
    }

    /// Ends the session of a request, and with it everything that came from it.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn end(&self, headers: &HeaderMap) -> Result<(), StoreError> {
        let Some(presented) = self.cookie.presented(headers) else { return Ok(()) };
        let token = hash_token(presented.token);
        // The store first: a request that comes between the two finds no session.
        let ended = self.players.end_session(token).await;
        // A write that failed may have been made all the same.
        self.cache.forget_session(token);
        ended?;
        self.lives.end(token);
        self.post.tell(Hint::SessionEnded { token });
        Ok(())
    }

    /// A session has ended at another node.
    pub(crate) fn ended_elsewhere(&self, token: TokenHash) {
        self.cache.forget_session(token);
        self.lives.end(token);
    }

    /// Ends what came from sessions that have ended at other nodes, of which this one was not told.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) async fn end_unheard(&self) -> Result<(), StoreError> {
        let left = self.lives.left();
        if !left.is_empty() {
            let ended = self.players.ended_sessions(left).await?;
            ended.into_iter().for_each(|token| self.ended_elsewhere(token));
        }
        Ok(())
    }

    /// Removes the sessions that were not used for too long, at most once a day.
    async fn remove_unused(&self) -> Result<(), StoreError> {
        let (now, swept) = (now_ms(), self.swept_at_ms.load(Ordering::Relaxed));
        if now < swept + DAY_MS {
            return Ok(());
        }
        self.swept_at_ms.store(now, Ordering::Relaxed);
        self.players.remove_unused_sessions(now.saturating_sub(UNUSED_MS_MAX), now).await
    }
}

#[cfg(test)]
mod tests;
