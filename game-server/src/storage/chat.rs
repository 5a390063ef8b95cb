//! Chat lines in the database.

use shared::id::{PlayerId, RoomId};
use shared::protocol::chat::{ChatChannel, ChatLine};
use sqlx::any::{AnyArguments, AnyRow};
use sqlx::query::Query;
use sqlx::{Any, AssertSqlSafe, Row as _};

use super::error::{StoreError, StoreFuture, in_time};
use super::sql::{Columns as _, SqlStore, column};

const LOBBY: &str = "lobby";
const ROOM: &str = "room";
const TEAM: &str = "team";
const DIRECT: &str = "direct";

/// Matches no team: for readers without one.
const NO_TEAM: i64 = -1;

/// The lines that a reader may see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readable {
    /// The lobby's lines.
    Lobby,
    /// A room's lines, and some of one of its teams.
    Room(RoomId, Option<TeamLines>),
    /// Direct lines to and from this player.
    Direct(PlayerId),
}

/// The lines to a team from a time on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TeamLines {
    /// The team.
    pub team: u8,
    /// Lines from before are left out. In milliseconds since 1970.
    pub since_ms: u64,
}

impl Readable {
    /// Whether the line is one of these.
    #[must_use]
    pub fn has(&self, line: &ChatLine) -> bool {
        match (*self, line.channel) {
            (Self::Lobby, ChatChannel::Lobby) => true,
            (Self::Room(own, _), ChatChannel::Room { room }) => own == room,
            (Self::Room(own, lines), ChatChannel::Team { room, team }) => {
                let reads = |of: TeamLines| of.team == team && line.at_ms >= of.since_ms;
                own == room && lines.is_some_and(reads)
            }
            (Self::Direct(own), ChatChannel::Direct { player }) => {
                own == player || own == line.from
            }
            (Self::Lobby | Self::Room(..) | Self::Direct(_), _) => false,
        }
    }
}

/// A part of the log, without gap.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogPart {
    /// The lines in order, each with the nonce of its author. A line of a newer build, which this one cannot read, is left
    /// out.
    pub lines: Vec<ChatLine>,
    /// The sequence number at which the part ends. That of the part's beginning when it is empty.
    pub until: u64,
    /// Whether it has as many lines as were asked for, so that there may be more.
    pub is_full: bool,
}

/// Every chat line.
pub trait ChatLog: Send + Sync {
    /// Adds lines, each with the nonce of its author: all of them or none. When a sequence number is not new, the error is a
    /// duplicate (see [`StoreError::is_duplicate`]).
    fn add_lines(&self, lines: Vec<ChatLine>) -> StoreFuture<'_, ()>;
    /// The newest `limit` lines after the sequence number `after`, oldest first, without nonces. A `Direct` channel names
    /// the receiver.
    fn lines(&self, of: Readable, after: u64, limit: u32) -> StoreFuture<'_, Vec<ChatLine>>;
    /// The first `limit` lines of all channels after the sequence number `after`.
    fn lines_after(&self, after: u64, limit: u32) -> StoreFuture<'_, LogPart>;
    /// The highest sequence number, or 0 without any line.
    fn last_sequence(&self) -> StoreFuture<'_, u64>;
}

