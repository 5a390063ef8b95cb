//! What one node knows of a table: what the watch has delivered, and the node's own writes that are ahead of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::cluster::table::Row;

/// The rows of a table by key.
pub(super) type Rows<V> = BTreeMap<String, Arc<Row<V>>>;

/// The copy. Readers see the rows of before until a load is complete.
#[derive(Debug)]
pub(super) struct LocalCopy<V> {
    rows: Rows<V>,
    /// The revisions of own writes that the watch has not reached yet.
    ahead: BTreeMap<String, u64>,
    /// The revision that the watch has reached. 0 during a load.
    seen: u64,
    loads: Load,
}

/// Numbers the loads. A table that was made again begins its revisions again, so that those of before a load mean nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Load(u64);

/// What a delivered change does to the copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Applied {
    /// The rows have changed.
    News,
    /// An own write, or one that an own write has overtaken.
    Known,
    /// The watch had come past this revision. It came twice, or else the table was made again.
    Again,
}

impl<V> Default for LocalCopy<V> {
    fn default() -> Self {
        Self { rows: BTreeMap::new(), ahead: BTreeMap::new(), seen: 0, loads: Load(0) }
    }
}

impl<V> LocalCopy<V> {
    /// The rows.
    pub(super) fn rows(&self) -> &Rows<V> {
        &self.rows
    }

    /// The revision that the watch has reached.
    pub(super) fn seen(&self) -> u64 {
        self.seen
    }

    /// The load that a write belongs to which begins now.
    pub(super) fn load(&self) -> Load {
        self.loads
    }

    /// From now on, everything is read again.
    pub(super) fn begin_load(&mut self) {
        self.loads.0 += 1;
        self.seen = 0;
        self.ahead.clear();
    }

    /// Replaces the rows by those that were read, which are complete up to the revision `seen`.
    pub(super) fn complete_load(&mut self, read: Rows<V>, seen: u64) {
        self.ahead.retain(|_, revision| *revision > seen);
        let before = std::mem::replace(&mut self.rows, read);
        for key in self.ahead.keys() {
            match before.get(key) {
                Some(row) => self.rows.insert(key.clone(), row.clone()),
                None => self.rows.remove(key),
            };
        }
        self.seen = seen;
    }

    /// Applies a change that the watch delivers. `None` means that the row is gone.
    pub(super) fn apply(&mut self, key: String, revision: u64, value: Option<V>) -> Applied {
        if revision <= self.seen {
            return Applied::Again;
        }
        self.seen = revision;
        let is_stale = self.ahead.get(&key).is_some_and(|own| *own > revision);
        // The row of this very revision is there already.
        let is_own = self.ahead.get(&key) == Some(&revision);
        self.ahead.retain(|_, own| *own > revision);
        if is_stale || is_own {
            return Applied::Known;
        }
        self.set(key, revision, value);
        Applied::News
    }

    /// Notes an own write that has succeeded, and that began during `load`. Returns whether it was news.
    pub(super) fn wrote(&mut self, load: Load, key: &str, revision: u64, value: Option<V>) -> bool {
        // The watch tells it in time.
        let is_of_before = load != self.loads;
        let newest = self.ahead.get(key).copied().unwrap_or_default().max(self.seen);
        if is_of_before || revision <= newest {
            return false;
        }
        self.ahead.insert(key.to_owned(), revision);
        self.set(key.to_owned(), revision, value);
        true
    }

    fn set(&mut self, key: String, revision: u64, value: Option<V>) {
        match value {
            Some(value) => self.rows.insert(key, Arc::new(Row { value, revision })),
            None => self.rows.remove(&key),
        };
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{Applied, LocalCopy, Row, Rows};

    fn rows(rows: &[(&str, u64, char)]) -> Rows<char> {
        let row = |&(key, revision, value): &(&str, u64, char)| {
            (key.to_owned(), Arc::new(Row { value, revision }))
        };
        rows.iter().map(row).collect()
    }

    fn loaded(read: &[(&str, u64, char)], seen: u64) -> LocalCopy<char> {
        let mut copy = LocalCopy::default();
        copy.begin_load();
        copy.complete_load(rows(read), seen);
        copy
    }

    #[test]
    fn own_writes_are_seen_at_once_and_the_watch_does_not_undo_them() {
        let mut copy = loaded(&[("a", 1, 'x')], 1);
        let load = copy.load();
        assert!(copy.wrote(load, "a", 4, Some('y')));
        assert!(copy.wrote(load, "b", 5, None));

        // Older changes of others, which were on their way.
        assert_eq!(copy.apply("a".into(), 2, Some('z')), Applied::Known);
        assert_eq!(copy.apply("b".into(), 3, Some('z')), Applied::Known);
        assert_eq!(copy.rows(), &rows(&[("a", 4, 'y')]));
        assert_eq!(copy.apply("a".into(), 4, Some('y')), Applied::Known);
        assert_eq!(copy.apply("b".into(), 5, None), Applied::Known);
        assert_eq!(copy.apply("b".into(), 6, Some('w')), Applied::News);

        assert_eq!(copy.rows(), &rows(&[("a", 4, 'y'), ("b", 6, 'w')]));
    }

    #[test]
    fn an_acknowledgement_that_comes_late_undoes_nothing() {
        let mut copy = loaded(&[], 0);
        let load = copy.load();
        assert_eq!(copy.apply("a".into(), 2, None), Applied::News);
        assert!(!copy.wrote(load, "a", 1, Some('x')));
        assert_eq!(copy.rows(), &rows(&[]));
    }

    #[test]
    fn a_load_replaces_everything_but_what_was_written_during_it() {
        let mut copy = loaded(&[("a", 8, 'a'), ("b", 9, 'b')], 9);
        let before = copy.load();
        copy.begin_load();
        assert_eq!(copy.rows().len(), 2, "readers see the rows of before");
        let load = copy.load();
        // The table was made again: its revisions begin at 1.
        assert!(copy.wrote(load, "a", 2, Some('n')));
        assert!(copy.wrote(load, "c", 1, Some('c')));
        assert!(!copy.wrote(before, "b", 10, Some('o')));

        copy.complete_load(rows(&[("c", 1, 'c')]), 1);

        assert_eq!(copy.rows(), &rows(&[("a", 2, 'n'), ("c", 1, 'c')]));
        assert_eq!(copy.apply("a".into(), 2, Some('n')), Applied::Known);
        assert_eq!(copy.apply("a".into(), 3, None), Applied::News);
        assert_eq!(copy.rows(), &rows(&[("c", 1, 'c')]));
    }

    #[test]
    fn a_revision_that_comes_again_is_noticed_and_changes_nothing() {
        let mut copy = loaded(&[("a", 7, 'a')], 7);
        for revision in [1, 7] {
            assert_eq!(copy.apply("a".into(), revision, Some('b')), Applied::Again);
        }
        assert_eq!(copy.rows(), &rows(&[("a", 7, 'a')]));
        assert_eq!(copy.apply("a".into(), 8, Some('c')), Applied::News);
    }
}
