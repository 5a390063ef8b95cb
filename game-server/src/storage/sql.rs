//! The store on a database: opening, migrations, and how values are written as columns.
//!
//! Portable by habit: `$1` placeholders, whole numbers for truth values, times and ids, `ON CONFLICT`.

use std::sync::Once;
use std::time::Duration;

use futures_util::future::BoxFuture;
use shared::id::{PlayerId, PlayerName, ReplayId, RoomId};
use shared::sim::Mode;
use sqlx::any::{AnyPoolOptions, AnyRow};
use sqlx::{AnyPool, Row as _};

use super::{Store, StoreError, StoreFuture};

/// Connections to the database. SQLite lets one write at a time anyway.
const CONNECTIONS_MAX: u32 = 4;
/// How long a request waits for one of them.
const ACQUIRE_WITHIN: Duration = Duration::from_secs(5);
/// For SQLite: readers go on while one writes, a finished transaction survives the process being killed, a writer waits
/// for another one, and each connection remembers 256 KiB of pages, where its own default grows to eight times that: the
/// system's page cache holds them all anyway.
const SQLITE_SETTINGS: [&str; 5] = [
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = NORMAL",
    "PRAGMA busy_timeout = 5000",
    "PRAGMA foreign_keys = ON",
    "PRAGMA cache_size = -256",
];

/// A database that SQL reaches.
pub struct SqlStore {
    pub(super) pool: AnyPool,
    /// Of one connection, for results, what they are reckoned from, and recordings alone: however many ask for
    /// something, a round's end finds a place.
    pub(super) results: AnyPool,
}

impl SqlStore {
    /// Opens the database (`sqlite://…`) and brings its tables up to date.
    ///
    /// # Errors
    /// When it cannot be reached or its tables are of a newer build.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        static DRIVERS: Once = Once::new();
        DRIVERS.call_once(sqlx::any::install_default_drivers);
        let pool = connect(url, CONNECTIONS_MAX).await?;
        sqlx::migrate!().run(&pool).await?;
        let results = connect(url, 1).await?;
        Ok(Self { pool, results })
    }
}

async fn connect(url: &str, connections_max: u32) -> Result<AnyPool, sqlx::Error> {
    let is_sqlite = url.starts_with("sqlite:");
    AnyPoolOptions::new()
        .max_connections(connections_max)
        .acquire_timeout(ACQUIRE_WITHIN)
        .after_connect(move |connection, _| {
            Box::pin(async move {
                for setting in SQLITE_SETTINGS.into_iter().filter(|_| is_sqlite) {
                    sqlx::query(setting).execute(&mut *connection).await?;
                }
                Ok(())
            })
        })
        .connect(url)
        .await
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

/// A number as a column has it. Ids have at most 60 bits and times are far from the end, so nothing is
/// lost.
pub(super) const fn column(number: u64) -> i64 {
    number.cast_signed()
}

/// A mode as a column has it.
pub(super) fn mode_column(mode: Mode) -> String {
    match serde_json::to_value(mode) {
        Ok(serde_json::Value::String(word)) => word,
        Ok(_) | Err(_) => unreachable!("a mode is written as a word"),
    }
}

/// Reading columns as what they mean.
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
pub(super) mod tests {
    use shared::id::{PlayerId, PlayerName};

    use super::SqlStore;
    use crate::player::Player;
    use crate::storage::Players as _;
    use crate::token::hash_token;

    /// A store of its own in a folder that goes away with it.
    pub(in crate::storage) async fn store() -> (SqlStore, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}?mode=rwc", folder.path().join("test.sqlite").display());
        (SqlStore::open(&url).await.unwrap(), folder)
    }

    /// A guest with a session under its own name as token.
    pub(in crate::storage) async fn guest(store: &SqlStore, id: u64, name: &str) -> Player {
        let player = Player { id: PlayerId::from_bits(id), name: PlayerName::parse(name).unwrap() };
        store.add_guest(player.clone(), hash_token(name), 1_000).await.unwrap();
        player
    }
}
