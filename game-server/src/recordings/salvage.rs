//! Takes over what another server, which is dead, has left in the bucket: results that it could not settle, and the parts of
//! running rounds, which become replays that play as far as they go.
//!
//! **Invariant:** all of it can be done twice, by two servers at once, or by one while the dead one comes back and does it
//! itself. A result is settled once, because the store knows the round. An entry is replaced only by that of a longer
//! recording, and never if it is complete, unless its file has not come for `WHOLE_WITHIN`. A file's key has its length, so
//! that no file overwrites another.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use shared::api::ReplaySummary;
use shared::tick::TICK_RATE_HZ;

use super::recover::{Salvaged, salvage_aside};
use super::settlement::OnSettled;
use crate::clock::now_ms;
use crate::storage::blobs::{Blobs, Left, Listed};
use crate::storage::{RoundRecord, Rounds, StoreError};
use crate::tasks::Tasks;

/// How long after its end the file of a complete recording may still come from its server, when that starts again. Until
/// then a shorter copy of it is not listed instead.
const WHOLE_WITHIN: Duration = Duration::from_secs(10 * 60);

/// Why something has to be tried again.
#[derive(Debug, thiserror::Error)]
pub enum SalvageError {
    /// The bucket or the disk.
    #[error("the bucket fails")]
    Bucket(#[from] io::Error),
    /// The database.
    #[error("the database fails")]
    Store(#[from] StoreError),
    /// A result cannot be read, perhaps because it is of a newer build.
    #[error("a result that was put aside cannot be read")]
    Result(#[from] serde_json::Error),
    /// The server may yet come back and send the whole recording.
    #[error("the whole recording may still come")]
    WholeMayCome,
}

/// Takes over what is left.
pub struct Salvage {
    tasks: Tasks,
    rounds: Arc<dyn Rounds>,
    blobs: Blobs,
    on_settled: OnSettled,
}

/// A part, as far as it plays.
struct Playable {
    summary: ReplaySummary,
    bytes: Vec<u8>,
}

impl Salvage {
    /// Nothing is done yet.
    #[must_use]
    pub fn new(
        tasks: &Tasks,
        rounds: Arc<dyn Rounds>,
        blobs: Blobs,
        on_settled: OnSettled,
    ) -> Self {
        Self { tasks: tasks.clone(), rounds, blobs, on_settled }
    }

    /// What all servers have not completed, in the order of the rounds.
    ///
    /// # Errors
    /// When the bucket fails.
    pub async fn left(&self) -> io::Result<Vec<Left>> {
        self.blobs.left().await
    }

    /// Takes over what a server has left of one round. What succeeded is not done again after an error.
    ///
    /// # Errors
    /// When it has to be tried again.
    pub async fn take_over(&self, left: &Left) -> Result<(), SalvageError> {
        let part = if left.has_part { self.read_part(left).await? } else { None };
        let settled = if left.has_result { self.settle(left, part.as_ref()).await } else { Ok(()) };
        match &settled {
            // It is the database's turn first: a result also lists the players who left early.
            Err(SalvageError::Store(error)) if error.is_transient() => return settled,
            Ok(()) | Err(_) => {}
        }
        if let Some(part) = part {
            self.keep(left, part).await?;
        }
        settled
    }

    /// Reads what can be played. Removes a part without a tick, and sets aside what cannot be read.
    async fn read_part(&self, left: &Left) -> io::Result<Option<Playable>> {
        let (id, node) = (left.id, &left.node);
        let Some(mut bytes) = self.blobs.read_left_part(left).await? else { return Ok(None) };
        match salvage_aside(&self.tasks, id, bytes.clone()).await? {
            Salvaged::Plays(summary) => {
                bytes.truncate(usize::try_from(summary.bytes).unwrap_or(usize::MAX));
                Ok(Some(Playable { summary, bytes }))
            }
            Salvaged::Empty => {
                self.blobs.remove_left_part(left).await?;
                tracing::info!(replay = %id, %node, "a recording without a tick was removed");
                Ok(None)
            }
            Salvaged::Damaged => {
                self.blobs.set_left_aside(left, bytes).await?;
                tracing::warn!(replay = %id, %node, "a recording cannot be read: set aside as .damaged");
                Ok(None)
            }
        }
    }

    async fn settle(&self, left: &Left, part: Option<&Playable>) -> Result<(), SalvageError> {
        let Some(bytes) = self.blobs.read_left_result(left).await? else { return Ok(()) };
        let round: RoundRecord = serde_json::from_slice(&bytes)?;
        let round = as_far_as_it_plays(round, part.map(|part| &part.summary));
        if round.result.is_rated {
            let places = self.rounds.settle(round.clone()).await?;
            (self.on_settled)(&round, &places);
        } else {
            // There is nothing but the entry, which the server may have written itself.
            self.rounds.put_salvaged(round.replay).await?;
        }
        self.blobs.remove_left_result(left).await?;
        tracing::info!(replay = %left.id, node = %left.node, "a result of a dead node is settled");
        Ok(())
    }

    /// Puts the file, lists it, and removes the part.
    async fn keep(&self, left: &Left, part: Playable) -> Result<(), SalvageError> {
        let Playable { mut summary, bytes } = part;
        let known = self.rounds.replay(left.id).await?;
        let mut lost = None;
        if let Some(known) = &known {
            if known.players.len() >= summary.players.len() {
                // A result that is kept already also lists the players who left early.
                summary.players.clone_from(&known.players);
            }
            if known.complete && known.bytes != summary.bytes {
                if self.has(known).await? {
                    return Ok(self.blobs.remove_left_part(left).await?);
                }
                if !is_lost(known, now_ms()) {
                    return Err(SalvageError::WholeMayCome);
                }
                lost = Some(known);
            }
        }
        self.blobs.put_whole(left.id, bytes).await?;
        match lost {
            Some(lost) => self.replace(lost, &summary).await?,
            None => drop(self.rounds.put_salvaged(summary.clone()).await?),
        }
        self.remove_unlisted(&summary, known.as_ref()).await?;
        self.blobs.remove_left_part(left).await?;
        let (complete, ticks) = (summary.complete, summary.ticks);
        tracing::info!(replay = %left.id, node = %left.node, complete, ticks, "a recording of a dead node was saved");
        Ok(())
    }

    /// Lists a part in place of a complete recording whose file is lost, unless that comes at this very moment: then its entry
    /// is put back.
    async fn replace(
        &self,
        lost: &ReplaySummary,
        part: &ReplaySummary,
    ) -> Result<(), SalvageError> {
        self.rounds.put_replay(part.clone()).await?;
        if self.has(lost).await? {
            self.rounds.put_replay(lost.clone()).await?;
        }
        Ok(())
    }

    /// Whether the file of an entry is there.
    async fn has(&self, entry: &ReplaySummary) -> io::Result<bool> {
        match self.blobs.size(listed(entry)).await {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Removes the copies that the entry does not name: this one, if another is longer, or a shorter one of before.
    async fn remove_unlisted(
        &self,
        own: &ReplaySummary,
        before: Option<&ReplaySummary>,
    ) -> Result<(), SalvageError> {
        let Some(entry) = self.rounds.replay(own.id).await? else { return Ok(()) };
        let before = before.filter(|before| !before.complete);
        for copy in before.into_iter().chain([own]).filter(|copy| copy.bytes != entry.bytes) {
            self.blobs.remove_whole(listed(copy)).await?;
        }
        Ok(())
    }
}

fn listed(entry: &ReplaySummary) -> Listed {
    Listed { id: entry.id, bytes: entry.bytes }
}

/// The round with the entry of what there is of its recording. Without a part it is as its server would have listed it: the
/// file may still be on that server's disk.
fn as_far_as_it_plays(round: RoundRecord, part: Option<&ReplaySummary>) -> RoundRecord {
    let Some(part) = part else { return round };
    let (ticks, bytes, complete) = (part.ticks, part.bytes, part.complete);
    let complete = complete && round.replay.complete;
    RoundRecord { replay: ReplaySummary { ticks, bytes, complete, ..round.replay }, ..round }
}

/// Whether the file of an entry will not come any more.
fn is_lost(entry: &ReplaySummary, now_ms: u64) -> bool {
    let whole_within = u64::try_from(WHOLE_WITHIN.as_millis()).unwrap_or(u64::MAX);
    ended_at_ms(entry).saturating_add(whole_within) < now_ms
}

/// When a recording ended, in milliseconds since 1970.
fn ended_at_ms(entry: &ReplaySummary) -> u64 {
    let length_ms = u64::from(entry.ticks) * 1_000 / u64::from(TICK_RATE_HZ);
    entry.started_at_ms.saturating_add(length_ms)
}

#[cfg(test)]
mod tests;
