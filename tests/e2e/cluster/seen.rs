//! What readers of a feed have seen on all nodes: one order, the same events.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use shared::feed::Cursor;
use tests::feed::{AnyEnvelope, Transport};

/// Every event that some reader has seen, by its number. Clones share it.
#[derive(Clone, Default)]
pub(super) struct Seen(Arc<Mutex<BTreeMap<u64, String>>>);

impl Seen {
    /// Notes an event that a reader got after the one at `last`.
    ///
    /// # Panics
    /// When it is not the next one of the same epoch, or another reader got another event under its number.
    pub(super) fn note(&self, transport: Transport, last: Cursor, envelope: &AnyEnvelope) {
        assert_eq!(envelope.id.epoch, last.epoch, "{transport:?}: {envelope:?}");
        let step = envelope.id.sequence.checked_sub(last.sequence);
        assert_eq!(step, Some(1), "{transport:?} after {last}: {envelope:?}");
        let text = format!("{} {} {}", envelope.kind, envelope.at_ms, envelope.data);
        let mut seen = self.0.lock().unwrap();
        let known = seen.entry(envelope.id.sequence).or_insert_with(|| text.clone());
        assert_eq!(*known, text, "{transport:?}");
    }
}
