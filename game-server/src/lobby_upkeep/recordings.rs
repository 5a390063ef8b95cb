//! The task of the steward that takes over the recordings and results of dead nodes.
//!
//! A node that has started again fetches its own.

use std::time::Duration;

use tokio::time::sleep;

use super::shared_state::SharedState;
use crate::recordings::{Salvage, SalvageError};
use crate::tasks::Tasks;

/// The pause after which what failed is tried again. Each is twice as long as the one before …
const AGAIN_AFTER_MIN: Duration = Duration::from_secs(2);
/// … up to this one, after which the bucket is looked through in any case.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// Looks through the bucket whenever a node has died, or this one has become the steward, until the server stops.
pub(super) async fn run(tasks: Tasks, shared: SharedState, salvage: Salvage) {
    let (mut nodes, mut steward) = (shared.nodes.changes(), shared.steward.changes());
    let mut pause = AGAIN_AFTER_MIN;
    loop {
        let is_done = tokio::select! {
            () = tasks.stopping() => return,
            is_done = take_over_all(&shared, &salvage) => is_done,
        };
        let wait = if is_done { LOOK_EVERY } else { pause };
        pause = if is_done { AGAIN_AFTER_MIN } else { (pause * 2).min(LOOK_EVERY) };
        tokio::select! {
            () = tasks.stopping() => return,
            () = sleep(wait) => {}
            Ok(()) = nodes.changed() => {}
            Ok(()) = steward.changed() => {}
        }
    }
}

/// Returns whether nothing is left to do.
async fn take_over_all(shared: &SharedState, salvage: &Salvage) -> bool {
    if !shared.steward.is_held() {
        return true;
    }
    let left = match salvage.left().await {
        Ok(left) => left,
        Err(error) => {
            tracing::warn!(%error, "what dead nodes left in the bucket cannot be looked for yet");
            return false;
        }
    };
    let mut is_done = true;
    for left in left {
        // It may have come back meanwhile, or another node be the steward.
        if !shared.steward.is_held() || !shared.nodes.is_dead(&left.node) {
            continue;
        }
        let Err(error) = salvage.take_over(&left).await else { continue };
        is_done = false;
        let (replay, node) = (left.id, &left.node);
        match error {
            SalvageError::WholeMayCome => {
                tracing::debug!(%replay, %node, "the whole recording may still come");
            }
            error => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(%replay, %node, error, "what a dead node left cannot be saved yet");
            }
        }
    }
    is_done
}
