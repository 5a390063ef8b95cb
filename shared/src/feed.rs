//! The envelope and the cursor of a feed, which all five transports carry.
//!
//! A feed is an ordered log of events. A cursor is a position in it: the epoch identifies the log (a restarted server
//! begins a new one), the sequence number the event. The log itself belongs to the server.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A position in a feed, written `EPOCH-SEQ`: the id of the last envelope that was received.
///
/// ```
/// # use shared::feed::Cursor;
/// assert_eq!("1f-7".parse(), Ok(Cursor { epoch: 0x1f, sequence: 7 }));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Cursor {
    /// The log. Written in hexadecimal.
    pub epoch: u64,
    /// The number of events up to this position. Written in decimal.
    pub sequence: u64,
}

/// The text is not a cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a cursor looks like EPOCH-SEQUENCE, as in the id of an event")]
pub struct CursorError;

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}-{}", self.epoch, self.sequence)
    }
}

impl FromStr for Cursor {
    type Err = CursorError;

    fn from_str(text: &str) -> Result<Self, CursorError> {
        let (epoch, sequence) = text.split_once('-').ok_or(CursorError)?;
        // `from_str_radix` would accept a sign.
        let plain = |part: &str| part.bytes().all(|b| b.is_ascii_hexdigit());
        if !plain(epoch) || !plain(sequence) {
            return Err(CursorError);
        }
        Ok(Self {
            epoch: u64::from_str_radix(epoch, 16).or(Err(CursorError))?,
            sequence: sequence.parse().or(Err(CursorError))?,
        })
    }
}

impl Serialize for Cursor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Cursor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// One event of a feed, the same on each transport.
///
/// On streams (SSE, NDJSON, WebSocket) three types are reserved: `snapshot` begins a subscription without a cursor, and
/// `reset` one whose cursor was too old or from another epoch. Both carry the whole snapshot as `data`. `heartbeat`, on SSE
/// and WebSocket, says that the line is alive and is no event of the log; NDJSON has an empty line in its place. Each feed
/// defines its other types.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope<T> {
    /// The cursor after this event.
    pub id: Cursor,
    /// The type of `data`.
    #[serde(rename = "type")]
    pub kind: String,
    /// When the event happened, in milliseconds since 1970.
    pub at_ms: u64,
    /// The event.
    pub data: T,
}

/// The type of the envelope with which a stream without a cursor begins: the current snapshot.
pub const KIND_SNAPSHOT: &str = "snapshot";
/// The type of an envelope whose snapshot replaces all that the reader has.
pub const KIND_RESET: &str = "reset";

/// The type of the envelope that says that a stream is alive. Its id is the position of the stream, not a new one.
pub const KIND_HEARTBEAT: &str = "heartbeat";

/// The data of a heartbeat. A stream that brings nothing for twice `every_ms` is dead, however open its socket looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Heartbeat {
    /// The server's clock, in milliseconds since 1970.
    pub at_ms: u64,
    /// The longest silence of this stream, in milliseconds.
    pub every_ms: u32,
    /// Since when this server has not heard of the log that it shares with others, in milliseconds since 1970: the feed
    /// stands still. Missing while all is well.
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub late_since_ms: Option<u64>,
}

/// The answer to a request without a cursor: the current snapshot. Also the body of a 410.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotPage<S> {
    /// The position of the snapshot: events after it are new.
    pub cursor: Cursor,
    /// The state of the feed.
    pub snapshot: S,
}

/// The answer to a request with a cursor: the events since.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventsPage<T> {
    /// The position after these events.
    pub cursor: Cursor,
    /// The events in order, without a gap. Empty when there are none.
    pub events: Vec<Envelope<T>>,
}

#[cfg(test)]
mod tests {
    use super::{Cursor, CursorError};

    #[test]
    fn a_cursor_reads_back_and_garbage_does_not() {
        let cursor = Cursor { epoch: 0xabc, sequence: u64::MAX };
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
        for garbage in
            ["", "-", "1-", "-1", "+1-2", "1--2", "x-1", "1-f", "1-2-3", "1-99999999999999999999"]
        {
            assert_eq!(garbage.parse::<Cursor>(), Err(CursorError), "{garbage}");
        }
    }
}
