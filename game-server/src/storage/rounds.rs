//! Rounds and the index of their replays: the transactions that write them.

use shared::api::{ReplayList, ReplaySummary};
use shared::id::ReplayId;

use super::error::{StoreFuture, in_time};
use super::replays::{self, ReplayFilter};
use super::settling::{self, RoundRecord, SettledPlace, put, put_if_longer};
use super::sql::{SqlStore, column};

/// Rounds and their recordings.
pub trait Rounds: Send + Sync {
    /// Settles a round in one transaction: writes its replay's entry and, when it is rated, reads the ratings, rates, and
    /// writes the new ratings and totals. Whichever of two rounds comes second starts from the ratings after the first.
    ///
    /// Returns the result of each player in the order of the standings; nothing for a round that is not rated. The same
    /// round again changes nothing and returns the same.
    fn settle(&self, round: RoundRecord) -> StoreFuture<'_, Vec<SettledPlace>>;
    /// Adds or replaces the entry of a replay without a result, such as one that was cut off.
    fn put_replay(&self, replay: ReplaySummary) -> StoreFuture<'_, ()>;
    /// Adds the entry of a replay that ends early because its server died. One that is complete, or at least as long, stays:
    /// others may save the same recording. Returns whether the entry is this one now.
    fn put_salvaged(&self, replay: ReplaySummary) -> StoreFuture<'_, bool>;
    /// Removes a replay's entry.
    fn remove_replay(&self, replay: ReplayId) -> StoreFuture<'_, ()>;
    /// The replays that match, newest first.
    fn replays(&self, filter: ReplayFilter) -> StoreFuture<'_, ReplayList>;
    /// One replay, or `None` when the id is unknown.
    fn replay(&self, replay: ReplayId) -> StoreFuture<'_, Option<ReplaySummary>>;
    /// At most `limit` replays that began before `at_ms` (milliseconds since 1970), oldest first.
    fn replays_older_than(&self, at_ms: u64, limit: u32) -> StoreFuture<'_, Vec<ReplayId>>;
}

impl Rounds for SqlStore {
    fn settle(&self, round: RoundRecord) -> StoreFuture<'_, Vec<SettledPlace>> {
        in_time(async move {
            match settling::settle(&self.results, &round).await {
                // An earlier attempt wrote it, and its answer was lost.
                Err(error) if error.is_duplicate() => {
                    settling::settled_before(&self.results, &round).await
                }
                settled => settled,
            }
        })
    }

    fn put_replay(&self, replay: ReplaySummary) -> StoreFuture<'_, ()> {
        in_time(async move {
            let mut transaction = self.results.begin().await?;
            put(&mut transaction, &replay).await?;
            Ok(transaction.commit().await?)
        })
    }

    fn put_salvaged(&self, replay: ReplaySummary) -> StoreFuture<'_, bool> {
        in_time(async move {
            let mut transaction = self.results.begin().await?;
            let is_put = put_if_longer(&mut transaction, &replay).await?;
            transaction.commit().await?;
            Ok(is_put)
        })
    }

    fn remove_replay(&self, replay: ReplayId) -> StoreFuture<'_, ()> {
        in_time(async move {
            let mut transaction = self.writes.begin().await?;
            for statement in [
                "DELETE FROM replay_players WHERE replay = $1",
                "DELETE FROM replays WHERE id = $1",
            ] {
                sqlx::query(statement)
                    .bind(column(replay.bits()))
                    .execute(&mut *transaction)
                    .await?;
            }
            Ok(transaction.commit().await?)
        })
    }

    fn replays(&self, filter: ReplayFilter) -> StoreFuture<'_, ReplayList> {
        in_time(replays::list(&self.lists, filter))
    }

    fn replay(&self, replay: ReplayId) -> StoreFuture<'_, Option<ReplaySummary>> {
        in_time(replays::one(&self.reads, replay))
    }

    fn replays_older_than(&self, at_ms: u64, limit: u32) -> StoreFuture<'_, Vec<ReplayId>> {
        in_time(replays::older_than(&self.lists, at_ms, limit))
    }
}

#[cfg(test)]
mod tests;
