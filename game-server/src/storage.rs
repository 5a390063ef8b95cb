//! The data that outlives the process: players, sessions, ratings, rounds, chat, and the replay files.
//!
//! Each part of the server takes what it needs: [`Players`], [`DeviceLinkCodes`], [`Ladder`], [`Rounds`], [`ChatLog`], or
//! [`blobs::Blobs`] for files. [`SqlStore`] implements all but the last with one text of SQL for SQLite and PostgreSQL. One transaction
//! reads, rates and writes all that a round changes. [`upkeep`] keeps SQLite's log short.

pub mod blobs;
mod chat;
mod device_links;
mod error;
mod ladder;
mod players;
mod replays;
mod rounds;
mod settling;
mod sql;
#[cfg(test)]
pub(crate) mod testing;
pub mod upkeep;
mod url;
pub mod watch;

pub use chat::{ChatLog, LogPart, Readable, TeamLines};
pub use device_links::{DeviceLinkCodes, KeptCode};
pub use error::{StoreError, StoreFuture};
pub use ladder::Ladder;
pub use players::{KeptSession, Players};
pub use replays::ReplayFilter;
pub use rounds::Rounds;
pub use settling::{RoundRecord, SettledPlace};
pub use sql::SqlStore;
pub use url::DatabaseUrl;

use error::in_time;
use futures_util::future::BoxFuture;

/// Everything in the database. Coerces to each of its parts.
pub trait Store: Players + DeviceLinkCodes + Ladder + Rounds + ChatLog {
    /// Finishes the queries that run and closes the connections. A query that waits for another process can take
    /// seconds: what is written counts, and a caller that has no time may drop the future.
    fn close(&self) -> BoxFuture<'_, ()>;
    /// Succeeds when the database answers.
    fn ping(&self) -> StoreFuture<'_, ()>;
    /// Empties the log in which a database keeps what is new, as far as its readers allow. Waits for nobody. Returns
    /// how many pages it still has.
    fn empty_log(&self) -> StoreFuture<'_, u64>;
}

impl Store for SqlStore {
    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.close_all())
    }

    fn ping(&self) -> StoreFuture<'_, ()> {
        in_time(async move {
            sqlx::query("SELECT 1").execute(&self.reads).await?;
            Ok(())
        })
    }

    fn empty_log(&self) -> StoreFuture<'_, u64> {
        Box::pin(Self::empty_log(self))
    }
}
