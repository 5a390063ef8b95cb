//! Rounds and the index of their replays: the transactions that write them.

use shared::api::{ReplayList, ReplaySummary};
use shared::id::{PlayerId, ReplayId};
use sqlx::{Any, Transaction};

use super::error::{StoreError, StoreFuture};
use super::replays::{self, ReplayFilter};
use super::sql::{SqlStore, column, mode_column};
use crate::player::Skill;

/// A round that is over.
#[derive(Debug, Clone, PartialEq)]
pub struct RoundRecord {
    /// The replay's entry. Its file may still be missing.
    pub replay: ReplaySummary,
    /// End of the round, in milliseconds since 1970.
    pub ended_at_ms: u64,
    /// The result of each player. Empty in Practice.
    pub places: Vec<PlaceRecord>,
}

/// The result of one player in a round.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PlaceRecord {
    /// A player that the store has.
    pub player: PlayerId,
    /// The rating before.
    pub before: Skill,
    /// The rating after.
    pub after: Skill,
    /// Points in this round.
    pub points: i32,
    /// Opponents pushed over the edge.
    pub knockouts: u32,
    /// Times over the edge.
    pub falls: u32,
    /// Whether the player (or the player's team) won.
    pub won: bool,
}

/// Rounds and their recordings.
pub trait Rounds: Send + Sync {
    /// Writes a round, its replay's entry, the new ratings and totals, in one transaction.
    ///
    /// The same round again fails with [`StoreError::is_duplicate`] and changes nothing.
    fn record_round(&self, round: RoundRecord) -> StoreFuture<'_, ()>;
    /// Adds or replaces the entry of a replay without a result, such as one that was cut off.
    fn put_replay(&self, replay: ReplaySummary) -> StoreFuture<'_, ()>;
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
    fn record_round(&self, mut round: RoundRecord) -> StoreFuture<'_, ()> {
        // Every transaction locks players in the order of their ids, so that no two wait for each other.
        round.places.sort_by_key(|place| place.player);
        Box::pin(async move {
            let mut transaction = self.results.begin().await?;
            put(&mut transaction, &round.replay).await?;
            for place in &round.places {
                add_result(&mut transaction, place).await?;
                add_rating(&mut transaction, &round, place).await?;
            }
            Ok(transaction.commit().await?)
        })
    }

    fn put_replay(&self, replay: ReplaySummary) -> StoreFuture<'_, ()> {
        Box::pin(async move {
            let mut transaction = self.results.begin().await?;
            put(&mut transaction, &replay).await?;
            Ok(transaction.commit().await?)
        })
    }

    fn remove_replay(&self, replay: ReplayId) -> StoreFuture<'_, ()> {
        Box::pin(async move {
            let mut transaction = self.pool.begin().await?;
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
        Box::pin(replays::list(&self.pool, filter))
    }

    fn replay(&self, replay: ReplayId) -> StoreFuture<'_, Option<ReplaySummary>> {
        Box::pin(replays::one(&self.pool, replay))
    }

    fn replays_older_than(&self, at_ms: u64, limit: u32) -> StoreFuture<'_, Vec<ReplayId>> {
        Box::pin(replays::older_than(&self.pool, at_ms, limit))
    }
}

/// Begins its transaction with a write: SQLite cannot turn a reader into a writer while another connection writes.
async fn put(
    transaction: &mut Transaction<'_, Any>,
    replay: &ReplaySummary,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO replays (id, room, mode, started_at_ms, ticks, bytes, complete) \
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO UPDATE SET \
         ticks = excluded.ticks, bytes = excluded.bytes, complete = excluded.complete",
    )
    .bind(column(replay.id.bits()))
    .bind(column(replay.room.bits()))
    .bind(mode_column(replay.mode))
    .bind(column(replay.started_at_ms))
    .bind(i64::from(replay.ticks))
    .bind(column(replay.bytes))
    .bind(i64::from(replay.complete))
    .execute(&mut **transaction)
    .await?;
    sqlx::query("DELETE FROM replay_players WHERE replay = $1")
        .bind(column(replay.id.bits()))
        .execute(&mut **transaction)
        .await?;
    for (place, player) in (0_i64..).zip(&replay.players) {
        sqlx::query(
            "INSERT INTO replay_players (replay, place, player, name, bot, points, team) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(column(replay.id.bits()))
        .bind(place)
        .bind(column(player.player.bits()))
        .bind(player.name.as_str())
        .bind(i64::from(player.bot))
        .bind(i64::from(player.points))
        .bind(player.team.map(i64::from))
        .execute(&mut **transaction)
        .await?;
    }
    Ok(())
}

async fn add_result(
    transaction: &mut Transaction<'_, Any>,
    place: &PlaceRecord,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE players SET mean = $2, deviation = $3, rating = $4, points = points + $5, \
         knockouts = knockouts + $6, falls = falls + $7, rounds = rounds + 1, wins = wins + $8 \
         WHERE id = $1",
    )
    .bind(column(place.player.bits()))
    .bind(place.after.mean)
    .bind(place.after.deviation)
    .bind(i64::from(place.after.shown()))
    .bind(i64::from(place.points))
    .bind(i64::from(place.knockouts))
    .bind(i64::from(place.falls))
    .bind(i64::from(place.won))
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

