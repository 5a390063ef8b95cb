//! Guests, bots and sessions in the database.

use std::collections::HashSet;

use shared::id::{PlayerId, PlayerName};
use sqlx::any::AnyArguments;
use sqlx::query::Query;
use sqlx::{Any, AssertSqlSafe};

use super::error::{StoreFuture, in_time};
use super::sql::{Columns as _, SqlStore, column};
use crate::clock::now_ms;
use crate::player::{Player, Skill};
use crate::token::TokenHash;

/// Sessions that one statement asks for.
const TOKENS_AT_ONCE: usize = 100;

/// A session as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptSession {
    /// Whose it is.
    pub player: Player,
    /// When its use was last noted, in milliseconds since 1970.
    pub used_at_ms: u64,
}

/// Guests, bots and sessions.
pub trait Players: Send + Sync {
    /// Adds a guest with a first session.
    fn add_guest(&self, player: Player, token: TokenHash, at_ms: u64) -> StoreFuture<'_, ()>;
    /// Adds another session of a known player, such as one for a second program.
    fn add_session(&self, player: PlayerId, token: TokenHash, at_ms: u64) -> StoreFuture<'_, ()>;
    /// Changes a player's name.
    fn rename(&self, player: PlayerId, name: PlayerName) -> StoreFuture<'_, ()>;
    /// A session, or `None` when there is none with this token.
    fn session(&self, token: TokenHash) -> StoreFuture<'_, Option<KeptSession>>;
    /// Those of these sessions that there are not, or not any more.
    fn ended_sessions(&self, tokens: Vec<TokenHash>) -> StoreFuture<'_, Vec<TokenHash>>;
    /// Notes that a session is used.
    fn note_use(&self, token: TokenHash, at_ms: u64) -> StoreFuture<'_, ()>;
    /// Removes the sessions whose use was last noted before that time. Those whose use was never noted count as used now.
    fn remove_unused_sessions(&self, before_ms: u64, now_ms: u64) -> StoreFuture<'_, ()>;
    /// The identity of this server: a few letters, which stay the same for as long as the database does.
    fn identity(&self) -> StoreFuture<'_, String>;
    /// Ends a session. Succeeds when there is no such session.
    fn end_session(&self, token: TokenHash) -> StoreFuture<'_, ()>;
    /// Adds bots, or renames the known ones.
    fn upsert_bots(&self, bots: Vec<Player>) -> StoreFuture<'_, ()>;
    /// A player, or `None` when the id is unknown.
    fn player(&self, player: PlayerId) -> StoreFuture<'_, Option<Player>>;
}

