//! The store in a database: connections, migrations, and the columns that hold each type.
//!
//! SQLite and PostgreSQL run the same SQL: placeholders `$1`, `BIGINT` for ids, times, counts and booleans, `ON CONFLICT`
//! for upserts. Nothing depends on an isolation above *read committed*. A query names its columns, so that a newer build
//! may add some.

use std::time::{Duration, Instant};

use shared::id::{PlayerId, PlayerName, ReplayId, RoomId};
use shared::sim::Mode;
use sqlx::any::{AnyPoolOptions, AnyRow};
use sqlx::migrate::Migrator;
use sqlx::{AnyPool, Connection as _, Row as _};
use tokio::time::{sleep, timeout};

use super::error::StoreError;
use super::url::{DatabaseUrl, Engine};

/// Connections for questions that one row answers, and for the newest lines of a chat channel. Every request with a session
/// may ask one.
const READS_MAX: u32 = 4;
/// Connections for pages of lists, which take longer. In SQLite each is a thread: one leaves a core to everything else.
const LISTS_MAX_SQLITE: u32 = 1;
const LISTS_MAX_POSTGRES: u32 = 3;
/// Connections that write. SQLite has one writer at a time.
const WRITES_MAX_SQLITE: u32 = 1;
const WRITES_MAX_POSTGRES: u32 = 4;
/// How long a query waits for a connection. A writer then waits as long again for the database.
const ACQUIRE_WITHIN: Duration = Duration::from_secs(2);
/// The pause before a database that could not be opened is tried again.
const OPEN_AGAIN_AFTER: Duration = Duration::from_millis(500);
/// For each connection to SQLite: readers do not wait for the writer; a committed transaction survives the end of the
/// process; a writer waits up to 2 s for another process; the page cache holds 256 KiB, an eighth of the default, because
/// the system caches the same pages; and the file of the log is cut to 4 MiB whenever the log begins anew.
const SQLITE_SETTINGS: [&str; 6] = [
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = NORMAL",
    "PRAGMA busy_timeout = 2000",
    "PRAGMA foreign_keys = ON",
    "PRAGMA cache_size = -256",
    "PRAGMA journal_size_limit = 4194304",
];
/// The same bounds on waiting in PostgreSQL: a lock that another session holds, and a query that takes too long. A server that
/// vanishes between two statements of a transaction keeps its locks no longer than that: players are in rounds of all servers.
const POSTGRES_SETTINGS: [&str; 3] = [
    "SET lock_timeout = 2000",
    "SET statement_timeout = 10000",
    "SET idle_in_transaction_session_timeout = 10000",
];
/// A connection that was not used for longer is tried before a query: the database may have started anew meanwhile.
const TRUSTED_FOR: Duration = Duration::from_secs(1);
/// How long a connection to PostgreSQL may take to be done with a query that was given up. Then it is replaced: the system keeps one
/// to a host that is gone for a quarter of an hour.
const RELEASE_WITHIN: Duration = Duration::from_secs(2);

/// The tables, step by step.
pub(super) static MIGRATIONS: Migrator = sqlx::migrate!();

