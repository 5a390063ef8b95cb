//! A room's stream as an HTTP body that grows while the round runs.
//!
//! Two ways in: from the newest keyframe, out of the room's window; or from the beginning, by reading the
//! file that is being written. Both begin as a file does and end with the round, so one reader in `shared` plays
//! either. A body holds one chunk at a time: a slow reader falls behind in the stream, not in memory.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use futures_util::stream;
use shared::id::ReplayId;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use super::RoomHandle;
use super::outbox::Reader;
use crate::recordings::Progress;
use crate::storage::blobs::Blobs;

/// Read from the file at once.
const CHUNK_BYTES: usize = 32 * 1024;
/// How long a body waits for a round. Then it ends as it began, empty: a silent body is cut by proxies (after a minute,
/// mostly), and its reader could not tell it from a dead one.
const ROUND_WITHIN: Duration = Duration::from_secs(50);

/// The round that runs, from its newest keyframe; when none runs, the next one from its beginning, should it begin
/// soon.
pub fn follow_stream(room: &RoomHandle) -> impl Stream<Item = io::Result<Bytes>> + use<> {
    let live = Live::new(room.outlet.reader());
    stream::unfold(live, async |mut live| live.next().await.map(|bytes| (Ok(bytes), live)))
}

struct Live {
    reader: Reader,
    /// The round that is followed, once it has begun.
    round: Option<u32>,
    /// Without a round, the body ends then.
    until: Instant,
}

impl Live {
    fn new(reader: Reader) -> Self {
        Self { reader, round: None, until: Instant::now() + ROUND_WITHIN }
    }

    async fn next(&mut self) -> Option<Bytes> {
        loop {
            let mut bytes = Vec::new();
            let stream = self.reader.take_records(self.round, &mut bytes);
            match self.round {
                // Another round began: this body is done.
                Some(round) if round != stream.round => return None,
                Some(_) if !bytes.is_empty() => return Some(bytes.into()),
                Some(_) if stream.ended => return None,
                // A round that is over is not joined any more, nor one that is not recorded.
                None if !stream.ended && !stream.preamble.is_empty() && !bytes.is_empty() => {
                    self.round = Some(stream.round);
                    return Some([stream.preamble.as_ref(), &bytes].concat().into());
                }
                Some(_) => {}
                None => self.reader.rewind(),
            }
            let goes_on = match self.round {
                Some(_) => self.reader.changed().await,
                None => timeout_at(self.until, self.reader.changed()).await.unwrap_or(false),
            };
            if !goes_on {
                return None;
            }
        }
    }
}

/// The file of a running round from its first byte to its last.
pub fn follow_file(
    blobs: Arc<dyn Blobs>,
    id: ReplayId,
    progress: watch::Receiver<Progress>,
) -> impl Stream<Item = io::Result<Bytes>> {
    let follower = Follower { blobs, id, progress, offset: 0 };
    stream::try_unfold(follower, async |mut follower| {
        Ok(follower.next().await?.map(|bytes| (bytes, follower)))
    })
}

struct Follower {
    blobs: Arc<dyn Blobs>,
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
                let chunk = self.blobs.read(self.id, self.offset, length).await?;
                self.offset += chunk.len() as u64;
                return Ok(Some(chunk.into()));
            }
            // A recorder that broke off says no more.
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
    use crate::room::outbox::Outbox;

    #[tokio::test]
    async fn a_body_waits_for_a_round_as_long_as_it_may_and_follows_one_to_its_end() {
        let outbox = Outbox::new();
        let live = || Live { until: Instant::now(), ..Live::new(outbox.outlet().reader()) };

        assert_eq!(live().next().await, None, "there was no round");

        outbox.begin(b"preamble".to_vec(), b"roster", b"keyframe");
        let mut live = live();
        assert_eq!(live.next().await.as_deref(), Some(&b"preamblerosterkeyframe"[..]));
        outbox.record(b"delta", b"");
        assert_eq!(live.next().await.as_deref(), Some(&b"delta"[..]));
    }
}
