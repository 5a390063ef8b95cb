//! What readers of one ordered log have seen: each number once, in order, with the same text for all.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use shared::feed::{Cursor, KIND_RESET, KIND_SNAPSHOT};

use crate::feed::AnyEnvelope;

/// What is wrong with something that was read.
pub(super) type Wrong = (&'static str, String);

pub(super) const NO_GAP: &str = "a reader sees no gap";
pub(super) const NO_DOUBLE: &str = "a reader sees nothing twice";
pub(super) const ONE_TEXT: &str = "a number has the same bytes for every reader";
pub(super) const ONE_EPOCH: &str = "a feed keeps its epoch while NATS keeps its data";

/// Every event that some reader has seen.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    texts: Mutex<BTreeMap<(u64, u64), String>>,
    resets: AtomicUsize,
}

impl Ledger {
    /// Notes an event, and compares it with what others have seen.
    pub(super) fn note(&self, epoch: u64, sequence: u64, text: &str) -> Result<(), Wrong> {
        let mut texts = self.texts.lock().unwrap_or_else(PoisonError::into_inner);
        let known = texts.entry((epoch, sequence)).or_insert_with(|| text.to_owned());
        if known == text {
            return Ok(());
        }
        Err((ONE_TEXT, format!("{epoch:x}-{sequence} is {known} for one and {text} for another")))
    }

    /// How many resets there were within an epoch.
    pub(super) fn resets(&self) -> usize {
        self.resets.load(Ordering::Relaxed)
    }

    /// How many events there were.
    pub(super) fn len(&self) -> usize {
        self.texts.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

/// The position of one reader.
#[derive(Debug, Default)]
pub(super) struct Follower {
    pub(super) cursor: Option<Cursor>,
    epochs: BTreeSet<u64>,
}

impl Follower {
    /// Takes the next envelope.
    pub(super) fn take(&mut self, envelope: &AnyEnvelope, ledger: &Ledger) -> Result<(), Wrong> {
        let id = envelope.id;
        let last = self.cursor.replace(id);
        let is_new_epoch = self.epochs.insert(id.epoch);
        let Some(last) = last else {
            let is_snapshot = envelope.kind == KIND_SNAPSHOT;
            return if is_snapshot { Ok(()) } else { Err((NO_GAP, format!("first {envelope:?}"))) };
        };
        if envelope.kind == KIND_RESET {
            return match id.epoch == last.epoch {
                false if is_new_epoch => Err((ONE_EPOCH, format!("after {last} a reset to {id}"))),
                false => Err((ONE_EPOCH, format!("after {last} back to {id}"))),
                true if id.sequence < last.sequence => {
                    Err((NO_DOUBLE, format!("after {last} a reset to {id}")))
                }
                true => {
                    ledger.resets.fetch_add(1, Ordering::Relaxed);
                    Ok(())
                }
            };
        }
        if id.epoch != last.epoch {
            return Err((ONE_EPOCH, format!("after {last} without a reset {envelope:?}")));
        }
        if id.sequence > last.sequence + 1 {
            return Err((NO_GAP, format!("after {last} comes {envelope:?}")));
        }
        if id.sequence <= last.sequence {
            return Err((NO_DOUBLE, format!("after {last} comes {envelope:?}")));
        }
        let text = format!("{} {} {}", envelope.kind, envelope.at_ms, envelope.data);
        ledger.note(id.epoch, id.sequence, &text)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use shared::feed::{Cursor, Envelope, KIND_RESET, KIND_SNAPSHOT};

    use super::{Follower, Ledger, NO_DOUBLE, NO_GAP, ONE_EPOCH, ONE_TEXT};

    fn envelope(epoch: u64, sequence: u64, kind: &str, data: Value) -> Envelope<Value> {
        Envelope { id: Cursor { epoch, sequence }, kind: kind.to_owned(), at_ms: 1, data }
    }

    /// The promise that the last of these envelopes breaks.
    fn broken_by(envelopes: &[(u64, u64, &str)]) -> Option<&'static str> {
        let (mut follower, ledger) = (Follower::default(), Ledger::default());
        let mut taken = Ok(());
        for (epoch, sequence, kind) in envelopes {
            assert_eq!(taken, Ok(()), "only the last one is wrong");
            taken = follower.take(&envelope(*epoch, *sequence, kind, json!(sequence)), &ledger);
        }
        taken.err().map(|(promise, _)| promise)
    }

    #[test]
    fn gaps_doubles_and_other_epochs_are_found() {
        let begin = (1, 5, KIND_SNAPSHOT);
        assert_eq!(broken_by(&[begin, (1, 6, "x"), (1, 7, "x")]), None);
        assert_eq!(broken_by(&[begin, (1, 9, KIND_RESET), (1, 10, "x")]), None);
        assert_eq!(broken_by(&[begin, (1, 7, "x")]), Some(NO_GAP));
        assert_eq!(broken_by(&[(1, 6, "x")]), Some(NO_GAP));
        assert_eq!(broken_by(&[begin, (1, 6, "x"), (1, 6, "x")]), Some(NO_DOUBLE));
        assert_eq!(broken_by(&[begin, (1, 4, KIND_RESET)]), Some(NO_DOUBLE));
        assert_eq!(broken_by(&[begin, (2, 6, "x")]), Some(ONE_EPOCH));
        assert_eq!(broken_by(&[begin, (2, 0, KIND_RESET)]), Some(ONE_EPOCH));
    }

    #[test]
    fn readers_that_read_different_things_under_one_number_are_found() {
        let ledger = Ledger::default();
        let read = |data: Value| {
            let mut follower = Follower::default();
            follower.take(&envelope(1, 5, KIND_SNAPSHOT, json!(0)), &ledger)?;
            follower.take(&envelope(1, 6, "x", data), &ledger)
        };
        assert_eq!(read(json!(1)), Ok(()));
        assert_eq!(read(json!(1)), Ok(()));
        assert_eq!(ledger.resets(), 0);
        assert_eq!(read(json!(2)).map_err(|(promise, _)| promise), Err(ONE_TEXT));
    }
}