/// A database in SQLite or PostgreSQL.
pub struct SqlStore {
    engine: Engine,
    /// Reads of single rows, and of the newest lines of a chat channel. They wait neither for a writer nor for a list.
    pub(super) reads: AnyPool,
    /// Reads of lists.
    pub(super) lists: AnyPool,
    /// Writes.
    pub(super) writes: AnyPool,
    /// One connection, for the results of rounds and the entries of replays alone: the end of a round never waits for
    /// chat lines and names.
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
        let engine = url.engine().ok_or(StoreError::UnknownDatabase)?;
        let (lists_max, writes_max) = match engine {
            Engine::Sqlite => (LISTS_MAX_SQLITE, WRITES_MAX_SQLITE),
            Engine::Postgres => (LISTS_MAX_POSTGRES, WRITES_MAX_POSTGRES),
        };
        migrate(url, engine).await?;
        Ok(Self {
            engine,
            writes: connect(url, engine, writes_max).await?,
            reads: connect(url, engine, READS_MAX).await?,
            lists: connect(url, engine, lists_max).await?,
            results: connect(url, engine, 1).await?,
        })
    }

    /// Opens it as soon as it takes what is written: another program may hold it, and a database server may start at the same
    /// time as this one.
    ///
    /// # Errors
    /// See [`SqlStore::open`]; also when it cannot be used for longer than `limit`.
    pub async fn open_within(limit: Duration, url: &DatabaseUrl) -> Result<Self, StoreError> {
        let began = Instant::now();
        loop {
            let opened = async {
                let store = Self::open(url).await?;
                store.check_writable().await?;
                Ok::<_, StoreError>(store)
            };
            match opened.await {
                Err(error) if error.is_busy() && began.elapsed() < limit => {
                    warn_unusable(&error);
                    sleep(OPEN_AGAIN_AFTER).await;
                }
                opened => return opened,
            }
        }
    }

    /// Takes the lock of a writer, and changes nothing.
    async fn check_writable(&self) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM replays WHERE id IS NULL").execute(&self.writes).await?;
        Ok(())
    }

    /// Copies SQLite's log into the database and empties the file of the log. It waits for nobody: beside a reader that
    /// holds an older state, the log is copied as far as that state allows, and the next call does the rest. Returns how
    /// many pages the log still has.
    pub(super) async fn empty_log(&self) -> Result<u64, StoreError> {
        if self.engine != Engine::Sqlite {
            return Ok(0);
        }
        let mut connection = self.reads.acquire().await?;
        // It would hold up every writer while it waits for a reader.
        sqlx::query("PRAGMA busy_timeout = 0").execute(&mut *connection).await?;
        let emptied =
            sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(&mut *connection).await;
        sqlx::query(SQLITE_SETTINGS[2]).execute(&mut *connection).await?;
        let row = emptied?;
        let pages: i64 = row.try_get("log")?;
        Ok(pages.max(0).cast_unsigned())
    }

    pub(super) async fn close_all(&self) {
        for pool in [&self.lists, &self.reads, &self.writes, &self.results] {
            pool.close().await;
        }
    }
}

fn warn_unusable(error: &StoreError) {
    let error = error as &dyn std::error::Error;
    tracing::warn!(error, "the start waits for the database, which cannot be used now");
}

/// Brings the tables up to date, over a connection whose statements may take as long as they need.
async fn migrate(url: &DatabaseUrl, engine: Engine) -> Result<(), StoreError> {
    let settings = if engine == Engine::Sqlite { &SQLITE_SETTINGS[..] } else { &[] };
    let pool = pool_options(settings, 1).connect(url.expose()).await?;
    let migrated = MIGRATIONS.run(&pool).await;
    pool.close().await;
    Ok(migrated?)
}

async fn connect(
    url: &DatabaseUrl,
    engine: Engine,
    connections_max: u32,
) -> Result<AnyPool, StoreError> {
    let options = match engine {
        Engine::Sqlite => pool_options(&SQLITE_SETTINGS, connections_max),
        Engine::Postgres => {
            pool_options(&POSTGRES_SETTINGS, connections_max).after_release(|connection, _| {
                Box::pin(async {
                    let done = timeout(RELEASE_WITHIN, connection.ping()).await;
                    done.unwrap_or(Err(sqlx::Error::PoolTimedOut)).map(|()| true)
                })
            })
        }
    };
    Ok(options.connect(url.expose()).await?)
}

fn pool_options(settings: &'static [&'static str], connections_max: u32) -> AnyPoolOptions {
    AnyPoolOptions::new()
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
        .test_before_acquire(false)
        .before_acquire(|connection, meta| {
            Box::pin(async move {
                if meta.idle_for > TRUSTED_FOR {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
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

#[cfg(test)]
mod tests;
