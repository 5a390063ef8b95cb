//! Which replays are kept: all of them for as long as the operator says, and of the rounds that only bots played the
//! newest few.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use shared::id::ReplayId;
use tokio::time::{MissedTickBehavior, interval};

use crate::clock::now_ms;
use crate::storage::blobs::Blobs;
use crate::storage::{ReplayFilter, Rounds, StoreError};
use crate::sync::lock;
use crate::tasks::Tasks;

/// Replays of bots alone that are kept: enough to watch on a new server, without filling the disk of an old one.
const BOTS_ONLY_MAX: usize = 20;
/// The newest replays that the start searches for those of bots alone.
const LOOKED_THROUGH: u32 = 500;
/// The interval at which old replays are deleted.
const SWEEP_EVERY: Duration = Duration::from_secs(600);
/// Replays that one sweep deletes.
const SWEPT_MAX: u32 = 500;

/// The entries and the files of replays.
#[derive(Clone)]
pub(super) struct Files {
    pub(super) rounds: Arc<dyn Rounds>,
    pub(super) blobs: Blobs,
}

/// Deletes replays.
pub(super) struct Retention {
    files: Files,
    /// The oldest first, at most [`BOTS_ONLY_MAX`].
    bots_only: Mutex<VecDeque<ReplayId>>,
}

impl Retention {
    /// Reads which replays of bots are there, and begins to delete replays that are older than `retention`.
    pub(super) async fn start(tasks: &Tasks, files: Files, retention: Option<Duration>) -> Self {
        let filter = ReplayFilter { limit: LOOKED_THROUGH, ..ReplayFilter::default() };
        let known = files.rounds.replays(filter).await.map_or_else(
            |error| {
                warn(&error);
                Vec::new()
            },
            |list| list.replays,
        );
        let of_bots = known.iter().filter(|replay| replay.players.iter().all(|player| player.bot));
        let bots_only = of_bots.rev().map(|replay| replay.id).collect();
        if let Some(age_max) = retention {
            tasks.spawn_vital("replay retention", sweep(tasks.clone(), files.clone(), age_max));
        }
        Self { files, bots_only: Mutex::new(bots_only) }
    }

    /// Notes a recorded round of bots alone, and deletes the oldest ones above [`BOTS_ONLY_MAX`].
    pub(super) async fn note_bots_only(&self, replay: ReplayId) {
        loop {
            let oldest = {
                let mut bots_only = lock(&self.bots_only);
                if !bots_only.contains(&replay) {
                    bots_only.push_back(replay);
                }
                if bots_only.len() > BOTS_ONLY_MAX { bots_only.pop_front() } else { None }
            };
            let Some(oldest) = oldest else { return };
            self.files.delete(oldest).await;
        }
    }
}

async fn sweep(tasks: Tasks, files: Files, age_max: Duration) {
    let mut sweeping = interval(SWEEP_EVERY);
    sweeping.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = tasks.stopping() => return,
            _ = sweeping.tick() => {}
        }
        let age_ms = u64::try_from(age_max.as_millis()).unwrap_or(u64::MAX);
        let before = now_ms().saturating_sub(age_ms);
        match files.rounds.replays_older_than(before, SWEPT_MAX).await {
            Ok(old) => {
                for replay in old {
                    files.delete(replay).await;
                }
            }
            Err(error) => warn(&error),
        }
    }
}

impl Files {
    /// Deletes the file first: as long as there is an entry, the next sweep finds it and tries again. A file without an entry
    /// would stay for ever.
    async fn delete(&self, replay: ReplayId) {
        if let Err(error) = self.blobs.delete(replay).await {
            tracing::warn!(%replay, %error, "an old replay could not be deleted");
            return;
        }
        match self.rounds.remove_replay(replay).await {
            Ok(()) => tracing::debug!(%replay, "an old replay is deleted"),
            Err(error) => warn(&error),
        }
    }
}

fn warn(error: &StoreError) {
    tracing::warn!(error = error as &dyn std::error::Error, "old replays could not be looked up");
}

#[cfg(test)]
mod tests {
    use shared::api::ReplaySummary;
    use shared::id::{ReplayId, RoomId};
    use shared::sim::Mode;

    use super::Files;
    use crate::testing::Bench;

    #[tokio::test]
    async fn an_entry_stays_until_its_file_is_deleted() {
        let bench = Bench::start().await;
        let id = ReplayId::from_bits(77);
        let entry = ReplaySummary {
            id,
            room: RoomId::from_bits(5),
            mode: Mode::Duel,
            started_at_ms: 1_000,
            ticks: 600,
            bytes: 10,
            complete: true,
            players: Vec::new(),
        };
        let store = bench.app.store.clone();
        store.put_replay(entry).await.unwrap();
        // What is no file cannot be deleted as one.
        let file = bench.config.replay_dir().join(format!("{id}.replay"));
        std::fs::create_dir(&file).unwrap();
        let files = Files { rounds: store.clone(), blobs: bench.app.blobs.clone() };

        files.delete(id).await;
        assert!(store.replay(id).await.unwrap().is_some());

        std::fs::remove_dir(&file).unwrap();
        files.delete(id).await;
        assert!(store.replay(id).await.unwrap().is_none());
        bench.stop().await;
    }
}
