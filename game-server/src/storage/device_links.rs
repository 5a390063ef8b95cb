//! Device-link codes in the database: a code works on whichever server of the database it is redeemed.

use shared::id::PlayerId;

use super::error::{StoreFuture, in_time};
use super::sql::{Columns as _, SqlStore, column};
use crate::token::TokenHash;

/// A device-link code as it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeptCode {
    /// Of the code.
    pub hash: TokenHash,
    /// As whom it signs in.
    pub player: PlayerId,
    /// The session that asked for it: the code ends with it.
    pub session: TokenHash,
    /// In milliseconds since 1970.
    pub expires_at_ms: u64,
}

/// Codes that are issued and not used.
pub trait DeviceLinkCodes: Send + Sync {
    /// Adds a code, and removes those that have expired by `now_ms`.
    fn add_code(&self, code: KeptCode, now_ms: u64) -> StoreFuture<'_, ()>;
    /// Uses a code up. Returns its player; `None` when there is no such code, it has expired, or its session has ended.
    fn use_code(&self, code: TokenHash, now_ms: u64) -> StoreFuture<'_, Option<PlayerId>>;
}

impl DeviceLinkCodes for SqlStore {
    fn add_code(&self, code: KeptCode, now_ms: u64) -> StoreFuture<'_, ()> {
        in_time(async move {
            let mut transaction = self.writes.begin().await?;
            sqlx::query("DELETE FROM device_links WHERE expires_at_ms <= $1")
                .bind(column(now_ms))
                .execute(&mut *transaction)
                .await?;
            sqlx::query(
                "INSERT INTO device_links (code_hash, player, session, expires_at_ms) \
                 VALUES ($1, $2, $3, $4)",
            )
            .bind(code.hash.to_string())
            .bind(column(code.player.bits()))
            .bind(code.session.to_string())
            .bind(column(code.expires_at_ms))
            .execute(&mut *transaction)
            .await?;
            Ok(transaction.commit().await?)
        })
    }

    fn use_code(&self, code: TokenHash, now_ms: u64) -> StoreFuture<'_, Option<PlayerId>> {
        in_time(async move {
            // One statement, so that of two programs with one code only one gets the player.
            let used = sqlx::query(
                "DELETE FROM device_links WHERE code_hash = $1 RETURNING player, expires_at_ms, \
                 (SELECT COUNT(*) FROM sessions WHERE token_hash = device_links.session) AS sessions",
            )
            .bind(code.to_string())
            .fetch_all(&self.writes)
            .await?;
            let Some(row) = used.into_iter().next() else { return Ok(None) };
            let expires_at_ms: u64 = row.count("expires_at_ms")?;
            let is_valid = now_ms < expires_at_ms && row.flag("sessions")?;
            Ok(if is_valid { Some(row.player("player")?) } else { None })
        })
    }
}

#[cfg(test)]
mod tests {
    use shared::id::PlayerId;

    use super::{DeviceLinkCodes as _, KeptCode};
    use crate::storage::testing::{guest, on_both_engines};
    use crate::storage::{Players as _, SqlStore};
    use crate::token::hash_token;

    on_both_engines!(
        a_code_works_once_until_it_expires,
        a_code_ends_with_the_session_that_asked_for_it,
        expired_codes_are_removed,
    );

    /// A code of Ada's, who has the session "Ada".
    fn code(text: &str) -> KeptCode {
        let (hash, session) = (hash_token(text), hash_token("Ada"));
        KeptCode { hash, player: PlayerId::from_bits(1), session, expires_at_ms: 100 }
    }

    async fn a_code_works_once_until_it_expires(store: &SqlStore) {
        let ada = guest(store, 1, "Ada").await;
        store.add_code(code("a"), 40).await.unwrap();
        store.add_code(code("b"), 40).await.unwrap();

        assert_eq!(store.use_code(hash_token("another"), 50).await.unwrap(), None);
        assert_eq!(store.use_code(hash_token("a"), 99).await.unwrap(), Some(ada.id));
        assert_eq!(store.use_code(hash_token("a"), 99).await.unwrap(), None);
        assert_eq!(store.use_code(hash_token("b"), 100).await.unwrap(), None, "expired");
    }

    async fn a_code_ends_with_the_session_that_asked_for_it(store: &SqlStore) {
        guest(store, 1, "Ada").await;
        store.add_code(code("a"), 40).await.unwrap();

        store.end_session(hash_token("Ada")).await.unwrap();

        assert_eq!(store.use_code(hash_token("a"), 50).await.unwrap(), None);
    }

    async fn expired_codes_are_removed(store: &SqlStore) {
        guest(store, 1, "Ada").await;
        store.add_code(code("a"), 40).await.unwrap();
        store.add_code(KeptCode { expires_at_ms: 300, ..code("b") }, 100).await.unwrap();

        let left = sqlx::query("SELECT code_hash FROM device_links").fetch_all(&store.reads).await;
        assert_eq!(left.unwrap().len(), 1);
    }
}
