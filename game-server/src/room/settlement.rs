//! The question to the ladder how a round changed its players' ratings, until the answer is here.

use std::time::Duration;

use tokio::sync::oneshot;
use tokio::sync::oneshot::error::TryRecvError;

use crate::ladder::{LadderHandle, RoundResult};
use crate::storage::PlaceRecord;

/// A room that closes waits this long for the answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(1);

/// A round's result that is to be settled.
pub(super) enum Settlement {
    /// The ladder could not take the question yet.
    Unasked(RoundResult),
    Asked(oneshot::Receiver<Vec<PlaceRecord>>),
}

/// The answer: what the round did to each player, in the order of the standings. `None`: the ladder has stopped.
pub(super) type Settled = Option<Vec<PlaceRecord>>;

impl Settlement {
    /// Asks the ladder. When it is behind, the next call of [`Self::poll`] asks again.
    pub(super) fn begin(result: RoundResult, ladder: &LadderHandle) -> Self {
        match ladder.settle(result) {
            Ok(answer) => Self::Asked(answer),
            Err(result) => Self::Unasked(result),
        }
    }

    /// Returns the answer if it is here, or the settlement to ask again later.
    pub(super) fn poll(self, ladder: &LadderHandle) -> Result<Settled, Self> {
        let mut answer = match self {
            Self::Unasked(result) => match Self::begin(result, ladder) {
                Self::Asked(answer) => answer,
                unasked @ Self::Unasked(_) => return Err(unasked),
            },
            Self::Asked(answer) => answer,
        };
        match answer.try_recv() {
            Ok(records) => Ok(Some(records)),
            Err(TryRecvError::Empty) => Err(Self::Asked(answer)),
            Err(TryRecvError::Closed) => Ok(None),
        }
    }

    /// Waits for the answer, but no longer than a room that closes may.
    pub(super) async fn wait(self, ladder: &LadderHandle) -> Settled {
        let answer = match self {
            Self::Unasked(result) => ladder.settle(result).ok()?,
            Self::Asked(answer) => answer,
        };
        tokio::time::timeout(ANSWER_WITHIN, answer).await.ok()?.ok()
    }
}
