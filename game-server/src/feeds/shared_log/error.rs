//! Why a log is not followed any more.

use async_nats::jetstream::stream::InfoError;

use crate::cluster::streams::OpenStreamError;
use crate::cluster::table::WriteError;
use crate::feeds::feed::OutOfOrder;
use crate::storage::StoreError;

/// Why the log is not followed any more.
#[derive(Debug, thiserror::Error)]
pub(super) enum FollowError {
    #[error("the log of a feed cannot be opened")]
    Open(#[from] OpenStreamError),
    #[error("the log of a feed cannot be read")]
    Consume(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("the log of a feed does not answer")]
    Look(#[from] InfoError),
    #[error("the log of a feed ended")]
    Ended,
    #[error("the log of a feed has more than it sends")]
    Behind,
    #[error("NATS was away, and may have lost events")]
    Reconnected,
    #[error(transparent)]
    Order(#[from] OutOfOrder),
    #[error("the log of a feed is not the one that was read before")]
    OtherLog,
    #[error("another epoch of a feed has begun")]
    OtherEpoch,
    #[error("the state of a feed cannot be kept")]
    Checkpoint(#[source] WriteError),
    #[error("the kept state of a feed is not understood")]
    Corrupt(#[source] serde_json::Error),
    #[error("the state of a feed cannot be read from the database")]
    Fresh(#[source] StoreError),
}

impl FollowError {
    /// Whether the log was heard: it, or the epoch, is another one, and the next attempt goes on with that.
    pub(super) fn is_news(&self) -> bool {
        use FollowError::{Checkpoint, OtherEpoch, OtherLog, Reconnected};
        matches!(self, Reconnected | OtherEpoch | OtherLog | Checkpoint(WriteError::Conflict))
    }

    /// Whether NATS did not do what it is there for.
    pub(super) fn blames_nats(&self) -> bool {
        use FollowError::{Behind, Checkpoint, Consume, Ended, Look, Open};
        matches!(
            self,
            Open(_) | Consume(_) | Look(_) | Ended | Behind | Checkpoint(WriteError::Away(_))
        )
    }
}
