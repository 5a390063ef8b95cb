//! The address of a database, which may contain a password.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

/// What stands for the address in logs, after the name of the engine.
const HIDDEN: &str = "://…";

/// The address of a database. Formatting it shows the engine alone, so that no log tells a password.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl {
    engine: Engine,
    url: String,
}

/// The databases that the server can use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Engine {
    Sqlite,
    Postgres,
}

/// The address names a database that this build does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a database's address begins with sqlite:// or postgres://")]
pub struct UnknownDatabase;

impl DatabaseUrl {
    /// A SQLite file. It is made when it is not there.
    #[must_use]
    pub fn sqlite(file: &Path) -> Self {
        Self { engine: Engine::Sqlite, url: format!("sqlite://{}?mode=rwc", file.display()) }
    }

    /// The whole address, with its password. For the driver alone.
    #[must_use]
    pub(crate) fn expose(&self) -> &str {
        &self.url
    }

    pub(super) const fn engine(&self) -> Engine {
        self.engine
    }
}

impl FromStr for DatabaseUrl {
    type Err = UnknownDatabase;

    fn from_str(url: &str) -> Result<Self, Self::Err> {
        let engine = match url.split_once(':') {
            Some(("sqlite", _)) => Engine::Sqlite,
            Some(("postgres" | "postgresql", _)) => Engine::Postgres,
            _ => return Err(UnknownDatabase),
        };
        Ok(Self { engine, url: url.to_owned() })
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.engine {
            Engine::Sqlite => f.write_str("sqlite")?,
            Engine::Postgres => f.write_str("postgres")?,
        }
        f.write_str(HIDDEN)
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::{DatabaseUrl, UnknownDatabase};

    #[test]
    fn an_address_is_never_shown_with_its_password() {
        let url: DatabaseUrl = "postgres://ada:secret@db.example.org/pushback".parse().unwrap();

        assert_eq!(format!("{url} {url:?}"), "postgres://… postgres://…");
        assert!(url.expose().contains("secret"));
    }

    #[test]
    fn an_unknown_engine_is_refused() {
        assert!("sqlite://data/test.sqlite".parse::<DatabaseUrl>().is_ok());
        assert!("postgresql://localhost/pushback".parse::<DatabaseUrl>().is_ok());
        for url in ["", "pushback.sqlite", "mysql://ada:secret@localhost/pushback"] {
            assert_eq!(url.parse::<DatabaseUrl>(), Err(UnknownDatabase), "{url}");
        }
    }
}
