//! What outlives the process: players, sessions, ratings, rounds, chat.
//!
//! Four small traits make up [`Store`]; [`SqlStore`] implements them with queries that SQLite and
//! PostgreSQL both understand. Everything that a round changes is written in one transaction.

pub mod blobs;
mod chat;
mod ladder;
mod players;
mod replays;
mod rounds;
mod sql;

use futures_util::future::BoxFuture;
use shared::api::{PlayerProfile, ReplayList, ReplaySummary, ScoreRow};
use shared::id::{PlayerId, PlayerName, ReplayId, RoomId};
use shared::protocol::chat::ChatLine;
use shared::sim::Mode;

pub use sql::SqlStore;

use crate::player::{Player, Skill};
use crate::token::TokenHash;

/// Why the store could not answer.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database refused or cannot be reached.
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
    /// The database's tables could not be brought up to date.
    #[error("the database could not be brought up to date")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// A stored value is none that this build knows.
    #[error("the database holds a {what} that cannot be read")]
    Corrupt {
        /// What kind of value.
        what: &'static str,
    },
}

impl StoreError {
    /// Whether what was to be written is there already.
    #[must_use]
    pub fn is_double(&self) -> bool {
        matches!(self, Self::Database(sqlx::Error::Database(error)) if error.is_unique_violation())
    }

    /// Whether trying again later can help: the disk was full, another one wrote for too long, the line broke.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Database(sqlx::Error::Database(error)) => {
                matches!(error.kind(), sqlx::error::ErrorKind::Other)
            }
            Self::Database(error) => matches!(
                error,
                sqlx::Error::Io(_)
                    | sqlx::Error::Tls(_)
                    | sqlx::Error::Protocol(_)
                    | sqlx::Error::PoolTimedOut
                    | sqlx::Error::WorkerCrashed
                    | sqlx::Error::BeginFailed
            ),
            Self::Migration(_) | Self::Corrupt { .. } => false,
        }
    }
}

/// An answer that comes later.
pub type StoreFuture<'a, T> = BoxFuture<'a, Result<T, StoreError>>;

/// Everything that is kept, together.
pub trait Store: Players + Ladder + Rounds + ChatLog {
    /// Finishes what was begun and closes.
    fn close(&self) -> BoxFuture<'_, ()>;
    /// Whether it answers now.
    fn ping(&self) -> StoreFuture<'_, ()>;
}

/// Guests, bots and sessions.
pub trait Players: Send + Sync {
    /// Adds a guest with a first session.
    fn add_guest(&self, player: Player, token: TokenHash, at_ms: u64) -> StoreFuture<'_, ()>;
    /// Adds another session of a known player: a second program, say.
    fn add_session(&self, player: PlayerId, token: TokenHash, at_ms: u64) -> StoreFuture<'_, ()>;
    /// Gives a player another name.
    fn rename(&self, player: PlayerId, name: PlayerName) -> StoreFuture<'_, ()>;
    /// Whose session it is.
    fn session(&self, token: TokenHash) -> StoreFuture<'_, Option<Player>>;
    /// Ends a session. Ending one that is not there is no error.
    fn end_session(&self, token: TokenHash) -> StoreFuture<'_, ()>;
    /// Adds bots, or gives known ones these names.
    fn upsert_bots(&self, bots: Vec<Player>) -> StoreFuture<'_, ()>;
    /// Somebody's name, if known.
    fn player(&self, player: PlayerId) -> StoreFuture<'_, Option<Player>>;
}

/// Ratings and totals.
pub trait Ladder: Send + Sync {
    /// Somebody's rating; whoever has none yet is a newcomer.
    fn skill(&self, player: PlayerId) -> StoreFuture<'_, Skill>;
    /// One player's line and rating, for who settles rounds: it waits for results alone, however many others ask for
    /// something. `playing` is empty.
    fn line(&self, player: PlayerId) -> StoreFuture<'_, Option<(ScoreRow, Skill)>>;
    /// The best lines, best first, of everyone who has finished a round. `playing` is always empty.
    fn ladder(&self, limit: u32) -> StoreFuture<'_, Vec<ScoreRow>>;
    /// One player's line, round or none. `playing` is empty.
    fn row(&self, player: PlayerId) -> StoreFuture<'_, Option<ScoreRow>>;
    /// One player's line with the last rounds.
    fn profile(&self, player: PlayerId) -> StoreFuture<'_, Option<PlayerProfile>>;
}

/// A round that is over.
#[derive(Debug, Clone, PartialEq)]
pub struct RoundRecord {
    /// The recording. Its file need not be in place yet.
    pub replay: ReplaySummary,
    /// When the round ended, milliseconds since 1970.
    pub ended_at_ms: u64,
    /// What it did to each player. Empty in Practice.
    pub places: Vec<PlaceRecord>,
}

/// What a round did to one player.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PlaceRecord {
    /// Who: known to the store.
    pub player: PlayerId,
    /// The rating before.
    pub before: Skill,
    /// The rating after.
    pub after: Skill,
    /// Points in this round.
    pub points: i32,
    /// Others pushed over the edge.
    pub knockouts: u32,
    /// Times over the edge.
    pub falls: u32,
    /// Whether the player (or the player's team) won.
    pub won: bool,
}

/// Which replays to list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReplayFilter {
    /// Only those older than this one.
    pub before: Option<ReplayId>,
    /// At most so many.
    pub limit: u32,
    /// Only those where this player took part.
    pub player: Option<PlayerId>,
    /// Only this mode.
    pub mode: Option<Mode>,
}

/// Rounds and their recordings.
pub trait Rounds: Send + Sync {
    /// Writes a round, its replay's entry, the new ratings and totals: all or nothing.
    fn record_round(&self, round: RoundRecord) -> StoreFuture<'_, ()>;
    /// Adds a replay without a result, or replaces its entry: one that was cut off, say.
    fn put_replay(&self, replay: ReplaySummary) -> StoreFuture<'_, ()>;
    /// Removes a replay's entry.
    fn remove_replay(&self, replay: ReplayId) -> StoreFuture<'_, ()>;
    /// The newest first.
    fn replays(&self, filter: ReplayFilter) -> StoreFuture<'_, ReplayList>;
    /// One of them.
    fn replay(&self, replay: ReplayId) -> StoreFuture<'_, Option<ReplaySummary>>;
    /// Those that began before this time (milliseconds since 1970), the oldest first, at most `limit`.
    fn replays_older_than(&self, at_ms: u64, limit: u32) -> StoreFuture<'_, Vec<ReplayId>>;
}

/// Which lines of chat a person may read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readable {
    /// The lobby's.
    Lobby,
    /// A room's, with the lines of one team.
    Room(RoomId, Option<u8>),
    /// To and from this player.
    Direct(PlayerId),
}

/// What was said.
pub trait ChatLog: Send + Sync {
    /// Keeps a line.
    fn add_line(&self, line: ChatLine) -> StoreFuture<'_, ()>;
    /// The newest lines after a sequence number, at most `limit`, the oldest first. A `Direct` channel
    /// names the receiver.
    fn lines(&self, of: Readable, after: u64, limit: u32) -> StoreFuture<'_, Vec<ChatLine>>;
    /// The highest sequence number given so far.
    fn last_sequence(&self) -> StoreFuture<'_, u64>;
}