async fn add_rating(
    transaction: &mut Transaction<'_, Any>,
    round: &RoundRecord,
    place: &PlaceRecord,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO rating_history (player, replay, at_ms, rating) VALUES ($1, $2, $3, $4)",
    )
    .bind(column(place.player.bits()))
    .bind(column(round.replay.id.bits()))
    .bind(column(round.ended_at_ms))
    .bind(i64::from(place.after.shown()))
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use shared::api::{ReplayPlayer, ReplaySummary};
    use shared::id::{ReplayId, RoomId};
    use shared::sim::Mode;

    use crate::player::Player;
    use crate::player::Skill;
    use crate::storage::testing::{guest, on_both_engines};
    use crate::storage::{
        Ladder as _, PlaceRecord, ReplayFilter, RoundRecord, Rounds as _, SqlStore,
    };

    on_both_engines!(
        a_round_is_written_whole_or_not_at_all,
        a_result_finds_a_connection_however_many_readers_there_are,
        replays_are_paged_and_filtered,
    );

    fn replay(id: u64, player: &Player) -> ReplaySummary {
        ReplaySummary {
            id: ReplayId::from_bits(id),
            room: RoomId::from_bits(4),
            mode: Mode::Duel,
            started_at_ms: id,
            ticks: 600,
            bytes: 10,
            complete: true,
            players: vec![ReplayPlayer {
                player: player.id,
                name: player.name.clone(),
                bot: false,
                points: 3,
                team: Some(1),
            }],
        }
    }

    async fn a_round_is_written_whole_or_not_at_all(store: &SqlStore) {
        let ada = guest(store, 1, "Ada").await;
        let after = Skill { mean: 27.0, deviation: 7.5 };
        let place = PlaceRecord {
            player: ada.id,
            before: Skill::NEWCOMER,
            after,
            points: 3,
            knockouts: 4,
            falls: 1,
            won: true,
        };
        let round = RoundRecord { replay: replay(9, &ada), ended_at_ms: 50, places: vec![place] };

        store.record_round(round.clone()).await.unwrap();
        // The same round again breaks a key in its last statement.
        let again = store.record_round(round.clone()).await.unwrap_err();
        assert!(again.is_duplicate() && !again.is_transient(), "{again:?}");

        let profile = store.profile(ada.id).await.unwrap().unwrap();
        assert_eq!((profile.row.points, profile.row.rounds, profile.row.wins), (3, 1, 1));
        assert_eq!(profile.row.rating, after.shown());
        assert_eq!(profile.curve.len(), 1);
        assert_eq!(store.ladder(10).await.unwrap(), [profile.row]);
        assert_eq!(store.skill(ada.id).await.unwrap(), after);
        assert_eq!(store.replay(round.replay.id).await.unwrap(), Some(round.replay));
    }

    async fn a_result_finds_a_connection_however_many_readers_there_are(store: &SqlStore) {
        let ada = guest(store, 1, "Ada").await;
        let mut readers = Vec::new();
        while let Some(reader) = store.pool.try_acquire() {
            readers.push(reader);
        }
        while readers.len() < store.pool.options().get_max_connections() as usize {
            readers.push(store.pool.acquire().await.unwrap());
        }

        let (row, skill) = store.row_and_skill(ada.id).await.unwrap().unwrap();
        store.put_replay(replay(9, &ada)).await.unwrap();

        assert_eq!((row.name, skill), (ada.name, Skill::NEWCOMER));
        drop(readers);
        assert!(store.replay(ReplayId::from_bits(9)).await.unwrap().is_some());
    }

    async fn replays_are_paged_and_filtered(store: &SqlStore) {
        let (ada, bob) = (guest(store, 1, "Ada").await, guest(store, 2, "Bob").await);
        for id in 1..=5 {
            let player = if id % 2 == 0 { &ada } else { &bob };
            store.put_replay(replay(id, player)).await.unwrap();
        }
        let ids = |list: &shared::api::ReplayList| {
            list.replays.iter().map(|replay| replay.id.bits()).collect::<Vec<_>>()
        };

        let filter = ReplayFilter { limit: 2, ..ReplayFilter::default() };
        let first = store.replays(filter).await.unwrap();
        assert_eq!((ids(&first), first.next.map(ReplayId::bits)), (vec![5, 4], Some(4)));
        let filter = ReplayFilter { before: first.next, limit: 9, ..filter };
        let rest = store.replays(filter).await.unwrap();
        assert_eq!((ids(&rest), rest.next), (vec![3, 2, 1], None));

        let filter = ReplayFilter { limit: 9, player: Some(ada.id), ..ReplayFilter::default() };
        assert_eq!(ids(&store.replays(filter).await.unwrap()), [4, 2]);
        let filter = ReplayFilter { limit: 9, mode: Some(Mode::Teams), ..ReplayFilter::default() };
        assert_eq!(ids(&store.replays(filter).await.unwrap()), [0; 0]);

        assert_eq!(store.replays_older_than(3, 9).await.unwrap().len(), 2);
        store.remove_replay(ReplayId::from_bits(1)).await.unwrap();
        assert_eq!(store.replay(ReplayId::from_bits(1)).await.unwrap(), None);
    }
}
