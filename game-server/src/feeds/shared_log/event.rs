//! An event as it stands in the log.

use async_nats::jetstream;

use super::{KIND_HEADER, SharedState};
use crate::feeds::feed::Numbered;

/// The type of an event that has none that could be sent on.
const KIND_UNKNOWN: &str = "unknown";

/// Reads an event, of whatever build. One that could not be sent on keeps its number.
pub(super) fn read<S: SharedState>(
    message: &jetstream::Message,
    sequence: u64,
    at_ns: i128,
) -> Numbered<S::Event> {
    let kind = message.headers.as_ref().and_then(|headers| headers.get(KIND_HEADER));
    let is_word = |kind: &&str| !kind.is_empty() && kind.bytes().all(|b| b.is_ascii_lowercase());
    let kind = kind.map(async_nats::HeaderValue::as_str).filter(is_word);
    let data = str::from_utf8(&message.payload).ok().filter(|data| !data.contains(['\r', '\n']));
    let at_ms = u64::try_from(at_ns / 1_000_000).unwrap_or_default();
    let (kind, data) = match (kind, data) {
        (Some(kind), Some(data)) => (kind.to_owned(), data.to_owned()),
        _ => (KIND_UNKNOWN.to_owned(), "null".to_owned()),
    };
    let event = S::event(&kind, &data);
    Numbered { sequence, at_ms, kind, data, event }
}
