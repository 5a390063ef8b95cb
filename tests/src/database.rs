//! A server's SQLite file, opened by another process than the server: a backup, a shell.

use std::path::{Path, PathBuf};

use sqlx::{Connection as _, SqliteConnection};

const FILE: &str = "pushback.sqlite";

/// A transaction of somebody else on a server's database. It ends when it is dropped.
#[derive(Debug)]
pub struct OtherProcess {
    connection: SqliteConnection,
    log: PathBuf,
}

impl OtherProcess {
    /// Begins to write: nobody else can, until [`OtherProcess::end`]. `data` is the data folder of the story's server.
    ///
    /// # Panics
    /// When the database cannot be opened.
    pub async fn writes(data: &Path) -> Self {
        let mut other = Self::open(data).await;
        other.run("BEGIN IMMEDIATE").await;
        other
    }

    /// Begins to read: what is written from now on stays in the log.
    ///
    /// # Panics
    /// When the database cannot be opened.
    pub async fn reads(data: &Path) -> Self {
        let mut other = Self::open(data).await;
        other.run("BEGIN").await;
        other.run("SELECT COUNT(*) FROM players").await;
        other
    }

    /// Ends the transaction.
    ///
    /// # Panics
    /// When the database refuses.
    pub async fn end(mut self) {
        self.run("ROLLBACK").await;
        self.connection.close().await.expect("the database closes");
    }

    /// The length of the database's log in bytes.
    #[must_use]
    pub fn log_bytes(&self) -> u64 {
        std::fs::metadata(&self.log).map_or(0, |log| log.len())
    }

    async fn open(data: &Path) -> Self {
        let files = [data.join(FILE), data.join("data").join(FILE)];
        let file = files.iter().find(|file| file.exists()).expect("the server has a database");
        let url = format!("sqlite://{}", file.display());
        let connection = SqliteConnection::connect(&url).await.expect("the database opens");
        Self { connection, log: file.with_extension("sqlite-wal") }
    }

    async fn run(&mut self, statement: &'static str) {
        sqlx::query(statement).execute(&mut self.connection).await.expect("the database takes it");
    }
}
