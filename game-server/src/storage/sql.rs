//! The store in a database: connections, migrations, and the columns that hold each type.
//!
//! SQLite and PostgreSQL run the same SQL: placeholders `$1`, `BIGINT` for ids, times, counts and booleans, `ON CONFLICT`
//! for upserts. Nothing depends on an isolation above *read committed*. A query names its columns, so that a newer build
//! may add some.

use std::time::Duration;

use shared::id::{PlayerId, PlayerName, ReplayId, RoomId};
use shared::sim::Mode;
use sqlx::any::{AnyPoolOptions, AnyRow};
use sqlx::{AnyPool, Row as _};

use super::error::StoreError;
use super::url::{DatabaseUrl, Engine};

/// Connections to the database, beside the one for results. SQLite has one writer at a time.
const CONNECTIONS_MAX: u32 = 4;
/// How long a query waits for a connection.
const ACQUIRE_WITHIN: Duration = Duration::from_secs(5);
/// For each connection to SQLite: readers do not wait for the writer; a committed transaction survives the end of the
/// process; a writer waits up to 5 s for another; and the page cache holds 256 KiB, an eighth of the default, because the
/// system caches the same pages.
const SQLITE_SETTINGS: [&str; 5] = [
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = NORMAL",
    "PRAGMA busy_timeout = 5000",
    "PRAGMA foreign_keys = ON",
    "PRAGMA cache_size = -256",
];

/// A database in SQLite or PostgreSQL.
pub struct SqlStore {
    pub(super) pool: AnyPool,
    /// One connection, for results, the ratings that they start from, and replays' entries alone: the end of a round never
    /// waits for readers.
    pub(super) results: AnyPool,
}

impl SqlStore {
    /// Connects and brings the tables up to date. Servers that start at the same time do so one after the other
    /// (PostgreSQL) or have a file each (SQLite).
    ///
    /// # Errors
    /// When the address or its engine is not known, the database cannot be reached, or a newer build has changed its tables.
    pub async fn open(url: &DatabaseUrl) -> Result<Self, StoreError> {
        // Does nothing the second time.
        sqlx::any::install_default_drivers();
        let pool = connect(url, CONNECTIONS_MAX).await?;
        sqlx::migrate!().run(&pool).await?;
        let results = connect(url, 1).await?;
        Ok(Self { pool, results })
    }
}

async fn connect(url: &DatabaseUrl, connections_max: u32) -> Result<AnyPool, StoreError> {
    let settings: &[&'static str] = match url.engine().ok_or(StoreError::UnknownDatabase)? {
        Engine::Sqlite => &SQLITE_SETTINGS,
        Engine::Postgres => &[],
    };
    let pool = AnyPoolOptions::new()
        .max_connections(connections_max)
        .acquire_timeout(ACQUIRE_WITHIN)
        .after_connect(move |connection, _| {
            Box::pin(async move {
                for setting in settings {
                    sqlx::query(*setting).execute(&mut *connection).await?;
                }
                Ok(())
            })
        })
        .connect(url.expose())
        .await?;
    Ok(pool)
}

/// An id, a time or a count as a column holds it. Each of them is less than 2⁶³.
pub(super) const fn column(number: u64) -> i64 {
    number.cast_signed()
}

/// A mode as a column holds it.
pub(super) fn mode_column(mode: Mode) -> String {
    match serde_json::to_value(mode) {
        Ok(serde_json::Value::String(word)) => word,
        Ok(_) | Err(_) => unreachable!("a mode is written as a word"),
    }
}

/// Columns, decoded to the types of the server.
pub(super) trait Columns {
    fn number(&self, column: &str) -> Result<i64, StoreError>;
    fn number_or_none(&self, column: &str) -> Result<Option<i64>, StoreError>;
    fn text(&self, column: &str) -> Result<String, StoreError>;

    fn count<T: TryFrom<i64>>(&self, column: &'static str) -> Result<T, StoreError> {
        self.number(column)?.try_into().or(Err(StoreError::Corrupt { what: column }))
    }

    fn flag(&self, column: &str) -> Result<bool, StoreError> {
        Ok(self.number(column)? != 0)
    }

    fn player(&self, column: &str) -> Result<PlayerId, StoreError> {
        Ok(PlayerId::from_bits(self.number(column)?.cast_unsigned()))
    }

    fn room(&self, column: &str) -> Result<RoomId, StoreError> {
        Ok(RoomId::from_bits(self.number(column)?.cast_unsigned()))
    }

    fn replay(&self, column: &str) -> Result<ReplayId, StoreError> {
        Ok(ReplayId::from_bits(self.number(column)?.cast_unsigned()))
    }

    fn team(&self, column: &'static str) -> Result<Option<u8>, StoreError> {
        let team = self.number_or_none(column)?;
        team.map(|team| team.try_into().or(Err(StoreError::Corrupt { what: column }))).transpose()
    }

    fn name(&self, column: &str) -> Result<PlayerName, StoreError> {
        PlayerName::parse(&self.text(column)?).or(Err(StoreError::Corrupt { what: "name" }))
    }

    fn mode(&self, column: &str) -> Result<Mode, StoreError> {
        serde_json::from_value(self.text(column)?.into())
            .or(Err(StoreError::Corrupt { what: "mode" }))
    }
}

impl Columns for AnyRow {
    fn number(&self, column: &str) -> Result<i64, StoreError> {
        Ok(self.try_get(column)?)
    }

    fn number_or_none(&self, column: &str) -> Result<Option<i64>, StoreError> {
        Ok(self.try_get(column)?)
    }

    fn text(&self, column: &str) -> Result<String, StoreError> {
        Ok(self.try_get(column)?)
    }
}