impl Players for SqlStore {
    fn add_guest(&self, player: Player, token: TokenHash, at_ms: u64) -> StoreFuture<'_, ()> {
        in_time(async move {
            let mut transaction = self.writes.begin().await?;
            sqlx::query(
                "INSERT INTO players (id, name, bot, created_at_ms, rating) VALUES ($1, $2, 0, $3, $4)",
            )
            .bind(column(player.id.bits()))
            .bind(player.name.as_str())
            .bind(column(at_ms))
            .bind(i64::from(Skill::NEWCOMER.shown()))
            .execute(&mut *transaction)
            .await?;
            new_session(player.id, token, at_ms).execute(&mut *transaction).await?;
            Ok(transaction.commit().await?)
        })
    }

    fn add_session(&self, player: PlayerId, token: TokenHash, at_ms: u64) -> StoreFuture<'_, ()> {
        in_time(async move {
            new_session(player, token, at_ms).execute(&self.writes).await?;
            Ok(())
        })
    }

    fn rename(&self, player: PlayerId, name: PlayerName) -> StoreFuture<'_, ()> {
        in_time(async move {
            sqlx::query("UPDATE players SET name = $1 WHERE id = $2")
                .bind(name.as_str())
                .bind(column(player.bits()))
                .execute(&self.writes)
                .await?;
            Ok(())
        })
    }

    fn session(&self, token: TokenHash) -> StoreFuture<'_, Option<KeptSession>> {
        in_time(async move {
            let row = sqlx::query(
                "SELECT p.id, p.name, s.used_at_ms FROM sessions s JOIN players p ON p.id = s.player \
                 WHERE s.token_hash = $1",
            )
            .bind(token.to_string())
            .fetch_optional(&self.reads)
            .await?;
            row.map(|row| {
                let player = Player { id: row.player("id")?, name: row.name("name")? };
                Ok(KeptSession { player, used_at_ms: row.count("used_at_ms")? })
            })
            .transpose()
        })
    }

    fn ended_sessions(&self, tokens: Vec<TokenHash>) -> StoreFuture<'_, Vec<TokenHash>> {
        Box::pin(async move {
            let marks: Vec<_> = (1..=TOKENS_AT_ONCE).map(|number| format!("${number}")).collect();
            let marks = marks.join(", ");
            let sql = format!("SELECT token_hash FROM sessions WHERE token_hash IN ({marks})");
            let mut kept = HashSet::new();
            for tokens in tokens.chunks(TOKENS_AT_ONCE) {
                // Repeated until it is full, so that it is one statement for any number.
                let tokens = tokens.iter().cycle().take(TOKENS_AT_ONCE);
                let query = sqlx::query(AssertSqlSafe(sql.clone()));
                let query = tokens.fold(query, |query, token| query.bind(token.to_string()));
                for row in query.fetch_all(&self.reads).await? {
                    kept.insert(row.text("token_hash")?);
                }
            }
            Ok(tokens.into_iter().filter(|token| !kept.contains(&token.to_string())).collect())
        })
    }

    fn note_use(&self, token: TokenHash, at_ms: u64) -> StoreFuture<'_, ()> {
        in_time(async move {
            sqlx::query("UPDATE sessions SET used_at_ms = $1 WHERE token_hash = $2")
                .bind(column(at_ms))
                .bind(token.to_string())
                .execute(&self.writes)
                .await?;
            Ok(())
        })
    }

    fn remove_unused_sessions(&self, before_ms: u64, now_ms: u64) -> StoreFuture<'_, ()> {
        in_time(async move {
            sqlx::query("UPDATE sessions SET used_at_ms = $1 WHERE used_at_ms = 0")
                .bind(column(now_ms))
                .execute(&self.writes)
                .await?;
            sqlx::query("DELETE FROM sessions WHERE used_at_ms < $1")
                .bind(column(before_ms))
                .execute(&self.writes)
                .await?;
            Ok(())
        })
    }

    fn identity(&self) -> StoreFuture<'_, String> {
        in_time(async move {
            // Servers that share a database share the identity, whichever of them is the first.
            sqlx::query(
                "INSERT INTO server (name, value) VALUES ('identity', $1) ON CONFLICT (name) DO NOTHING",
            )
            .bind(format!("{:08x}", rand::random::<u32>()))
            .execute(&self.writes)
            .await?;
            let row = sqlx::query("SELECT value FROM server WHERE name = 'identity'")
                .fetch_one(&self.reads)
                .await?;
            row.text("value")
        })
    }

    fn end_session(&self, token: TokenHash) -> StoreFuture<'_, ()> {
        in_time(async move {
            sqlx::query("DELETE FROM sessions WHERE token_hash = $1")
                .bind(token.to_string())
                .execute(&self.writes)
                .await?;
            Ok(())
        })
    }

    fn upsert_bots(&self, mut bots: Vec<Player>) -> StoreFuture<'_, ()> {
        // In the order of ids, in which a round's end locks players too: two transactions never wait for each other.
        bots.sort_by_key(|bot| bot.id);
        in_time(async move {
            let mut transaction = self.writes.begin().await?;
            for bot in bots {
                sqlx::query(
                    "INSERT INTO players (id, name, bot, created_at_ms, rating) \
                     VALUES ($1, $2, 1, $3, $4) ON CONFLICT (id) DO UPDATE SET name = excluded.name",
                )
                .bind(column(bot.id.bits()))
                .bind(bot.name.as_str())
                .bind(column(now_ms()))
                .bind(i64::from(Skill::NEWCOMER.shown()))
                .execute(&mut *transaction)
                .await?;
            }
            Ok(transaction.commit().await?)
        })
    }

    fn player(&self, player: PlayerId) -> StoreFuture<'_, Option<Player>> {
        in_time(async move {
            let row = sqlx::query("SELECT id, name FROM players WHERE id = $1")
                .bind(column(player.bits()))
                .fetch_optional(&self.reads)
                .await?;
            row.map(|row| Ok(Player { id: row.player("id")?, name: row.name("name")? })).transpose()
        })
    }
}