impl ChatLog for SqlStore {
    fn add_lines(&self, lines: Vec<ChatLine>) -> StoreFuture<'_, ()> {
        in_time(async move {
            if lines.is_empty() {
                return Ok(());
            }
            // Only numbers of placeholders are put into the text.
            let insert = sqlx::query(AssertSqlSafe(insert(lines.len())));
            lines.into_iter().fold(insert, bind).execute(&self.writes).await?;
            Ok(())
        })
    }

    fn lines(&self, of: Readable, after: u64, limit: u32) -> StoreFuture<'_, Vec<ChatLine>> {
        in_time(async move {
            let (sql, values) = match of {
                Readable::Lobby => (
                    "SELECT sequence, at_ms, kind, room, team, receiver, sender, name, text \
                     FROM chat_lines WHERE kind = 'lobby' AND sequence > $1 \
                     ORDER BY sequence DESC LIMIT $2",
                    vec![],
                ),
                Readable::Room(room, team) => (
                    "SELECT sequence, at_ms, kind, room, team, receiver, sender, name, text \
                     FROM chat_lines WHERE room = $3 AND sequence > $1 \
                     AND (kind = 'room' OR (kind = 'team' AND team = $4 AND at_ms >= $5)) \
                     ORDER BY sequence DESC LIMIT $2",
                    vec![
                        column(room.bits()),
                        team.map_or(NO_TEAM, |lines| lines.team.into()),
                        column(team.map_or(0, |lines| lines.since_ms)),
                    ],
                ),
                Readable::Direct(player) => (
                    // Two questions: with `OR`, SQLite reads the direct lines of all players.
                    "SELECT sequence, at_ms, kind, room, team, receiver, sender, name, text FROM ( \
                     SELECT * FROM (SELECT * FROM chat_lines WHERE kind = 'direct' AND sender = $3 \
                     AND sequence > $1 ORDER BY sequence DESC LIMIT $2) AS sent UNION \
                     SELECT * FROM (SELECT * FROM chat_lines WHERE kind = 'direct' AND receiver = $4 \
                     AND sequence > $1 ORDER BY sequence DESC LIMIT $2) AS received \
                     ) AS direct ORDER BY sequence DESC LIMIT $2",
                    vec![column(player.bits()); 2],
                ),
            };
            let mut query = sqlx::query(sql).bind(column(after)).bind(i64::from(limit));
            for value in values {
                query = query.bind(value);
            }
            let rows = query.fetch_all(&self.reads).await?;
            rows.iter().rev().map(line).collect()
        })
    }

    fn lines_after(&self, after: u64, limit: u32) -> StoreFuture<'_, LogPart> {
        in_time(async move {
            let rows = sqlx::query(
                "SELECT sequence, at_ms, kind, room, team, receiver, sender, name, text, nonce \
                 FROM chat_lines WHERE sequence > $1 ORDER BY sequence LIMIT $2",
            )
            .bind(column(after))
            .bind(i64::from(limit))
            .fetch_all(&self.reads)
            .await?;
            let is_full = rows.len() >= limit as usize;
            let mut part = LogPart { lines: Vec::new(), until: after, is_full };
            for row in &rows {
                part.until = row.count("sequence")?;
                match line_with_nonce(row) {
                    Ok(line) => part.lines.push(line),
                    Err(error) => {
                        let sequence = part.until;
                        tracing::error!(%error, sequence, "a line of chat cannot be read");
                    }
                }
            }
            Ok(part)
        })
    }

    fn last_sequence(&self) -> StoreFuture<'_, u64> {
        in_time(async move {
            let row = sqlx::query("SELECT MAX(sequence) AS last FROM chat_lines")
                .fetch_one(&self.reads)
                .await?;
            let last: Option<i64> = row.try_get("last")?;
            Ok(last.unwrap_or_default().cast_unsigned())
        })
    }
}

/// The statement that adds so many lines. There are as many statements as lines are written at once, which the driver keeps
/// prepared.
fn insert(lines: usize) -> String {
    const COLUMNS: [&str; 10] = [
        "sequence", "at_ms", "kind", "room", "team", "receiver", "sender", "name", "text", "nonce",
    ];
    let row = |line: usize| {
        let first = line * COLUMNS.len() + 1;
        let values: Vec<_> =
            (first..first + COLUMNS.len()).map(|number| format!("${number}")).collect();
        format!("({})", values.join(", "))
    };
    let rows: Vec<_> = (0..lines).map(row).collect();
    format!("INSERT INTO chat_lines ({}) VALUES {}", COLUMNS.join(", "), rows.join(", "))
}

