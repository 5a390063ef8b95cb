//! Results that the store does not take yet: each is kept in a file beside its recording, which the next start settles if
//! this server ends before.

use shared::id::ReplayId;

use super::settlement::OnSettled;
use crate::storage::blobs::Blobs;
use crate::storage::{RoundRecord, Rounds};

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

/// Settles every result that an earlier run has put aside, in the order of the rounds. One that fails stays for the next
/// start.
pub(super) async fn settle_all(rounds: &dyn Rounds, blobs: &Blobs, on_settled: &OnSettled) {
    let mut ids = match blobs.results().await {
        Ok(ids) => ids,
        Err(error) => {
            tracing::error!(%error, "results that were put aside could not be looked for");
            return;
        }
    };
    ids.sort();
    for id in ids {
        settle_one(rounds, blobs, on_settled, id).await;
    }
}

async fn settle_one(rounds: &dyn Rounds, blobs: &Blobs, on_settled: &OnSettled, id: ReplayId) {
    let bytes = match blobs.read_result(id).await {
        Ok(bytes) => bytes,
        Err(error) => {
            tracing::error!(replay = %id, %error, "a result that was put aside cannot be read");
            return;
        }
    };
    let round: RoundRecord = match serde_json::from_slice(&bytes) {
        Ok(round) => round,
        Err(error) => {
            tracing::error!(replay = %id, %error, "a result that was put aside is damaged");
            return;
        }
    };
    match rounds.settle(round.clone()).await {
        Ok(places) => {
            if round.result.is_rated {
                on_settled(&round, &places);
            }
            remove(blobs, id).await;
            tracing::info!(replay = %id, "a result that was put aside is settled");
        }
        Err(error) => {
            let error = &error as &dyn std::error::Error;
            tracing::error!(replay = %id, error, "a result that was put aside could not be settled");
        }
    }
}
