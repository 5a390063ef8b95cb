//! A room's stream as an HTTP body that grows while the round runs.
//!
//! It begins with the newest keyframe, out of the room's log, or with the round, out of the file that is being
//! written. Both begin as a replay file does and end with the round, so one reader in `shared` plays either. A body
//! holds one chunk at a time: a slow reader falls behind in the stream, not in memory.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use futures_util::stream;
use shared::id::ReplayId;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use super::broadcast::LogCursor;
use super::handle::RoomHandle;
use crate::recordings::Progress;
use crate::storage::blobs::{Blobs, Listed};

/// The most bytes read from the file at once.
const CHUNK_BYTES: usize = 32 * 1024;
/// How long a body waits for a round before it ends, empty: proxies cut a silent body (mostly after a minute), and its
/// reader could not tell it from a dead one.
const ROUND_WITHIN: Duration = Duration::from_secs(50);

/// The running round from its newest keyframe. When none runs, the next one from its beginning, if that is soon.
pub fn follow_stream(room: &RoomHandle) -> impl Stream<Item = io::Result<Bytes>> + use<> {
    let live = Live::new(LogCursor::new(room.log()));
    stream::unfold(live, async |mut live| live.next().await.map(|bytes| (Ok(bytes), live)))
}

struct Live {
    cursor: LogCursor,
    /// The round that is followed. `None` until it has begun.
    round: Option<u32>,
    /// Without a round, the body ends at this time.
    until: Instant,
}

impl Live {
    fn new(cursor: LogCursor) -> Self {
        Self { cursor, round: None, until: Instant::now() + ROUND_WITHIN }
    }

    async fn next(&mut self) -> Option<Bytes> {
        loop {
            let mut bytes = Vec::new();
            let stream = self.cursor.take_records(self.round, &mut bytes);
            match self.round {
                // Another round began: this body is done.
                Some(round) if round != stream.round => return None,
                Some(_) if !bytes.is_empty() => return Some(bytes.into()),
                Some(_) if stream.has_ended => return None,
                // A round that is over is not joined, and neither is one that is not recorded.
                None if !stream.has_ended && !stream.preamble.is_empty() && !bytes.is_empty() => {
                    self.round = Some(stream.round);
                    return Some([stream.preamble.as_ref(), &bytes].concat().into());
                }
                Some(_) => {}
                None => self.cursor.rewind(),
            }
            let goes_on = match self.round {
                Some(_) => self.cursor.changed().await,
                None => timeout_at(self.until, self.cursor.changed()).await.unwrap_or(false),
            };
            if !goes_on {
                return None;
            }
        }
    }
}

/// The file of a running round from its first byte to its last.
pub fn follow_file(
    blobs: Blobs,
    id: ReplayId,
    progress: watch::Receiver<Progress>,
) -> impl Stream<Item = io::Result<Bytes>> {
    let follower = Follower { blobs, id, progress, offset: 0 };
    stream::try_unfold(follower, async |mut follower| {
        Ok(follower.next().await?.map(|bytes| (bytes, follower)))
    })
}

struct Follower {
    blobs: Blobs,
    id: ReplayId,
    progress: watch::Receiver<Progress>,
    offset: u64,
}

impl Follower {
    async fn next(&mut self) -> io::Result<Option<Bytes>> {
        loop {
            let Progress { bytes, ended } = *self.progress.borrow_and_update();
            let waiting = usize::try_from(bytes.saturating_sub(self.offset)).unwrap_or(CHUNK_BYTES);
            if waiting > 0 {
                let length = waiting.min(CHUNK_BYTES);
                let listed = Listed { id: self.id, bytes };
                let chunk = self.blobs.read(listed, self.offset, length).await?;
                self.offset += chunk.len() as u64;
                return Ok(Some(chunk.into()));
            }
            // A recorder that broke off writes no more.
            if ended || self.progress.changed().await.is_err() {
                return Ok(None);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::Live;
    use crate::room::broadcast::{BroadcastLog, LogCursor};

    #[tokio::test]
    async fn a_body_waits_for_a_round_as_long_as_it_may_and_follows_one_to_its_end() {
        let log = BroadcastLog::new();
        let live = || Live { until: Instant::now(), ..Live::new(LogCursor::new(log.reader())) };

        assert_eq!(live().next().await, None, "there was no round");

        log.begin_round(b"preamble".to_vec(), b"roster", b"keyframe");
        let mut live = live();
        assert_eq!(live.next().await.as_deref(), Some(&b"preamblerosterkeyframe"[..]));
        log.push_delta(b"delta", b"");
        assert_eq!(live.next().await.as_deref(), Some(&b"delta"[..]));
    }
}
