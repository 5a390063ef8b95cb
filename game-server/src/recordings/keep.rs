//! What is kept: replays as long as the operator says, and of rounds that only bots played the newest few.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use shared::id::ReplayId;
use tokio::time::{MissedTickBehavior, interval};

use super::blocking::blocking;
use crate::clock::now_ms;
use crate::storage::blobs::Blobs;
use crate::storage::{ReplayFilter, Rounds, StoreError};
use crate::sync::lock;
use crate::tasks::Tasks;

/// Rounds of bots alone that are kept: something to watch on a new server, and no full disk on an old one.
const BOTS_ONLY_MAX: usize = 20;
/// Replays looked through at the start for those of bots alone.
const LOOKED_THROUGH: u32 = 500;
/// How often old replays are looked for.
const SWEEP_EVERY: Duration = Duration::from_secs(600);
/// Deleted in one sweep.
const SWEPT_MAX: u32 = 500;

/// Where replays are: their entries and their files.
#[derive(Clone)]
pub(super) struct Files {
    pub(super) rounds: Arc<dyn Rounds>,
    pub(super) blobs: Arc<dyn Blobs>,
}

/// Deletes replays.
pub(super) struct Keeper {
    files: Files,
    /// The oldest first, at most [`BOTS_ONLY_MAX`].
    bots_only: Mutex<VecDeque<ReplayId>>,
}

impl Keeper {
    /// Looks what is there, and begins to delete what is older than `retention`.
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
            tasks.spawn(sweep(tasks.clone(), files.clone(), age_max));
        }
        Self { files, bots_only: Mutex::new(bots_only) }
    }

    /// A round of bots alone was recorded: an older one may have to go.
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
    let mut beat = interval(SWEEP_EVERY);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = tasks.stopping() => return,
            _ = beat.tick() => {}
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
    /// Deletes the entry first: an entry without a file would be a broken promise, a file without an entry only
    /// takes space.
    async fn delete(&self, replay: ReplayId) {
        if let Err(error) = self.rounds.remove_replay(replay).await {
            warn(&error);
            return;
        }
        let blobs = self.blobs.clone();
        match blocking(move || blobs.delete(replay)).await {
            Ok(()) => tracing::debug!(%replay, "an old replay is deleted"),
            Err(error) => tracing::warn!(%replay, %error, "an old replay could not be deleted"),
        }
    }
}

fn warn(error: &StoreError) {
    tracing::warn!(error = error as &dyn std::error::Error, "old replays could not be looked up");
}
