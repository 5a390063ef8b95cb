//! How the files that the process may open are shared out: to connections, to rooms, and a reserve for everything else.
//!
//! Without shares, a crowd of connections takes the last file: the database, a recording or a health check then fails. So
//! connections and rooms are bounded below what the system allows, and the next one is refused with a reason.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::config::Config;

/// What is open in any case: standard streams, the runtime, the listener, the lock and the reserve (16); up to eight
/// connections to the database with its log (24); files that are read or written for a moment (8).
const FIXED: usize = 48;
/// Of a room: its timer, and the recording of its round.
const PER_ROOM: usize = 2;
/// A quarter of what is not fixed is for rooms, if they need it.
const ROOMS_SHARE: usize = 4;
/// A tenth is for connections that are answered at the limit: refusals and health checks.
const OVERFLOW_SHARE: usize = 10;
/// Refusals and health checks that are answered at once at most …
const OVERFLOW_MAX: usize = 64;
/// … and at least.
const OVERFLOW_MIN: usize = 4;
/// With fewer, nobody can play.
const FILES_MIN: usize = 80;

/// The shares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenFiles {
    /// Open connections at most.
    pub connections_max: usize,
    /// Connections past that, which are answered and closed.
    pub overflow_max: usize,
    /// Open rooms at most.
    pub rooms_max: usize,
}

/// The process may open too few files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the process may open {limit} files, and the server needs at least {FILES_MIN}: raise `ulimit -n` or `LimitNOFILE`"
)]
pub struct TooFewFiles {
    limit: usize,
}

impl OpenFiles {
    /// Raises the limit of this process to what the system allows, and shares it out, and no more than the settings ask for.
    ///
    /// # Errors
    /// [`TooFewFiles`].
    pub fn of_process(config: &Config) -> Result<Self, TooFewFiles> {
        let limit = raise_limit();
        let shares = Self::share(usize::try_from(limit).unwrap_or(usize::MAX), config)?;
        let Self { connections_max, rooms_max, .. } = shares;
        if connections_max < config.connections_max || rooms_max < config.rooms_max {
            tracing::warn!(
                limit,
                connections_max,
                rooms_max,
                "the limit of open files allows fewer connections or rooms than the settings"
            );
        }
        Ok(shares)
    }

    fn share(limit: usize, config: &Config) -> Result<Self, TooFewFiles> {
        if limit < FILES_MIN {
            return Err(TooFewFiles { limit });
        }
        let shared = limit - FIXED;
        let overflow_max = (shared / OVERFLOW_SHARE).clamp(OVERFLOW_MIN, OVERFLOW_MAX);
        let rooms_max = config.rooms_max.min(shared / ROOMS_SHARE / PER_ROOM);
        let left = shared - overflow_max - rooms_max * PER_ROOM;
        Ok(Self { connections_max: config.connections_max.min(left), overflow_max, rooms_max })
    }
}

/// Raises the limit to what the system allows: each connection is a file, and shells often start with 1,024.
fn raise_limit() -> u64 {
    let limits = getrlimit(Resource::RLIMIT_NOFILE);
    let raised = limits.and_then(|(_, hard)| {
        setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?;
        Ok(hard)
    });
    raised.unwrap_or_else(|error| {
        tracing::warn!(%error, "the limit of open files stays as it is");
        limits.map_or(u64::MAX, |(soft, _)| soft)
    })
}

#[cfg(test)]
mod tests {
    use super::{FILES_MIN, FIXED, OpenFiles, PER_ROOM};
    use crate::config::Config;

    #[test]
    fn the_shares_fit_and_nobody_gets_nothing() {
        let config = Config::default();
        for limit in (FILES_MIN..2_000).chain([20_000, 65_536, 1 << 30]) {
            let shares = OpenFiles::share(limit, &config).unwrap();
            let OpenFiles { connections_max, overflow_max, rooms_max } = shares;
            assert!(FIXED + connections_max + overflow_max + rooms_max * PER_ROOM <= limit);
            assert!(connections_max >= 16 && overflow_max >= 4 && rooms_max >= 4, "{shares:?}");
        }
        assert!(OpenFiles::share(FILES_MIN - 1, &config).is_err());
    }

    #[test]
    fn what_the_settings_ask_for_is_never_exceeded() {
        let config = Config { connections_max: 3, rooms_max: 1, ..Config::default() };
        let shares = OpenFiles::share(usize::MAX, &config).unwrap();
        assert_eq!((shares.connections_max, shares.rooms_max), (3, 1));
    }
}