fn new_session<'q>(player: PlayerId, token: TokenHash, at_ms: u64) -> Query<'q, Any, AnyArguments> {
    sqlx::query("INSERT INTO sessions (token_hash, player, created_at_ms, used_at_ms) VALUES ($1, $2, $3, $3)")
        .bind(token.to_string())
        .bind(column(player.bits()))
        .bind(column(at_ms))
}

#[cfg(test)]
mod tests {
    use shared::id::{PlayerId, PlayerName};

    use crate::player::Player;
    use crate::storage::testing::{guest, on_both_engines};
    use crate::storage::{Players as _, SqlStore};
    use crate::token::hash_token;

    on_both_engines!(
        a_session_leads_to_its_player_until_it_ends,
        the_sessions_that_have_ended_are_found_among_many,
        bots_keep_their_ids_and_get_new_names,
    );

    async fn a_session_leads_to_its_player_until_it_ends(store: &SqlStore) {
        let ada = guest(store, 1, "Ada").await;

        let player = async |token| {
            let kept = store.session(hash_token(token)).await.unwrap();
            kept.map(|kept| kept.player)
        };
        assert_eq!(player("Ada").await, Some(ada.clone()));
        assert_eq!(player("ada").await, None);

        store.rename(ada.id, PlayerName::parse("Ada L").unwrap()).await.unwrap();
        let renamed = player("Ada").await.unwrap();
        assert_eq!(renamed.name.as_str(), "Ada L");

        store.add_session(ada.id, hash_token("elsewhere"), 2).await.unwrap();
        assert_eq!(player("elsewhere").await, Some(renamed.clone()));

        store.end_session(hash_token("Ada")).await.unwrap();
        assert_eq!(player("Ada").await, None);
        assert_eq!(player("elsewhere").await, Some(renamed.clone()));
        assert_eq!(store.player(ada.id).await.unwrap(), Some(renamed));
    }

    async fn the_sessions_that_have_ended_are_found_among_many(store: &SqlStore) {
        let ada = guest(store, 1, "Ada").await;
        let tokens: Vec<_> = (0..250).map(|number| hash_token(&number.to_string())).collect();
        for token in &tokens {
            store.add_session(ada.id, *token, 1).await.unwrap();
        }
        assert_eq!(store.ended_sessions(Vec::new()).await.unwrap(), []);
        assert_eq!(store.ended_sessions(tokens.clone()).await.unwrap(), []);

        let ended = [tokens[0], tokens[100], tokens[249]];
        for token in ended {
            store.end_session(token).await.unwrap();
        }

        assert_eq!(store.ended_sessions(tokens).await.unwrap(), ended);
    }

    async fn bots_keep_their_ids_and_get_new_names(store: &SqlStore) {
        let bot = |id, name: &str| Player {
            id: PlayerId::from_bits(id),
            name: PlayerName::parse(name).unwrap(),
        };
        store.upsert_bots(vec![bot(8, "Rivet"), bot(7, "Bolt")]).await.unwrap();

        store.upsert_bots(vec![bot(8, "Rivet"), bot(7, "Screw")]).await.unwrap();

        let renamed = store.player(PlayerId::from_bits(7)).await.unwrap();
        assert_eq!(renamed, Some(bot(7, "Screw")));
    }
}
