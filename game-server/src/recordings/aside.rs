//! Results that the store does not take yet: each is kept in a file beside its recording. One that is given up is tried again
//! once a minute, and at the next start if this server ends before.

use std::collections::BTreeSet;
use std::error::Error;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use shared::id::ReplayId;
use tokio::time::sleep;

use super::recover::Recovery;
use super::retention::Files;
use super::settlement::OnSettled;
use crate::storage::blobs::Blobs;
use crate::storage::{RoundRecord, Rounds};
use crate::sync::lock;
use crate::tasks::Tasks;

/// The pause before results that were given up are tried again.
const AGAIN_AFTER: Duration = Duration::from_secs(60);

/// What became of an attempt to settle a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tried {
    Settled,
    /// The same attempt can succeed later.
    Later,
    /// Its file cannot be read, or the store refuses it. It stays for the next start, which may be of another build.
    Refused,
}

/// Results that were given up, whose recordings are parts since, and those of an earlier run that could not be settled yet.
pub(super) struct GivenUp {
    files: Files,
    recovery: Recovery,
    on_settled: OnSettled,
    /// Bounded by the disk, which has a file of each.
    ids: Mutex<BTreeSet<ReplayId>>,
}

impl GivenUp {
    /// Begins to try again what is left of an earlier run, and what will be given up.
    pub(super) fn start(
        tasks: &Tasks,
        files: Files,
        recovery: Recovery,
        on_settled: OnSettled,
        left: BTreeSet<ReplayId>,
    ) -> Arc<Self> {
        let given_up = Arc::new(Self { files, recovery, on_settled, ids: Mutex::new(left) });
        let (stop, trying) = (tasks.clone(), given_up.clone());
        tasks.spawn_vital("late results", async move {
            let try_again = async {
                loop {
                    sleep(AGAIN_AFTER).await;
                    trying.try_again().await;
                }
            };
            tokio::select! {
                () = stop.stopping() => {}
                () = try_again => {}
            }
        });
        given_up
    }

    /// A result was given up. Its file is there.
    pub(super) fn add(&self, id: ReplayId) {
        lock(&self.ids).insert(id);
    }

    /// Settles what can be settled, in the order of the rounds, and then saves the recordings.
    pub(super) async fn try_again(&self) {
        let ids = lock(&self.ids).clone();
        for id in ids {
            let Files { rounds, blobs } = &self.files;
            let tried = settle_one(&**rounds, blobs, &self.on_settled, id).await;
            if tried == Tried::Later {
                // The others would fail, too.
                return;
            }
            lock(&self.ids).remove(&id);
            if tried == Tried::Settled && blobs.has_part(id).await {
                self.recovery.recover_one(id).await;
            }
        }
    }
}

/// Writes a result into a file. Returns whether it is there.
pub(super) async fn put(blobs: &Blobs, round: &RoundRecord) -> bool {
    let id = round.replay.id;
    let written = match serde_json::to_vec(round) {
        Ok(bytes) => blobs.put_result(id, bytes).await,
        Err(error) => Err(error.into()),
    };
    match written {
        Ok(()) => true,
        Err(error) => {
            tracing::error!(replay = %id, %error, "a result could not be put aside");
            false
        }
    }
}

/// Removes the file of a result that is settled.
pub(super) async fn remove(blobs: &Blobs, id: ReplayId) {
    if let Err(error) = blobs.remove_result(id).await {
        // Settling it again changes nothing.
        tracing::warn!(replay = %id, %error, "the file of a settled result could not be removed");
    }
}

/// Settles every result that an earlier run has put aside, in the order of the rounds. Returns those that can be settled later.
pub(super) async fn settle_all(
    rounds: &dyn Rounds,
    blobs: &Blobs,
    on_settled: &OnSettled,
) -> BTreeSet<ReplayId> {
    let mut ids: BTreeSet<_> = match blobs.results().await {
        Ok(ids) => ids.into_iter().collect(),
        Err(error) => {
            tracing::error!(%error, "results that were put aside could not be looked for");
            return BTreeSet::new();
        }
    };
    while let Some(id) = ids.first().copied() {
        if settle_one(rounds, blobs, on_settled, id).await == Tried::Later {
            // The others would fail, too.
            break;
        }
        ids.remove(&id);
    }
    ids
}

async fn settle_one(
    rounds: &dyn Rounds,
    blobs: &Blobs,
    on_settled: &OnSettled,
    id: ReplayId,
) -> Tried {
    let bytes = match blobs.read_result(id).await {
        Ok(bytes) => bytes,
        Err(error) => {
            tracing::error!(replay = %id, %error, "a result that was put aside cannot be read");
            return Tried::Refused;
        }
    };
    let round: RoundRecord = match serde_json::from_slice(&bytes) {
        Ok(round) => round,
        Err(error) => {
            tracing::error!(replay = %id, %error, "a result that was put aside is damaged");
            return Tried::Refused;
        }
    };
    match rounds.settle(round.clone()).await {
        Ok(places) => {
            if round.result.is_rated {
                on_settled(&round, &places);
            }
            remove(blobs, id).await;
            tracing::info!(replay = %id, "a result that was put aside is settled");
            Tried::Settled
        }
        Err(error) => {
            let source = &error as &dyn Error;
            tracing::error!(replay = %id, error = source, "a result that was put aside could not be settled");
            if error.is_transient() { Tried::Later } else { Tried::Refused }
        }
    }
}
