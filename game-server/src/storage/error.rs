//! The reasons why a query fails.

use futures_util::future::BoxFuture;
use sqlx::migrate::MigrateError;

/// Why the store could not answer.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database refused or cannot be reached.
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
    /// The database's tables could not be brought up to date.
    #[error("the database could not be brought up to date")]
    Migration(#[from] MigrateError),
    /// The database's address names an engine that this build does not know.
    #[error("a database's address begins with sqlite:// or postgres://")]
    UnknownDatabase,
    /// This build does not know a value in the database.
    #[error("the database holds a {what} that cannot be read")]
    Corrupt {
        /// The kind of value, or its column.
        what: &'static str,
    },
}

/// SQLite's primary result codes for a database that another process holds, and a table that another connection holds.
const SQLITE_BUSY: [i32; 2] = [5, 6];
/// PostgreSQL's classes of states for a lock that was not free in time, a query that took too long, two transactions that
/// waited for each other, and a server that lacks memory or connections, or stops.
const POSTGRES_BUSY: [&str; 5] = ["55P03", "57", "40", "532", "533"];

/// Whether a database is there and just cannot be used now.
fn is_busy(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(error) => error.code().is_some_and(|code| {
            // SQLite's extended codes have the primary one in the lowest byte; PostgreSQL's have five letters.
            let primary =
                code.parse::<i32>().ok().filter(|_| code.len() != 5).map(|code| code & 0xff);
            primary.is_some_and(|code| SQLITE_BUSY.contains(&code))
                || POSTGRES_BUSY.iter().any(|class| code.len() == 5 && code.starts_with(class))
        }),
        // A proxy that finds no server behind it ends the connection during the handshake, which is a fault of the protocol.
        error => matches!(
            error,
            sqlx::Error::Io(_)
                | sqlx::Error::Protocol(_)
                | sqlx::Error::PoolTimedOut
                | sqlx::Error::PoolClosed
        ),
    }
}

/// The answer to a query.
pub type StoreFuture<'a, T> = BoxFuture<'a, Result<T, StoreError>>;

impl StoreError {
    /// Whether a row with the same key is there already.
    #[must_use]
    pub fn is_duplicate(&self) -> bool {
        matches!(self, Self::Database(sqlx::Error::Database(error)) if error.is_unique_violation())
    }

    /// Whether the disk of the database is full.
    #[must_use]
    pub fn is_disk_full(&self) -> bool {
        // SQLITE_FULL, and PostgreSQL's disk_full.
        matches!(self, Self::Database(sqlx::Error::Database(error))
            if matches!(error.code().as_deref(), Some("13" | "53100")))
    }

    /// Whether the database is there and just cannot be used now: another process holds it, all connections are in use,
    /// or it cannot be reached.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        match self {
            Self::Database(error)
            | Self::Migration(
                MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _),
            ) => is_busy(error),
            Self::Migration(_) | Self::UnknownDatabase | Self::Corrupt { .. } => false,
        }
    }

    /// Whether the same query can succeed later: the disk was full, another writer took too long, two transactions
    /// waited for each other, or the connection broke.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Database(sqlx::Error::Database(error)) => {
                matches!(error.kind(), sqlx::error::ErrorKind::Other)
            }
            Self::Database(error) => matches!(
                error,
                sqlx::Error::Io(_)
                    | sqlx::Error::Tls(_)
                    | sqlx::Error::Protocol(_)
                    | sqlx::Error::PoolTimedOut
                    | sqlx::Error::WorkerCrashed
                    | sqlx::Error::BeginFailed
            ),
            Self::Migration(_) | Self::UnknownDatabase | Self::Corrupt { .. } => false,
        }
    }
}