/// The values of a line, in the order of the columns of [`insert`].
fn bind(insert: Query<'_, Any, AnyArguments>, line: ChatLine) -> Query<'_, Any, AnyArguments> {
    let (kind, room, team, receiver) = match line.channel {
        ChatChannel::Lobby => (LOBBY, None, None, None),
        ChatChannel::Room { room } => (ROOM, Some(room), None, None),
        ChatChannel::Team { room, team } => (TEAM, Some(room), Some(team), None),
        ChatChannel::Direct { player } => (DIRECT, None, None, Some(player)),
    };
    insert
        .bind(column(line.sequence))
        .bind(column(line.at_ms))
        .bind(kind)
        .bind(room.map(|room| column(room.bits())))
        .bind(team.map(i64::from))
        .bind(receiver.map(|player| column(player.bits())))
        .bind(column(line.from.bits()))
        .bind(line.name.to_string())
        .bind(line.text)
        .bind(line.nonce.map(i64::from))
}

fn line(row: &AnyRow) -> Result<ChatLine, StoreError> {
    let channel = match row.text("kind")?.as_str() {
        LOBBY => ChatChannel::Lobby,
        ROOM => ChatChannel::Room { room: row.room("room")? },
        TEAM => ChatChannel::Team { room: row.room("room")?, team: row.count("team")? },
        DIRECT => ChatChannel::Direct { player: row.player("receiver")? },
        _ => return Err(StoreError::Corrupt { what: "channel" }),
    };
    Ok(ChatLine {
        sequence: row.count("sequence")?,
        at_ms: row.count("at_ms")?,
        channel,
        from: row.player("sender")?,
        name: row.name("name")?,
        text: row.text("text")?,
        nonce: None,
    })
}

fn line_with_nonce(row: &AnyRow) -> Result<ChatLine, StoreError> {
    let nonce = row.number_or_none("nonce")?.map(u32::try_from).transpose();
    Ok(ChatLine { nonce: nonce.or(Err(StoreError::Corrupt { what: "nonce" }))?, ..line(row)? })
}

#[cfg(test)]
mod tests {
    use shared::id::{PlayerId, PlayerName, RoomId};
    use shared::protocol::chat::{ChatChannel, ChatLine};

    use crate::storage::testing::on_both_engines;
    use crate::storage::{ChatLog as _, LogPart, Readable, SqlStore, TeamLines};

    on_both_engines!(
        each_reader_gets_the_lines_of_its_channels,
        the_log_is_read_in_order_and_each_number_is_given_once,
    );

    async fn each_reader_gets_the_lines_of_its_channels(store: &SqlStore) {
        let (ada, bob, room) =
            (PlayerId::from_bits(1), PlayerId::from_bits(2), RoomId::from_bits(3));
        assert_eq!(store.last_sequence().await.unwrap(), 0);
        let channels = [
            ChatChannel::Lobby,
            ChatChannel::Room { room },
            ChatChannel::Team { room, team: 1 },
            ChatChannel::Direct { player: bob },
            ChatChannel::Lobby,
        ];
        for (sequence, channel) in (1..).zip(channels) {
            let name = PlayerName::parse("Ada").unwrap();
            let text = "hello".to_owned();
            let line = ChatLine { sequence, at_ms: 5, channel, from: ada, name, text, nonce: None };
            store.add_lines(vec![line]).await.unwrap();
        }

        let read = async |of, after, limit| {
            let lines = store.lines(of, after, limit).await.unwrap();
            lines.into_iter().map(|line| line.sequence).collect::<Vec<_>>()
        };
        assert_eq!(read(Readable::Lobby, 0, 9).await, [1, 5]);
        assert_eq!(read(Readable::Lobby, 0, 1).await, [5]);
        assert_eq!(read(Readable::Lobby, 1, 9).await, [5]);
        assert_eq!(read(Readable::Room(room, None), 0, 9).await, [2]);
        let team = |since_ms| Some(TeamLines { team: 1, since_ms });
        assert_eq!(read(Readable::Room(room, team(5)), 0, 9).await, [2, 3]);
        assert_eq!(read(Readable::Room(room, team(6)), 0, 9).await, [2]);
        assert_eq!(read(Readable::Direct(bob), 0, 9).await, [4]);
        assert_eq!(read(Readable::Direct(ada), 0, 9).await, [4]);
        assert_eq!(read(Readable::Direct(ada), 4, 9).await, [0; 0]);
        assert_eq!(read(Readable::Direct(PlayerId::from_bits(4)), 0, 9).await, [0; 0]);
        assert_eq!(store.last_sequence().await.unwrap(), 5);
    }

    async fn the_log_is_read_in_order_and_each_number_is_given_once(store: &SqlStore) {
        let said = |sequence, nonce| {
            let (from, name) = (PlayerId::from_bits(1), PlayerName::parse("Ada").unwrap());
            let (channel, text) = (ChatChannel::Direct { player: from }, format!("{sequence}"));
            ChatLine { sequence, at_ms: 5, channel, from, name, text, nonce }
        };
        let lines = [said(1, Some(u32::MAX)), said(2, None), said(3, Some(0))];
        store.add_lines(lines.to_vec()).await.unwrap();
        store.add_lines(Vec::new()).await.unwrap();
        // All or none: the numbers before and after the one that is taken are free.
        for taken in [vec![said(2, Some(7))], vec![said(4, None), said(3, None), said(5, None)]] {
            let taken = store.add_lines(taken).await.unwrap_err();
            assert!(taken.is_duplicate() && !taken.is_transient(), "{taken:?}");
        }

        let read = async |after, limit| store.lines_after(after, limit).await.unwrap();
        let part =
            |lines: &[ChatLine], until, is_full| LogPart { lines: lines.to_vec(), until, is_full };
        assert_eq!(read(0, 2).await, part(&lines[..2], 2, true));
        assert_eq!(read(2, 2).await, part(&lines[2..], 3, false));
        assert_eq!(read(3, 2).await, part(&[], 3, false));
        let shown = store.lines(Readable::Direct(PlayerId::from_bits(1)), 0, 9).await.unwrap();
        assert!(shown.iter().all(|line| line.nonce.is_none()), "a nonce is its author's alone");

        // A newer build has a kind of its own.
        sqlx::query("UPDATE chat_lines SET kind = 'song' WHERE sequence = 3")
            .execute(&store.writes)
            .await
            .unwrap();
        assert_eq!(read(0, 9).await, part(&lines[..2], 3, false));
    }
}
