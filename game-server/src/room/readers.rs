//! The readers of a room's stream over HTTP: they are counted as watching, and they keep the room open.
//!
//! A reader opens one body after another, so it counts for a moment longer than its body is open.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use shared::id::PlayerId;
use tokio::sync::Notify;

use crate::sync::lock;

/// A reader whose body has ended opens the next one within this time.
const GRACE: Duration = Duration::from_secs(3);

/// The readers of one room. Cheap to clone. Bounded by the connections of the server.
#[derive(Clone, Default)]
pub(crate) struct Readers(Arc<Shared>);

#[derive(Default)]
struct Shared {
    table: Mutex<Table>,
    changed: Notify,
}

#[derive(Default)]
struct Table {
    players: HashMap<PlayerId, Reading>,
    /// Readers without a session.
    strangers: usize,
    /// When a reader left, or somebody asked for the room, last.
    last_seen: Option<Instant>,
}

/// What one player reads.
#[derive(Clone, Copy)]
struct Reading {
    bodies: usize,
    /// When the last body ended.
    until: Instant,
}

impl Reading {
    fn counts(self, now: Instant) -> bool {
        self.bodies > 0 || now < self.until + GRACE
    }
}

/// Counts a reader while its body exists.
pub(crate) struct ReaderGuard {
    readers: Readers,
    player: Option<PlayerId>,
}

impl Readers {
    /// A reader opens a body. `None` for one without a session.
    pub(crate) fn enter(&self, player: Option<PlayerId>) -> ReaderGuard {
        let now = Instant::now();
        let mut table = lock(&self.0.table);
        match player {
            Some(player) => {
                table.players.retain(|_, reading| reading.counts(now));
                let reading = table.players.entry(player);
                reading.or_insert(Reading { bodies: 0, until: now }).bodies += 1;
            }
            None => table.strangers += 1,
        }
        drop(table);
        self.0.changed.notify_one();
        ReaderGuard { readers: self.clone(), player }
    }

    /// Somebody asked for the room, so that somebody may come.
    pub(crate) fn note_interest(&self) {
        lock(&self.0.table).last_seen = Some(Instant::now());
    }

    /// How many read, without these players.
    pub(super) fn count_without(&self, known: impl Fn(PlayerId) -> bool, now: Instant) -> usize {
        let table = lock(&self.0.table);
        let reads =
            |(player, reading): &(&PlayerId, &Reading)| reading.counts(now) && !known(**player);
        table.strangers + table.players.iter().filter(reads).count()
    }

    /// Whether there are readers.
    pub(super) fn are_there(&self, now: Instant) -> bool {
        self.count_without(|_| false, now) > 0
    }

    /// When a reader left or somebody asked for the room, last.
    pub(super) fn last_seen(&self) -> Option<Instant> {
        lock(&self.0.table).last_seen
    }

    /// When a reader that has left counts no more: the next such time.
    pub(super) fn next_change(&self, now: Instant) -> Option<Instant> {
        let table = lock(&self.0.table);
        let leaving = table.players.values().filter(|reading| reading.bodies == 0);
        leaving.map(|reading| reading.until + GRACE).filter(|at| now < *at).min()
    }

    /// Waits until a reader comes or goes. Cancel-safe.
    pub(super) async fn changed(&self) {
        self.0.changed.notified().await;
    }
}

impl Drop for ReaderGuard {
    fn drop(&mut self) {
        let now = Instant::now();
        let mut table = lock(&self.readers.0.table);
        table.last_seen = Some(now);
        match self.player {
            Some(player) => {
                if let Some(reading) = table.players.get_mut(&player) {
                    reading.bodies = reading.bodies.saturating_sub(1);
                    reading.until = now;
                }
            }
            None => table.strangers = table.strangers.saturating_sub(1),
        }
        drop(table);
        self.readers.0.changed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use shared::id::PlayerId;

    use super::{GRACE, Readers};

    #[test]
    fn a_reader_counts_once_and_between_two_bodies() {
        let (readers, ada) = (Readers::default(), PlayerId::from_bits(1));
        let now = Instant::now();
        let bodies = (readers.enter(Some(ada)), readers.enter(Some(ada)), readers.enter(None));

        assert_eq!(readers.count_without(|_| false, now), 2);
        assert_eq!(readers.count_without(|player| player == ada, now), 1);
        drop(bodies);

        let soon = Instant::now();
        assert_eq!(readers.count_without(|_| false, soon), 1, "the next body may come");
        assert!(readers.next_change(soon).is_some_and(|at| at <= soon + GRACE));
        assert!(!readers.are_there(soon + GRACE) && readers.last_seen().is_some());
    }
}
