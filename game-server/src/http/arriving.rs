//! Files of recordings that are listed already and still on their way from another node.
//!
//! A round's entry is in the database at its end, and its file in the bucket a moment later. A request that comes in between
//! waits for it a little, and is then asked to come again.

use std::io;
use std::time::Duration;

use shared::api::ReplaySummary;
use shared::tick::TICK_RATE_HZ;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep};

use crate::clock::now_ms;
use crate::storage::blobs::{Blobs, Listed};

/// How long after the end of its round a file that is not there may still come.
const MAY_COME_WITHIN: Duration = Duration::from_secs(2 * 60);
/// How long a request waits for it.
const WAIT_MAX: Duration = Duration::from_secs(3);
/// The pause between two looks into the bucket.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Requests that wait at once. Others are asked to come again right away.
const WAITING_MAX: usize = 16;

/// Waits for files.
#[derive(Debug)]
pub struct ArrivingFiles {
    /// Whether there are other nodes from which one can come.
    is_one_of_many: bool,
    waiting: Semaphore,
}

/// Why a listed file has no size.
#[derive(Debug)]
pub(super) enum Missing {
    /// It may come.
    Arriving,
    /// It is not there, or the bucket does not answer.
    Failed(io::Error),
}

impl ArrivingFiles {
    /// Nobody waits yet.
    #[must_use]
    pub fn new(is_one_of_many: bool) -> Self {
        Self { is_one_of_many, waiting: Semaphore::new(WAITING_MAX) }
    }

    /// The size of a listed recording's file.
    pub(super) async fn size(&self, blobs: &Blobs, entry: &ReplaySummary) -> Result<u64, Missing> {
        let listed = Listed { id: entry.id, bytes: entry.bytes };
        let mut missing = match blobs.size(listed).await {
            Ok(size) => return Ok(size),
            Err(error) => error,
        };
        let may_come = |missing: &io::Error| missing.kind() == io::ErrorKind::NotFound;
        if !self.is_one_of_many || !may_come(&missing) || !is_fresh(entry, now_ms()) {
            return Err(Missing::Failed(missing));
        }
        let Ok(_turn) = self.waiting.try_acquire() else { return Err(Missing::Arriving) };
        let until = Instant::now() + WAIT_MAX;
        while may_come(&missing) {
            if Instant::now() + LOOK_EVERY > until {
                return Err(Missing::Arriving);
            }
            sleep(LOOK_EVERY).await;
            match blobs.size(listed).await {
                Ok(size) => return Ok(size),
                Err(error) => missing = error,
            }
        }
        Err(Missing::Failed(missing))
    }
}

/// Whether a round ended so lately that its file may still come.
fn is_fresh(entry: &ReplaySummary, now_ms: u64) -> bool {
    let length_ms = u64::from(entry.ticks) * 1_000 / u64::from(TICK_RATE_HZ);
    let within_ms = u64::try_from(MAY_COME_WITHIN.as_millis()).unwrap_or(u64::MAX);
    now_ms < entry.started_at_ms.saturating_add(length_ms).saturating_add(within_ms)
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_util::future::join_all;
    use shared::api::ReplaySummary;
    use shared::id::{ReplayId, RoomId};
    use shared::sim::Mode;
    use tokio::time::{Instant, timeout};

    use super::{ArrivingFiles, LOOK_EVERY, Missing, WAIT_MAX, WAITING_MAX, is_fresh};
    use crate::clock::now_ms;
    use crate::storage::blobs::Blobs;

    fn entry(id: u64) -> ReplaySummary {
        ReplaySummary {
            id: ReplayId::from_bits(id),
            room: RoomId::from_bits(5),
            mode: Mode::Duel,
            started_at_ms: now_ms() - 60_000,
            ticks: 3_600,
            bytes: 3,
            complete: true,
            players: Vec::new(),
        }
    }

    #[test]
    fn a_file_may_come_for_two_minutes_after_its_round() {
        let entry = ReplaySummary { started_at_ms: 1_000_000, ..entry(1) };
        assert!(is_fresh(&entry, 1_000_000) && is_fresh(&entry, 1_179_999));
        assert!(!is_fresh(&entry, 1_180_000));
    }

    #[tokio::test]
    async fn a_request_waits_for_a_file_and_not_for_long() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Blobs::open(folder.path().to_owned()).await.unwrap();
        let arriving = ArrivingFiles::new(true);

        let began = Instant::now();
        let first = entry(1);
        let requests = (0..=WAITING_MAX).map(|_| arriving.size(&blobs, &first));
        let missing = join_all(requests).await;
        assert!(missing.iter().all(|size| matches!(size, Err(Missing::Arriving))), "{missing:?}");
        assert!(began.elapsed() < WAIT_MAX * 2, "{:?}", began.elapsed());

        // It comes after the first look.
        let second = entry(2);
        let mut waiting = pin!(arriving.size(&blobs, &second));
        while arriving.waiting.available_permits() == WAITING_MAX {
            assert!(timeout(LOOK_EVERY / 4, waiting.as_mut()).await.is_err());
        }
        let mut growing = blobs.create(second.id).await.unwrap();
        growing.append(b"abc".to_vec()).await.unwrap();
        assert!(waiting.await.is_ok());

        let alone = ArrivingFiles::new(false);
        assert!(matches!(alone.size(&blobs, &first).await, Err(Missing::Failed(_))));
        let old = ReplaySummary { started_at_ms: 1, ..entry(1) };
        assert!(matches!(arriving.size(&blobs, &old).await, Err(Missing::Failed(_))));
    }
}
