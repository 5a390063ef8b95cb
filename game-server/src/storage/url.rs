//! The address of a database, which may contain a password.

use std::fmt;
use std::path::Path;

/// Stands for an address in logs, after the name of the engine.
const HIDDEN: &str = "://…";

/// The address of a database. Formatting it shows the engine alone, so that no log shows a password. For the same reason a
/// bad address is no error of the command line, which would repeat it: see [`super::StoreError::UnknownDatabase`].
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl(String);

/// The databases that the server can use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Engine {
    Sqlite,
    Postgres,
}

impl DatabaseUrl {
    /// A SQLite file. It is created when it is missing.
    #[must_use]
    pub fn sqlite(file: &Path) -> Self {
        Self(format!("sqlite://{}?mode=rwc", file.display()))
    }

    /// The whole address, with its password. For the driver alone.
    #[must_use]
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }

    /// Whether several servers can use it at once.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        self.engine() == Some(Engine::Postgres)
    }

    /// `None` when this build does not know the engine.
    pub(super) fn engine(&self) -> Option<Engine> {
        match self.0.split_once(':')?.0 {
            "sqlite" => Some(Engine::Sqlite),
            "postgres" | "postgresql" => Some(Engine::Postgres),
            _ => None,
        }
    }
}

impl From<&str> for DatabaseUrl {
    fn from(url: &str) -> Self {
        Self(url.to_owned())
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let engine = match self.engine() {
            Some(Engine::Sqlite) => "sqlite",
            Some(Engine::Postgres) => "postgres",
            None => "unknown",
        };
        write!(f, "{engine}{HIDDEN}")
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::{DatabaseUrl, Engine};
    use crate::storage::{SqlStore, StoreError};

    #[test]
    fn an_address_is_never_shown_with_its_password() {
        let url = DatabaseUrl::from("postgres://ada:secret@db.example.org/pushback");

        assert_eq!(format!("{url} {url:?}"), "postgres://… postgres://…");
        assert_eq!(DatabaseUrl::from("ada:secret@db").to_string(), "unknown://…");
        assert!(url.expose().contains("secret"));
    }

    #[tokio::test]
    async fn an_unknown_engine_is_refused() {
        let engine = |url| DatabaseUrl::from(url).engine();
        assert_eq!(engine("sqlite://data/test.sqlite"), Some(Engine::Sqlite));
        assert_eq!(engine("postgresql://localhost/pushback"), Some(Engine::Postgres));
        for url in ["", "pushback.sqlite", "mysql://ada:secret@localhost/pushback"] {
            let refused = SqlStore::open(&url.into()).await.err();
            assert!(matches!(refused, Some(StoreError::UnknownDatabase)), "{url}: {refused:?}");
        }
    }
}
