//! The life of a session: each ticket, device-link code and socket that came from it sees when it ends.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Weak};

use tokio::sync::Notify;

use crate::sync::lock;
use crate::token::TokenHash;

/// Lives that are remembered before those of which nothing is left are looked for.
const SWEEP_FROM: usize = 1_024;

/// A session, as what came from it knows it. Cheap to clone.
#[derive(Clone, Default)]
pub struct SessionLife(Arc<Life>);

#[derive(Default)]
struct Life {
    has_ended: AtomicBool,
    end: Notify,
}

impl SessionLife {
    /// Whether the session has ended.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.0.has_ended.load(Ordering::Acquire)
    }

    /// Waits for the end of the session. Cancel-safe.
    pub async fn ended(&self) {
        let mut end = std::pin::pin!(self.0.end.notified());
        // Registered before the look, so that an end between the two is not missed.
        end.as_mut().enable();
        if !self.has_ended() {
            end.await;
        }
    }

    fn finish(&self) {
        self.0.has_ended.store(true, Ordering::Release);
        self.0.end.notify_waiters();
    }
}

/// The sessions from which something is left. Bounded by what is left: tickets, codes and sockets, each with its limit.
#[derive(Default)]
pub(crate) struct Lives {
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    lives: HashMap<TokenHash, Weak<Life>>,
    sweep_at: usize,
}

impl Lives {
    /// The life of a session. Asked for before the session is looked up, so that an end after the look-up is seen.
    pub(crate) fn of(&self, token: TokenHash) -> SessionLife {
        let mut table = lock(&self.table);
        if let Some(life) = table.lives.get(&token).and_then(Weak::upgrade) {
            return SessionLife(life);
        }
        if table.lives.len() >= table.sweep_at.max(SWEEP_FROM) {
            table.lives.retain(|_, life| life.strong_count() > 0);
            table.sweep_at = 2 * table.lives.len();
        }
        let life = SessionLife::default();
        table.lives.insert(token, Arc::downgrade(&life.0));
        life
    }

    /// The sessions from which something is left.
    pub(crate) fn left(&self) -> Vec<TokenHash> {
        let table = lock(&self.table);
        let left = table.lives.iter().filter(|(_, life)| life.strong_count() > 0);
        left.map(|(token, _)| *token).collect()
    }

    /// Ends a session for everything that came from it. The store has forgotten it already.
    pub(crate) fn end(&self, token: TokenHash) {
        let life = lock(&self.table).lives.remove(&token);
        if let Some(life) = life.and_then(|life| life.upgrade()) {
            SessionLife(life).finish();
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::{Lives, SWEEP_FROM};
    use crate::token::hash_token;

    #[tokio::test]
    async fn what_came_from_a_session_sees_its_end_and_another_session_goes_on() {
        let lives = Lives::default();
        let (ada, same, bob) =
            (lives.of(hash_token("a")), lives.of(hash_token("a")), lives.of(hash_token("b")));
        assert_eq!(ada.ended().now_or_never(), None);

        lives.end(hash_token("a"));

        assert!(ada.has_ended() && same.has_ended() && !bob.has_ended());
        assert_eq!(same.ended().now_or_never(), Some(()));
        assert!(!lives.of(hash_token("a")).has_ended(), "a later session is another one");
    }

    #[test]
    fn sessions_of_which_nothing_is_left_are_forgotten() {
        let lives = Lives::default();
        let kept = lives.of(hash_token("kept"));

        (0..10 * SWEEP_FROM).for_each(|number| drop(lives.of(hash_token(&number.to_string()))));

        assert!(lives.table.lock().unwrap().lives.len() <= SWEEP_FROM);
        lives.end(hash_token("kept"));
        assert!(kept.has_ended());
    }
}
