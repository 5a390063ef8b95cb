//! The players of the sessions that were used last, so that a request with a session asks the store about once in
//! [`TRUSTED_FOR`].
//!
//! Every change of a session or of its player's name goes through [`super::Sessions`], which forgets here what it has
//! changed, before it answers; a change at another node is forgotten when that one tells of it. What a lookup read before such a change is not put in after it.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use shared::id::PlayerId;

use crate::player::Player;
use crate::sync::lock;
use crate::token::TokenHash;

/// How long an entry is used. A change by another server of the same database shows after it at the latest.
const TRUSTED_FOR: Duration = Duration::from_secs(10);
/// Sessions that are remembered. When there are more, those that have run out are forgotten, or else all.
const ENTRIES_MAX: usize = 4_096;

/// The sessions that were used last.
#[derive(Debug, Default)]
pub(super) struct SessionCache {
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    players: HashMap<TokenHash, Entry>,
    /// Changes of sessions and players so far.
    changes: u64,
}

#[derive(Debug)]
struct Entry {
    player: Player,
    until: Instant,
}

/// The moment at which a lookup began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LookupBegan(u64);

impl SessionCache {
    /// The player of a session, if it is remembered; or the moment, to put in what the store says.
    pub(super) fn find(&self, token: TokenHash) -> Result<Player, LookupBegan> {
        let table = lock(&self.table);
        let entry = table.players.get(&token).filter(|entry| Instant::now() < entry.until);
        entry.map(|entry| entry.player.clone()).ok_or(LookupBegan(table.changes))
    }

    /// Remembers what the store said, unless something has changed since the lookup began.
    pub(super) fn put(&self, token: TokenHash, player: &Player, began: LookupBegan) {
        let mut table = lock(&self.table);
        if LookupBegan(table.changes) != began {
            return;
        }
        let now = Instant::now();
        if table.players.len() >= ENTRIES_MAX {
            table.players.retain(|_, entry| now < entry.until);
        }
        if table.players.len() >= ENTRIES_MAX {
            table.players.clear();
        }
        table.players.insert(token, Entry { player: player.clone(), until: now + TRUSTED_FOR });
    }

    /// A session has ended, or may have.
    pub(super) fn forget_session(&self, token: TokenHash) {
        let mut table = lock(&self.table);
        table.changes += 1;
        table.players.remove(&token);
    }

    /// A player has changed, or may have.
    pub(super) fn forget_player(&self, player: PlayerId) {
        let mut table = lock(&self.table);
        table.changes += 1;
        table.players.retain(|_, entry| entry.player.id != player);
    }
}

#[cfg(test)]
mod tests {
    use shared::id::{PlayerId, PlayerName};

    use super::{ENTRIES_MAX, SessionCache};
    use crate::player::Player;
    use crate::token::{TokenHash, hash_token};

    fn ada() -> Player {
        Player { id: PlayerId::from_bits(1), name: PlayerName::parse("Ada").unwrap() }
    }

    fn put(cache: &SessionCache, token: TokenHash) {
        let began = cache.find(token).unwrap_err();
        cache.put(token, &ada(), began);
    }

    #[test]
    fn what_changed_is_forgotten_at_once() {
        let cache = SessionCache::default();
        let (here, there) = (hash_token("here"), hash_token("there"));
        put(&cache, here);
        put(&cache, there);
        assert_eq!((cache.find(here), cache.find(there)), (Ok(ada()), Ok(ada())));

        cache.forget_session(here);
        assert!(cache.find(here).is_err() && cache.find(there).is_ok());
        put(&cache, here);
        cache.forget_player(ada().id);
        assert!(cache.find(here).is_err() && cache.find(there).is_err());
    }

    #[test]
    fn what_was_read_before_a_change_is_not_put_in_after_it() {
        let cache = SessionCache::default();
        let token = hash_token("here");
        let began = cache.find(token).unwrap_err();

        cache.forget_player(ada().id);
        cache.put(token, &ada(), began);

        assert!(cache.find(token).is_err());
    }

    #[test]
    fn it_is_bounded() {
        let cache = SessionCache::default();
        for number in 0..=ENTRIES_MAX {
            put(&cache, hash_token(&number.to_string()));
        }

        assert!(cache.table.lock().unwrap().players.len() <= ENTRIES_MAX);
    }
}
