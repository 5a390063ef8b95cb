//! The data that outlives the process: players, sessions, ratings, rounds, chat, and the replay files.
//!
//! Each part of the server takes the trait it needs: [`Players`], [`Ladder`], [`Rounds`], [`ChatLog`], or [`blobs::Blobs`]
//! for files. [`SqlStore`] implements the first four with one text of SQL for SQLite and PostgreSQL. One transaction
//! writes all that a round changes.

pub mod blobs;
mod chat;
mod error;
mod ladder;
mod players;
mod replays;
mod rounds;
mod sql;
#[cfg(test)]
pub(crate) mod testing;
mod url;

pub use chat::{ChatLog, Readable, TeamLines};
pub use error::{StoreError, StoreFuture};
pub use ladder::Ladder;
pub use players::{KeptSession, Players};
pub use replays::ReplayFilter;
pub use rounds::{PlaceRecord, RoundRecord, Rounds};
pub use sql::SqlStore;
pub use url::DatabaseUrl;

use futures_util::future::BoxFuture;

/// Everything in the database. Coerces to each of its parts.
pub trait Store: Players + Ladder + Rounds + ChatLog {
    /// Finishes the queries that run and closes the connections.
    fn close(&self) -> BoxFuture<'_, ()>;
    /// Succeeds when the database answers.
    fn ping(&self) -> StoreFuture<'_, ()>;
}

impl Store for SqlStore {
    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            self.results.close().await;
            self.pool.close().await;
        })
    }

    fn ping(&self) -> StoreFuture<'_, ()> {
        Box::pin(async move {
            sqlx::query("SELECT 1").execute(&self.pool).await?;
            Ok(())
        })
    }
}
